// What a command of the simulator works with: the arguments, the cast, and places to write to.
// Invariant: all output goes through here. Never here: decisions.

import type { Cast } from '../run.ts';
import type { Arguments } from './arguments.ts';

export interface Session {
  readonly arguments: Arguments;
  readonly cast: Cast;
  /** A line of output. */
  print(line: string): void;
  /** Replaces the progress line; nothing when nobody watches. */
  progress(text: string): void;
}

/** A command: returns the exit code. */
export type Command = (session: Session) => number;
