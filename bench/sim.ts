// The simulator's benchmark: how fast virtual time passes for five nodes under the default swarm,
// with cheap cryptography and every checker looking on.
// Invariant: each round runs the same seeds; what is printed is the median round.
// Never here: what a seed does (sim/).

import { ACTORS, CHECKERS, defaultPlan } from '../sim/cast.ts';
import { run } from '../sim/run.ts';
import type { SimOptions } from './options.ts';
import { figure, median } from './report.ts';

export interface SimRound {
  readonly elapsedMs: number;
  readonly events: number;
  readonly virtualUs: number;
}

export interface SimResult {
  readonly options: SimOptions;
  readonly node: string;
  readonly rounds: readonly SimRound[];
  /** Seeds that did not pass: what they cost says nothing. */
  readonly failures: readonly string[];
}

const NODES = 5;
/** Seeds that only warm the engine up, beyond the measured ones. */
const WARMUP_SEEDS = 3;
const HOUR_US = 3_600_000_000;
const MINUTE_MS = 60_000;

export function runSim(options: SimOptions, say: (line: string) => void): SimResult {
  const failures = new Set<string>();
  runSeeds(options.seeds + 1, WARMUP_SEEDS, failures);
  const rounds: SimRound[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    rounds.push(runSeeds(1, options.seeds, failures));
    say(`round ${round} of ${options.rounds}: ${figure(rounds.at(-1)!.elapsedMs / 1000)} s`);
  }
  return { options, node: process.version, rounds, failures: [...failures] };
}

function runSeeds(from: number, count: number, failures: Set<string>): SimRound {
  let events = 0;
  let virtualUs = 0;
  const startMs = performance.now();
  for (let seed = from; seed < from + count; seed++) {
    const plan = defaultPlan(seed, { nodes: NODES, realCrypto: 0 });
    const result = run(plan, { actors: ACTORS, checkers: CHECKERS });
    events += result.events;
    virtualUs += result.virtualUs;
    if (result.verdict !== 'pass') failures.add(`seed ${seed}: ${result.verdict}`);
  }
  return { elapsedMs: performance.now() - startMs, events, virtualUs };
}

/** The figures of the median round and how they came about. */
export function renderSim({ options, node, rounds, failures }: SimResult): string {
  const middle = (read: (round: SimRound) => number): number => median(rounds.map(read));
  const perSecond = middle(({ events, elapsedMs }) => (events / elapsedMs) * 1000);
  const hours = middle((round) => (round.virtualUs / HOUR_US / round.elapsedMs) * MINUTE_MS);
  const seeds = middle(({ elapsedMs }) => (options.seeds / elapsedMs) * MINUTE_MS);
  const faster = middle(({ virtualUs, elapsedMs }) => virtualUs / 1000 / elapsedMs);
  return [
    `events a second                  ${figure(perSecond)}`,
    `simulated hours a minute         ${figure(hours)} (${figure(faster)} times real time)`,
    `seeds a minute                   ${figure(seeds)}`,
    `Median of ${rounds.length} rounds over seeds 1 to ${options.seeds}, ${NODES} nodes, default ` +
      `swarm, all checkers, cheap cryptography, one thread, Node ${node}, after ${WARMUP_SEEDS} ` +
      'seeds to warm up.',
    ...failures.map((failure) => `FAILURE ${failure}`),
    '',
  ].join('\n');
}
