// Which command a set of arguments asks for. Invariant: one table; the first match counts.
// Never here: what commands do.

import type { Arguments } from './arguments.ts';
import { runCapsule } from './capsule.ts';
import { runExhaustive } from './exhaustive.ts';
import { runMutants } from './mutants.ts';
import { runOne } from './one.ts';
import { replay } from './replay.ts';
import type { Command } from './session.ts';
import { shrinkSeed } from './shrink.ts';
import { shrinkMutants } from './shrink-mutants.ts';
import { runSwarm } from './swarm.ts';

interface Row {
  readonly isAsked: (given: Arguments) => boolean;
  readonly command: Command;
}

const COMMANDS: readonly Row[] = [
  { isAsked: ({ flags }) => flags.has('exhaustive'), command: runExhaustive },
  { isAsked: ({ flags }) => flags.has('mutants') && flags.has('shrink'), command: shrinkMutants },
  { isAsked: ({ flags }) => flags.has('mutants'), command: runMutants },
  { isAsked: ({ values }) => values.capsule !== undefined, command: runCapsule },
  { isAsked: ({ values }) => values.seeds !== undefined, command: runSwarm },
  { isAsked: ({ values }) => values.replay !== undefined, command: replay },
  { isAsked: ({ flags }) => flags.has('shrink'), command: shrinkSeed },
  { isAsked: () => true, command: runOne },
];

export function commandFor(given: Arguments): Command {
  return COMMANDS.find(({ isAsked }) => isAsked(given))!.command;
}
