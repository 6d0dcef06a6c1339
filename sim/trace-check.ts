// Proof that a run depends on its plan alone: it is run again, and the two traces are compared step
// by step. Where they part, both events are named.
// Invariant: says nothing when, and only when, the traces are the same. Never here: how a run is run.

import type { TraceSink } from './recorder.ts';
import { type Chain, firstDivergence, Trace } from './trace.ts';

/** Runs one plan from its beginning to its end, and shows every observation to the sink. */
export type Rerun = (sink: TraceSink) => void;

export interface CheckResult {
  readonly events: number;
  readonly hash: string;
  /** What differed, as lines to print; undefined when nothing did. */
  readonly divergence?: readonly string[];
}

/** Runs twice and compares; a third run is made to put the first run's event into words. */
export function checkDeterminism(rerun: Rerun): CheckResult {
  const first = new Trace({ forComparison: true });
  rerun(first.sink);
  const second = new Trace({ forComparison: true, against: first });
  rerun(second.sink);
  const { count: events, hash } = first;
  const found = firstDivergence(first, second);
  if (found === undefined) return { events, hash };
  return { events, hash, divergence: nameDivergence(rerun, first, second, found.index) };
}

function nameDivergence(
  rerun: Rerun,
  first: Trace & Chain,
  second: Trace,
  index: number,
): readonly string[] {
  const third = new Trace({ watch: index });
  rerun(third.sink);
  const isFirst = index < first.count && third.watched?.link === first.linkAt(index);
  const end = '(the run was over)';
  const unknown = '(a third run did yet another thing here)';
  const was = index >= first.count ? end : isFirst ? third.watched!.line : unknown;
  return [
    `two runs of one plan differ from event ${index + 1} on`,
    `  first run:  ${was}`,
    `  second run: ${second.divergence?.line ?? end}`,
    `  ${first.count} events, trace ${first.hash}; then ${second.count} events, trace ${second.hash}`,
  ];
}
