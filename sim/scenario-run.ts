// Carries a scenario out and says whether what came of it is what the file expects.
// Invariant: nothing is expected in silence: every text of `shows`, the promise that breaks, the
// golden trace. Never here: files, printing.

import { unreachable } from '../core/assert.ts';
import type { Observation } from './observation.ts';
import type { TraceSink } from './recorder.ts';
import { type Cast, type Result, run } from './run.ts';
import type { Expectation, Golden, Scenario } from './scenario.ts';
import { describe, timeText } from './trace-line.ts';

export interface Judged {
  readonly result: Result;
  /** Why the scenario failed; undefined when all is as expected. */
  readonly complaint?: string;
  /** The golden trace as it is now, when the scenario has one. */
  readonly golden?: Golden;
}

/** The promise that is broken when the core throws. */
export const THROWS = 'the core never throws';

/** The promises a run broke, each once. */
export function brokenPromises({ failure, violations }: Result): readonly string[] {
  const promises = violations.map(({ promise }) => promise);
  return [...new Set(failure === undefined ? promises : [THROWS, ...promises])];
}

/** Golden lines are for small scenarios that people read. */
const MAX_GOLDEN_LINES = 200;

export function judge(scenario: Scenario, cast: Cast): Judged {
  const told = new Telling(scenario);
  const result = run(scenario.plan, {
    ...cast,
    traceSink: (seen, index, hash) => {
      told.sink(seen, index, hash);
      cast.traceSink?.(seen, index, hash);
    },
  });
  const golden = told.goldenOf(result);
  const complaint =
    refuseOutcome(scenario.expectation, result) ??
    told.missing() ??
    refuseGolden(scenario.golden, golden);
  return {
    result,
    ...(complaint !== undefined && { complaint }),
    ...(golden !== undefined && { golden }),
  };
}

/** Listens for what the scenario says it shows. */
class Telling {
  readonly #scenario: Scenario;
  readonly #kinds: ReadonlySet<string>;
  readonly #lines: string[] = [];
  #shown = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#kinds = new Set(scenario.golden?.lines?.kinds);
  }

  get sink(): TraceSink {
    return (seen) => {
      this.#listen(seen);
      if (this.#kinds.has(seen.kind) && this.#lines.length < MAX_GOLDEN_LINES) {
        this.#lines.push(goldenLine(seen));
      }
    };
  }

  /** What the trace was to show and did not, in its order. */
  missing(): string | undefined {
    const { shows } = this.#scenario;
    const text = shows[this.#shown];
    if (text === undefined) return undefined;
    const before = shows[this.#shown - 1];
    const after = before === undefined ? '' : ` after ${JSON.stringify(before)}`;
    return `the trace does not show ${JSON.stringify(text)}${after}; look with --trace`;
  }

  goldenOf({ traceHash }: Result): Golden | undefined {
    const { golden } = this.#scenario;
    if (golden === undefined) return undefined;
    const text = this.#lines.map((line) => `${line}\n`).join('');
    return {
      ...(golden.hash !== undefined && { hash: traceHash }),
      ...(golden.lines !== undefined && { lines: { kinds: golden.lines.kinds, text } }),
    };
  }

  #listen(seen: Observation): void {
    const { shows } = this.#scenario;
    if (this.#shown >= shows.length) return;
    const text = eventText(seen);
    while (this.#shown < shows.length && text.includes(shows[this.#shown]!)) this.#shown++;
  }
}

/** What `shows` is looked for in: who, kind, what and details, with single spaces. */
export function eventText(seen: Observation): string {
  const { who, what, details } = describe(seen);
  return [who, seen.kind, what, details].filter((part) => part !== '').join(' ');
}

/** A line without its number, so that it stays when something else is added. */
function goldenLine(seen: Observation): string {
  const { who, what, details } = describe(seen);
  const head = `${timeText(seen.atUs).padStart(15)}  ${who.padEnd(4)}${seen.kind.padEnd(9)}`;
  return `${head} ${what}${details === '' ? '' : `  ${details}`}`.trimEnd();
}

function refuseOutcome(expectation: Expectation, result: Result): string | undefined {
  const promises = brokenPromises(result);
  const came = result.failure?.split('\n')[0] ?? [result.verdict, ...promises].join('; ');
  switch (expectation.kind) {
    case 'pass':
      return result.verdict === 'pass' ? undefined : `expected to pass, but: ${came}`;
    case 'violates':
      if (promises.includes(expectation.promise)) return undefined;
      return `expected to break ${JSON.stringify(expectation.promise)}, but: ${came}`;
    default:
      return unreachable(expectation);
  }
}

function refuseGolden(expected: Golden | undefined, is: Golden | undefined): string | undefined {
  if (expected?.hash !== is?.hash) {
    return `the trace hash was ${expected?.hash} and is ${is?.hash}; look, then --rewrite`;
  }
  const [was, now] = [expected?.lines?.text ?? '', is?.lines?.text ?? ''];
  if (was === now) return undefined;
  const [oldLines, newLines] = [was.split('\n'), now.split('\n')];
  const at = newLines.findIndex((line, index) => line !== oldLines[index]);
  const place = at < 0 ? newLines.length : at;
  const [before, after] = [oldLines[place] ?? '(end)', newLines[place] ?? '(end)'];
  return `golden line ${place + 1} was ${before.trim()} and is ${after.trim()}; look, then --rewrite`;
}
