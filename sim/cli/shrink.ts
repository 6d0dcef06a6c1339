// `--shrink`: reduces a failing run to a scenario file of explicit decisions.
// Invariant: what is written replays the same broken promise. Never here: how a plan gets smaller.

import { writeFileSync } from 'node:fs';
import { defaultPlan } from '../cast.ts';
import { optionsText } from '../options.ts';
import type { Plan } from '../plan.ts';
import { EXIT_CODES, type Result, run } from '../run.ts';
import { brokenPromises } from '../scenario-run.ts';
import { type Attempt, type Outcome, shrink, shrunkScenario, shrunkText } from '../shrink.ts';
import type { Command, Session } from './session.ts';

const MAX_RUNS = 600;

export const shrinkSeed: Command = (session) => {
  const { values, overrides } = session.arguments;
  const plan = defaultPlan(Number(values.seed ?? 1), overrides);
  session.print(`seed=${plan.seed} ${optionsText(plan.options)}`);
  return shrinkPlan(session, plan);
};

/** Shrinks, and writes the scenario to `--out` or prints it. The exit code is that of the result. */
export function shrinkPlan(session: Session, plan: Plan): number {
  const attempt: Attempt = (candidate, maxEvents) => {
    return outcomeOf(run(candidate, { ...session.cast, maxEvents }));
  };
  const shrunk = shrink(plan, attempt, {
    maxRuns: MAX_RUNS,
    progress: ({ runs, events }) => session.progress(`${runs} runs, ${events} events`),
  });
  session.progress('');
  if (shrunk === undefined) {
    session.print('nothing broke, so there is nothing to shrink');
    return 0;
  }
  const text = shrunkScenario(shrunk);
  const { out } = session.arguments.values;
  if (out === undefined) session.print(`\n${text}`);
  else writeFileSync(out, text);
  session.print(shrunkText(shrunk));
  session.print(`broken: ${shrunk.promise}`);
  if (out !== undefined) session.print(`npm run sim -- --replay ${out}   # fill in its why`);
  return EXIT_CODES[run(shrunk.plan, session.cast).verdict];
}

/** What a search wants to know of a run. */
export function outcomeOf(result: Result): Outcome {
  const isCrash = result.failure !== undefined;
  return {
    promises: brokenPromises(result),
    events: result.events,
    brokenAtUs: isCrash ? result.virtualUs : (result.violations[0]?.atUs ?? 0),
  };
}
