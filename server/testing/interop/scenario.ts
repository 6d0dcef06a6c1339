// A scenario: a sentence that says what holds, the programs it takes, and how it is tried out.
// Invariant: a scenario whose programs are missing is skipped and counted, never passed.
// Never here: scenarios themselves.

import type { DnsDesk } from './dns-desk.ts';
import { isInstalled } from './program.ts';
import { Stage } from './stage.ts';

export interface Scenario {
  /** A sentence. */
  readonly title: string;
  readonly programs: readonly string[];
  readonly play: (stage: Stage) => Promise<void>;
}

export type Verdict = 'passed' | 'failed' | 'skipped';

/** Plays one scenario and prints one line, and what went wrong. */
export async function perform(
  scenario: Scenario,
  name: string,
  parent: string,
  desk: DnsDesk,
): Promise<Verdict> {
  const missing = scenario.programs.filter((program) => !isInstalled(program));
  if (missing.length > 0) {
    say('skipped', scenario, `${missing.join(' and ')} not installed`);
    return 'skipped';
  }
  const startedMs = performance.now();
  const stage = await Stage.open(name, parent, desk);
  try {
    await scenario.play(stage);
    say('passed', scenario, seconds(startedMs));
    return 'passed';
  } catch (error) {
    say('failed', scenario, seconds(startedMs));
    process.stdout.write(`${indent((error as Error).stack ?? String(error))}\n`);
    process.stdout.write(`${indent(stage.serverLogs())}\n`);
    return 'failed';
  } finally {
    await stage.close();
  }
}

/** Throws unless `actual` is `expected`; for what is not the judgement of a program. */
export function expect(what: string, actual: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: ${left} instead of ${right}`);
}

function say(verdict: Verdict, { title }: Scenario, remark: string): void {
  const mark = { passed: '✔', failed: '✘', skipped: '–' }[verdict];
  process.stdout.write(`${mark} ${title} (${remark})\n`);
}

function seconds(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}
