// The simulator's benchmark: how fast virtual time passes for five nodes, with cheap cryptography
// and every checker looking on: under the default swarm, and in a world like production, where
// nodes gossip as often as they do by default and nothing fails.
// Invariant: each round runs the same seeds; what is printed is the median round. An event is one
// observation (sim/observation.ts): a step of a core, a commit, an effect that becomes visible, a
// message sent or delivered, a call, a reply, a mark.
// Never here: what a seed does (sim/).

import { ACTORS, CHECKERS, defaultPlan } from '../sim/cast.ts';
import { type Options, quiet } from '../sim/options.ts';
import { run } from '../sim/run.ts';
import type { SimOptions } from './options.ts';
import { ownCpuMs } from './process-usage.ts';
import { figure, median } from './report.ts';

export interface SimRound {
  readonly elapsedMs: number;
  /** Of the whole process, its collector included: what a busy machine does not distort as much. */
  readonly cpuMs: number;
  readonly events: number;
  readonly virtualUs: number;
}

export interface SimResult {
  readonly options: SimOptions;
  readonly node: string;
  readonly rounds: readonly SimRound[];
  /** The same for the world like production. */
  readonly calmRounds: readonly SimRound[];
  /** Seeds that did not pass: what they cost says nothing. */
  readonly failures: readonly string[];
}

const NODES = 5;
/** Seeds that only warm the engine up, beyond the measured ones. */
const WARMUP_SEEDS = 3;
/** Seeds of a round in the world like production: each is an hour long. */
const CALM_SEEDS = 1;
const SWARM: Partial<Options> = { nodes: NODES, realCrypto: 0 };
/** The interval of the shipped configuration, and 300 flows an hour. */
const CALM: Partial<Options> = quiet({
  ...SWARM,
  gossipIntervalMs: 15_000,
  clients: 5,
  flowsPerHour: 60,
  safetySecs: 3600,
});
const HOUR_US = 3_600_000_000;
const MINUTE_MS = 60_000;

export function runSim(options: SimOptions, say: (line: string) => void): SimResult {
  const failures = new Set<string>();
  runSeeds(options.seeds + 1, WARMUP_SEEDS, SWARM, failures);
  const rounds: SimRound[] = [];
  const calmRounds: SimRound[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    rounds.push(runSeeds(1, options.seeds, SWARM, failures));
    calmRounds.push(runSeeds(1, CALM_SEEDS, CALM, failures));
    say(`round ${round} of ${options.rounds}: ${figure(rounds.at(-1)!.elapsedMs / 1000)} s`);
  }
  return { options, node: process.version, rounds, calmRounds, failures: [...failures] };
}

function runSeeds(
  from: number,
  count: number,
  world: Partial<Options>,
  failures: Set<string>,
): SimRound {
  let events = 0;
  let virtualUs = 0;
  const startMs = performance.now();
  const startCpuMs = ownCpuMs();
  for (let seed = from; seed < from + count; seed++) {
    const plan = defaultPlan(seed, world);
    const result = run(plan, { actors: ACTORS, checkers: CHECKERS });
    events += result.events;
    virtualUs += result.virtualUs;
    if (result.verdict !== 'pass') failures.add(`seed ${seed}: ${result.verdict}`);
  }
  const elapsedMs = performance.now() - startMs;
  return { elapsedMs, cpuMs: ownCpuMs() - startCpuMs, events, virtualUs };
}

/** The figures of the median rounds and how they came about. */
export function renderSim(result: SimResult): string {
  const { options, node, rounds, calmRounds, failures } = result;
  return [
    ...linesOf(rounds, options.seeds),
    'In a world like production:',
    ...linesOf(calmRounds, CALM_SEEDS),
    `Median of ${rounds.length} rounds over seeds 1 to ${options.seeds}, ${NODES} nodes, default ` +
      `swarm, and of seed 1 without faults, ${CALM.gossipIntervalMs} ms between gossip rounds, ` +
      `${CALM.clients! * CALM.flowsPerHour!} flows an hour. All checkers, cheap cryptography, one ` +
      `thread, Node ${node}, after ${WARMUP_SEEDS} seeds to warm up.`,
    ...failures.map((failure) => `FAILURE ${failure}`),
    '',
  ].join('\n');
}

function linesOf(rounds: readonly SimRound[], seeds: number): readonly string[] {
  const middle = (read: (round: SimRound) => number): number => median(rounds.map(read));
  const perSecond = middle(({ events, elapsedMs }) => (events / elapsedMs) * 1000);
  const perCpuSecond = middle(({ events, cpuMs }) => (events / cpuMs) * 1000);
  const hours = middle((round) => (round.virtualUs / HOUR_US / round.elapsedMs) * MINUTE_MS);
  const faster = middle(({ virtualUs, elapsedMs }) => virtualUs / 1000 / elapsedMs);
  const fasterOfCpu = middle(({ virtualUs, cpuMs }) => virtualUs / 1000 / cpuMs);
  return [
    `events a second                  ${figure(perSecond)} (${figure(perCpuSecond)} a CPU second)`,
    `simulated hours a minute         ${figure(hours)} (${figure(faster)} times real time, ` +
      `${figure(fasterOfCpu)} by CPU time)`,
    `seeds a minute                   ${figure(middle((r) => (seeds / r.elapsedMs) * MINUTE_MS))}`,
  ];
}
