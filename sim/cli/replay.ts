// `--replay FILE`: carries a scenario file out, with everything else that works for a seed (`--trace`,
// `--html`, `--check`, `--shrink`), and says at the end whether it came as the file expects.
// Invariant: the exit code is that of the verdict, or 0 when the file expects the promise to break.
// Never here: how a run is told.

import { readFileSync } from 'node:fs';
import { optionsText } from '../options.ts';
import { readScenario, type Scenario, ScenarioError } from '../scenario.ts';
import { judge } from '../scenario-run.ts';
import { tell } from './one.ts';
import type { Command, Session } from './session.ts';
import { shrinkPlan } from './shrink.ts';

const USAGE_CODE = 1;

export const replay: Command = (session) => {
  const file = session.arguments.values.replay!;
  const scenario = read(session, file);
  if (scenario === undefined) return USAGE_CODE;
  const { plan } = scenario;
  session.print(`scenario=${file} seed=${plan.seed} ${optionsText(plan.options)}`);
  if (session.arguments.flags.has('shrink')) return shrinkPlan(session, plan);
  let complaint: string | undefined;
  const code = tell(session, plan, (cast) => {
    const judged = judge(scenario, cast);
    complaint = judged.complaint;
    return judged.result;
  });
  session.print(complaint === undefined ? 'as expected' : `not as expected: ${complaint}`);
  return complaint === undefined ? 0 : code || EXIT_UNEXPECTED;
};

/** It passed, but it was to break, or to show something else. */
const EXIT_UNEXPECTED = 3;

function read(session: Session, file: string): Scenario | undefined {
  try {
    return readScenario(readFileSync(file, 'utf8'), file);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing && !(error instanceof ScenarioError)) throw error;
    session.print(isMissing ? `there is no file ${file}` : (error as Error).message);
    return undefined;
  }
}
