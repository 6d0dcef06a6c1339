// Many seeds, one after the other: a progress line, a table of verdicts, every failing seed with the
// command that replays it, and the situations that were never reached.
// Invariant: the exit code is that of the first failure. Never here: how a run goes.

import { defaultPlan, REQUIRED_MARKS, REQUIRED_MARKS_SEEDS } from '../cast.ts';
import { HOUR } from '../clock.ts';
import { EXIT_CODES, type Result, run, VERDICTS } from '../run.ts';
import { overridesText } from './arguments.ts';
import { check, NOT_DETERMINISTIC } from './one.ts';
import type { Command, Session } from './session.ts';

interface Tally {
  readonly verdicts: Map<string, number>;
  readonly marks: Map<string, number>;
  /** Seeds that reached each. */
  readonly marked: Map<string, number>;
  /** The smallest of each figure, and the seed that had it. */
  readonly figures: Map<string, { readonly figure: number; readonly seed: number }>;
  readonly failures: string[];
  events: number;
  virtualUs: number;
  code: number;
}

export const runSwarm: Command = (session) => {
  const { values, overrides } = session.arguments;
  const count = Number(values.seeds);
  const from = Number(values.from ?? 1);
  session.print(`seeds=${from}…${from + count - 1}${overridesText(overrides)}`);
  const tally: Tally = {
    verdicts: new Map(),
    marks: new Map(),
    marked: new Map(),
    figures: new Map(),
    failures: [],
    events: 0,
    virtualUs: 0,
    code: 0,
  };
  const startMs = performance.now();
  for (let seed = from; seed < from + count; seed++) {
    runSeed(session, seed, tally);
    const done = seed - from + 1;
    session.progress(`${done}/${count} seeds, ${tally.failures.length} failed`);
  }
  session.progress('');
  printSummary(session, tally, performance.now() - startMs, count);
  return tally.code;
};

function runSeed(session: Session, seed: number, tally: Tally): void {
  const { flags, overrides } = session.arguments;
  const plan = defaultPlan(seed, overrides);
  const result = run(plan, session.cast);
  tally.events += result.events;
  tally.virtualUs += result.virtualUs;
  for (const [name, times] of Object.entries(result.marks)) {
    add(tally.marks, name, times);
    add(tally.marked, name, 1);
  }
  for (const [name, figure] of Object.entries(result.figures)) {
    const smallest = tally.figures.get(name)?.figure ?? Number.POSITIVE_INFINITY;
    if (figure < smallest) tally.figures.set(name, { figure, seed });
  }
  const divergence = flags.has('check') ? check(session, plan, result) : undefined;
  add(tally.verdicts, divergence === undefined ? result.verdict : 'nondeterministic', 1);
  const code = divergence === undefined ? EXIT_CODES[result.verdict] : NOT_DETERMINISTIC;
  if (code === 0) return;
  if (tally.code === 0) tally.code = code;
  const why = divergence?.[0] ?? whyOf(result);
  tally.failures.push(`npm run sim -- --seed ${seed}${overridesText(overrides)}   # ${why}`);
}

function whyOf(result: Result): string {
  if (result.failure !== undefined) return result.failure.split('\n')[0]!;
  const [first] = result.violations;
  return first === undefined ? result.verdict : `${first.checker}: ${first.promise}`;
}

function printSummary(session: Session, tally: Tally, hostMs: number, count: number): void {
  const rows = [...VERDICTS, 'nondeterministic'].filter((name) => tally.verdicts.has(name));
  for (const name of rows) {
    session.print(`${name.padEnd(18)}${String(tally.verdicts.get(name)).padStart(8)}`);
  }
  for (const [name, times] of [...tally.marks].sort(([a], [b]) => (a < b ? -1 : 1))) {
    session.print(`reached ${name}: ${times} times in ${tally.marked.get(name)} seeds`);
  }
  for (const [name, { figure, seed }] of tally.figures) {
    session.print(`${name}: ${figure} (seed ${seed})`);
  }
  const perSecond = Math.round((tally.events / hostMs) * 1000);
  const hours = (tally.virtualUs / HOUR).toFixed(1);
  const faster = Math.round(tally.virtualUs / 1000 / hostMs);
  session.print(
    `${count} seeds in ${(hostMs / 1000).toFixed(1)} s: ${tally.events} events ` +
      `(${perSecond} a second), ${hours} virtual hours (${faster} times real time)`,
  );
  // A world made by hand, or a shorter one, need not be one in which all of this can happen.
  const isWhole =
    count >= REQUIRED_MARKS_SEEDS && overridesText(session.arguments.overrides) === '';
  const missed = REQUIRED_MARKS.filter((name) => !tally.marks.has(name));
  if (missed.length > 0 && isWhole) {
    session.print(`never reached: ${missed.join('; ')}`);
    if (tally.code === 0) tally.code = EXIT_CODES.safety;
  }
  for (const failure of tally.failures) session.print(failure);
  session.print(
    tally.failures.length === 0 ? 'verdict pass' : `verdict: ${tally.failures.length} failed`,
  );
}

function add(map: Map<string, number>, name: string, times: number): void {
  map.set(name, (map.get(name) ?? 0) + times);
}
