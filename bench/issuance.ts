// The issuance benchmark: every load on every server, several rounds, one part after the other.
// Invariant: rounds are interleaved and every second one runs backwards, so that a slow minute of
// the machine hits all servers and no server always goes first.
// Never here: how results look (see issuance-report.ts).

import { planAkamu } from './akamu.ts';
import { CsrPool } from './csr-pool.ts';
import { type Load, openClients, runFlows } from './load.ts';
import { type Measured, measure } from './measure.ts';
import type { IssuanceOptions } from './options.ts';
import { type Incident, Participant } from './participant.ts';
import { planPebble } from './pebble.ts';
import { measurePending, type PendingCost } from './pending.ts';
import { figure } from './report.ts';
import type { TargetPlan } from './target.ts';
import { openWorld, type World } from './world.ts';

export interface IssuanceResult {
  readonly options: IssuanceOptions;
  readonly isInMemory: boolean;
  readonly servers: readonly string[];
  readonly parts: readonly Measured[];
  readonly pending: readonly PendingCost[];
  /** Requests for certificates that were made inside a measured part, at the client's cost. */
  readonly lateRequests: number;
  readonly incidents: readonly Incident[];
  readonly warmupFailures: readonly string[];
}

interface Run {
  readonly options: IssuanceOptions;
  readonly world: World;
  readonly pool: CsrPool;
  readonly say: (line: string) => void;
  readonly servers: string[];
  readonly parts: Measured[];
  readonly pending: PendingCost[];
  readonly warmupFailures: string[];
  lateRequests: number;
}

const WARMUP: Load = { name: 'warm-up', workers: 10, accounts: 10 };
const ONE_ACCOUNT: Load = { name: '1 account, 16 orders', workers: 16, accounts: 1 };

/** Runs the whole benchmark; trouble with a server is in the result, not thrown. */
export async function runIssuance(
  options: IssuanceOptions,
  say: (line: string) => void,
): Promise<IssuanceResult> {
  const world = await openWorld(options.directory);
  const pool = new CsrPool('n');
  const empty = { servers: [], parts: [], pending: [], warmupFailures: [], lateRequests: 0 };
  const run: Run = { options, world, pool, say, ...empty };
  const participants = plansOf(world, options).map((plan) => new Participant(plan));
  try {
    for (const participant of participants) await warmUp(run, participant);
    for (let round = 1; round <= options.rounds; round++) await runRound(run, participants, round);
  } finally {
    for (const participant of participants) await participant.stop();
    world.close();
  }
  const { servers, parts, pending, lateRequests, warmupFailures } = run;
  const figures = { servers, parts, pending, lateRequests, warmupFailures };
  const incidents = participants.flatMap((participant) => participant.incidents);
  return { options, isInMemory: world.isInMemory, ...figures, incidents };
}

function plansOf(world: World, options: IssuanceOptions): readonly TargetPlan[] {
  const { rounds, isTls, withPeer, peerOnly } = options;
  const peers = [
    planPebble(world, { rounds, isValidating: true }),
    // A reference for what validation costs; one round is enough for that.
    planPebble(world, { rounds: 1, isValidating: false }),
  ];
  return [...(peerOnly ? [] : [planAkamu(world, { rounds, isTls })]), ...(withPeer ? peers : [])];
}

async function warmUp(run: Run, participant: Participant): Promise<void> {
  const { world, pool, options, say } = run;
  const { plan } = participant;
  await participant.attempt(WARMUP.name, say, async (target) => {
    const known = world.responder.keyAuthorizations;
    const clients = await openClients(WARMUP, target.directoryUrl, known);
    try {
      const warm = await runFlows(clients, pool, { seconds: options.warmupSeconds });
      participant.rate = warm.latenciesMs.length / (warm.elapsedMs / 1000);
      run.warmupFailures.push(...warm.failures.map((text) => `${plan.name}, warm-up: ${text}`));
    } finally {
      for (const client of clients) client.reset();
    }
    run.servers.push(`${plan.name}: ${target.version}`);
    say(`${plan.name} is warm at ${figure(participant.rate)} certs/s`);
  });
}

async function runRound(
  run: Run,
  participants: readonly Participant[],
  round: number,
): Promise<void> {
  const isBackwards = round % 2 === 0;
  const forwards = [...run.options.clients.map(clientsLoad), ONE_ACCOUNT];
  const loads = isBackwards ? forwards.reverse() : forwards;
  const order = isBackwards ? [...participants].reverse() : participants;
  const present = order.filter(({ plan }) => round <= plan.rounds);
  for (const load of loads) {
    for (const participant of present) await runPart(run, participant, load, round);
  }
  for (const participant of present) await runPending(run, participant);
  for (const participant of present) {
    if (round === participant.plan.rounds) await participant.stop();
  }
}

function clientsLoad(count: number): Load {
  const name = count === 1 ? '1 client' : `${count} clients`;
  return { name, workers: count, accounts: count };
}

async function runPart(
  run: Run,
  participant: Participant,
  load: Load,
  round: number,
): Promise<void> {
  const { world, pool, options, say } = run;
  await participant.attempt(load.name, say, async (target) => {
    pool.fill(expectedFlows(options, participant.rate) + load.workers);
    const lateBefore = pool.lateCount;
    const part = await measure(world, target, load, pool, options.budget);
    run.lateRequests += pool.lateCount - lateBefore;
    run.parts.push(part);
    const failures = part.failures.length === 0 ? '' : `, ${part.failures.length} FAILURES`;
    const what = `${part.server}, ${load.name}: ${figure(part.certsPerSecond)} certs/s`;
    say(`round ${round}: ${what}, ${figure(part.serverCpuMsPerCert)} CPU ms each${failures}`);
  });
}

async function runPending(run: Run, participant: Participant): Promise<void> {
  await participant.attempt('pending orders', run.say, async (target) => {
    run.pending.push(await measurePending(run.world, target, run.pool));
  });
}

function expectedFlows({ budget }: IssuanceOptions, rate: number): number {
  // Three times the rate of the warm-up: parts are faster than that, but not so much.
  return budget.flows ?? Math.ceil(3 * rate * (budget.seconds ?? 0));
}
