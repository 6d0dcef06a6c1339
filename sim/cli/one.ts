// One run of one seed, told from its first line to its last.
// Invariant: the first line names the seed and every option; the last ones counts, time, hash and
// verdict. Never here: how a run goes.

import { defaultPlan } from '../cast.ts';
import type { Violation } from '../checker.ts';
import { SECOND } from '../clock.ts';
import { DiagramBuilder } from '../diagram.ts';
import { optionsText } from '../options.ts';
import type { Plan } from '../plan.ts';
import { describeDecision } from '../plan-text.ts';
import type { TraceSink } from '../recorder.ts';
import { type Cast, EXIT_CODES, type Result, run } from '../run.ts';
import { checkDeterminism } from '../trace-check.ts';
import { lineOf, TRACE_LEGEND, timeText } from '../trace-line.ts';
import { writePage } from './page.ts';
import type { Command, Session } from './session.ts';

/** Exit code when two runs of one plan differ. */
export const NOT_DETERMINISTIC = 5;

export const runOne: Command = (session) => {
  const { values, flags, overrides } = session.arguments;
  const plan = defaultPlan(Number(values.seed ?? 1), overrides);
  session.print(`seed=${plan.seed} ${optionsText(plan.options)}`);
  if (flags.has('plan')) {
    for (const decision of plan.decisions) {
      const { who, what, details } = describeDecision(decision);
      session.print(`${timeText(decision.atUs)} ${who.padEnd(4)} ${what} ${details}`);
    }
    return 0;
  }
  return tell(session, plan);
};

/** Runs a plan, prints what came of it, and gives the exit code. `execute` runs it, once. */
export function tell(
  session: Session,
  plan: Plan,
  execute: (cast: Cast) => Result = (cast) => run(plan, cast),
): number {
  const { values, flags } = session.arguments;
  const startMs = performance.now();
  if (flags.has('trace')) for (const line of TRACE_LEGEND) session.print(line);
  const maxEvents = values['max-events'];
  const diagram = values.html === undefined ? undefined : new DiagramBuilder(plan);
  const sinks: TraceSink[] = diagram === undefined ? [] : [diagram.sink];
  if (flags.has('trace')) sinks.push((seen, index) => session.print(lineOf(seen, index)));
  const result = execute({
    ...session.cast,
    ...(sinks.length > 0 && {
      traceSink: (seen, index, hash) => {
        for (const sink of sinks) sink(seen, index, hash);
      },
    }),
    ...(maxEvents !== undefined && { maxEvents: Number(maxEvents) }),
  });
  const hostMs = performance.now() - startMs;
  if (diagram !== undefined) writePage(values.html!, diagram.finish(result));
  const divergence = flags.has('check') ? check(session, plan, result) : undefined;
  printResult(session, result, hostMs);
  if (divergence !== undefined) {
    for (const line of divergence) session.print(line);
    return NOT_DETERMINISTIC;
  }
  return EXIT_CODES[result.verdict];
}

/**
 * Runs the plan again; the lines that name the first difference, or undefined. Every step is in the
 * hash, so only a plan whose hash differs is run twice more, side by side.
 */
export function check(session: Session, plan: Plan, result: Result): readonly string[] | undefined {
  const isWhole = session.arguments.values['max-events'] === undefined;
  const second = isWhole ? run(plan, session.cast).traceHash : undefined;
  if (second === result.traceHash) return undefined;
  const again = checkDeterminism((traceSink) => {
    run(plan, { ...session.cast, traceSink });
  });
  if (again.divergence !== undefined) return again.divergence;
  if (!isWhole) return undefined;
  return [`the trace hashes were ${result.traceHash}, ${second}, and twice ${again.hash}`];
}

function printResult(session: Session, result: Result, hostMs: number): void {
  if (result.failure !== undefined) session.print(result.failure);
  for (const violation of result.violations) printViolation(session, violation);
  session.print(`counts ${pairs(result.counts)}`);
  session.print(`marks ${pairs(result.marks)}`);
  if (Object.keys(result.figures).length > 0) session.print(`figures ${pairs(result.figures)}`);
  const virtualSecs = Math.round(result.virtualUs / SECOND);
  const perSecond = Math.round((result.events / hostMs) * 1000);
  const faster = Math.round(result.virtualUs / 1000 / hostMs);
  session.print(
    `virtual time ${virtualSecs} s, ${result.events} events ` +
      `(${Math.round(hostMs)} ms: ${perSecond} events/s, ${faster} times real time)`,
  );
  session.print(`trace hash ${result.traceHash}`);
  session.print(`verdict ${result.verdict}`);
}

export function printViolation(session: Session, violation: Violation): void {
  const nodes = violation.nodes.map((node) => `n${node}`).join(', ');
  const where = nodes === '' ? '' : ` at ${nodes}`;
  session.print(`broken: ${violation.promise}${where}, ${timeText(violation.atUs)}`);
  session.print(`  found by ${violation.checker}`);
  for (const line of violation.story) session.print(`  ${line}`);
}

function pairs(counts: { readonly [name: string]: number }): string {
  const text = Object.entries(counts).map(
    ([name, count]) => `${name.replaceAll(' ', '-')}=${count}`,
  );
  return text.length === 0 ? 'none' : text.join(' ');
}
