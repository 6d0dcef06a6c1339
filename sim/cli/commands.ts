// Which command a set of arguments asks for. Invariant: one table; the first match counts.
// Never here: what commands do.

import type { Arguments } from './arguments.ts';
import { runOne } from './one.ts';
import type { Command } from './session.ts';
import { runSwarm } from './swarm.ts';

interface Row {
  readonly isAsked: (given: Arguments) => boolean;
  readonly command: Command;
}

const COMMANDS: readonly Row[] = [
  { isAsked: ({ values }) => values.seeds !== undefined, command: runSwarm },
  { isAsked: () => true, command: runOne },
];

export function commandFor(given: Arguments): Command {
  return COMMANDS.find(({ isAsked }) => isAsked(given))!.command;
}
