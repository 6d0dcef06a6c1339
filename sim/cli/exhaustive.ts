// `--exhaustive`: visits every state of the small worlds and says of each how many there were.
// Invariant: the exit code is 0 only when no promise broke and every world was visited whole.
// Never here: how a state is visited.

import { explore } from '../exhaustive.ts';
import { SMALL_WORLDS } from '../exhaustive-table.ts';
import { EXIT_CODES } from '../run.ts';
import type { Command } from './session.ts';

/** A world that is bigger than this is not small. */
const MOST_STATES = 3_000_000;
const USAGE_CODE = 1;

export const runExhaustive: Command = (session) => {
  const { only = '' } = session.arguments.values;
  const chosen = SMALL_WORLDS.filter(({ name }) => name.includes(only));
  if (chosen.length === 0) {
    session.print(`no small world has "${only}" in its name`);
    return USAGE_CODE;
  }
  session.print(`${'states'.padStart(9)} ${'steps'.padStart(9)} depth  small world`);
  let code = 0;
  let total = 0;
  const startMs = performance.now();
  for (const small of chosen) {
    session.progress(small.name);
    const { states, steps, depth, isWhole, broken } = explore(small, MOST_STATES);
    session.progress('');
    total += states;
    const columns = [String(states).padStart(9), String(steps).padStart(9), `${depth}`.padStart(5)];
    const verdict = broken === undefined ? (isWhole ? 'all hold' : 'not visited whole') : 'broken';
    session.print(`${columns.join(' ')}  ${small.name}: ${verdict}`);
    if (broken !== undefined) {
      session.print(`broken: ${broken.promise}`);
      for (const line of broken.story) session.print(`  ${line}`);
    }
    if (broken !== undefined || !isWhole) code = EXIT_CODES.safety;
  }
  const secs = ((performance.now() - startMs) / 1000).toFixed(1);
  session.print(`${chosen.length} small worlds, ${total} distinct states in ${secs} s`);
  session.print(code === 0 ? 'verdict pass' : 'verdict safety');
  return code;
};
