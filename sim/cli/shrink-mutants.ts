// How small failing runs become: for each seeded defect the first seed that shows it is shrunk, and
// the scenario file that comes of it is read and carried out again with the same defect.
// Invariant: a shrunk run counts only if its file breaks the same promise; the average is over all
// defects that were chosen. Never here: how a plan gets smaller.

import { MUTANTS } from '../mutants/all.ts';
import type { Mutant } from '../mutants/mutant.ts';
import { runDefective, worldOf } from '../mutants/prove.ts';
import type { Plan } from '../plan.ts';
import { EXIT_CODES } from '../run.ts';
import { readScenario } from '../scenario.ts';
import { brokenPromises } from '../scenario-run.ts';
import { type Attempt, type Shrunk, shrink, shrunkScenario } from '../shrink.ts';
import type { Command, Session } from './session.ts';
import { outcomeOf } from './shrink.ts';

const MAX_RUNS = 300;
/** Of the steps of the run it was made of, percent: the average over all defects. */
const MOST_PERCENT = 20;
const USAGE_CODE = 1;

export const shrinkMutants: Command = (session) => {
  const { only = '' } = session.arguments.values;
  const chosen = MUTANTS.filter(({ name }) => name.includes(only));
  if (chosen.length === 0) {
    session.print(`no defect has "${only}" in its name`);
    return USAGE_CODE;
  }
  session.print(' steps  became percent  runs  defect');
  const rows = chosen.map((mutant) => shrinkOne(session, mutant));
  const percents = rows.flatMap((row) => row ?? []);
  const average = percents.reduce((sum, each) => sum + each, 0) / Math.max(1, percents.length);
  const isGood = percents.length === rows.length && average <= MOST_PERCENT;
  session.print(
    `${percents.length} of ${rows.length} runs shrunk, and their files break the same promises; ` +
      `on average to ${average.toFixed(1)} % of their steps`,
  );
  return isGood ? 0 : EXIT_CODES.safety;
};

/** One row. Gives back what is left of its steps, percent; undefined when the file shows nothing. */
function shrinkOne(session: Session, mutant: Mutant): number | undefined {
  const attempt: Attempt = (plan, maxEvents) =>
    outcomeOf(runDefective(mutant, plan, { maxEvents }));
  const shrunk = firstFailing(mutant, attempt, session);
  session.progress('');
  const isShown = shrunk !== undefined && showsAgain(mutant, shrunk);
  if (!isShown) {
    session.print(`${'never'.padStart(29)}  ${mutant.name}`);
    return undefined;
  }
  const { eventsBefore, eventsAfter, runs } = shrunk;
  const percent = (100 * eventsAfter) / eventsBefore;
  const columns = [String(eventsBefore), String(eventsAfter), percent.toFixed(1), String(runs)];
  session.print(`${columns.map((text) => text.padStart(6)).join(' ')}  ${mutant.name}`);
  return percent;
}

function firstFailing(mutant: Mutant, attempt: Attempt, session: Session): Shrunk | undefined {
  for (let seed = 1; seed <= mutant.seeds; seed++) {
    const plan: Plan = worldOf(mutant, seed);
    const shrunk = shrink(plan, attempt, {
      maxRuns: MAX_RUNS,
      progress: ({ runs, events }) => session.progress(`${mutant.name}: ${runs}, ${events} events`),
    });
    if (shrunk !== undefined) return shrunk;
  }
  return undefined;
}

function showsAgain(mutant: Mutant, shrunk: Shrunk): boolean {
  const { plan } = readScenario(shrunkScenario(shrunk), 'shrunk.toml');
  return brokenPromises(runDefective(mutant, plan, {})).includes(shrunk.promise);
}
