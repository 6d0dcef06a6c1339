// What a command of `akamu` is. The table of them is commands.ts; the parser, the help and the
// dispatcher read the table and nothing else.
// Invariant: a handler talks to the outside only through its `World`, and answers an exit code.
// Never here: a particular command.

import type { Config, LoadResult } from '../../io/config/index.ts';
import type { Log } from '../../io/log.ts';

/** What a script can rely on. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Option {
  readonly name: string;
  readonly short?: string;
  /** What the value is called in the help; an option without one is a flag. */
  readonly value?: string;
  readonly doc: string;
}

/** The one thing a command is about; it has to be given. */
export interface Argument {
  /** In capitals, as the help shows it. */
  readonly name: string;
  readonly doc: string;
}

/** Values by option name; a flag that was given is `true`; the argument under its name. */
export type OptionValues = ReadonlyMap<string, string | true>;

export interface Command {
  /** The words that call it: `['config', 'check']`. */
  readonly words: readonly string[];
  /** One line, for the list of commands. */
  readonly summary: string;
  /** More, for the help of the command itself. */
  readonly details: readonly string[];
  readonly argument?: Argument;
  readonly options: readonly Option[];
  readonly run: (values: OptionValues, world: World) => Promise<ExitCode>;
}

/** All that a command may touch. */
export interface World {
  /** Data, for programs to read. */
  readonly print: (text: string) => void;
  /** Progress and errors, for people. */
  readonly tell: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Runs the server until it is told to stop. `reload` reads the configuration again. */
  readonly serve: (config: Config, log: Log, reload: () => LoadResult) => Promise<void>;
}

/** The value of an option that takes one, or of the argument. */
export function textOption(values: OptionValues, name: string): string | undefined {
  const value = values.get(name);
  return typeof value === 'string' ? value : undefined;
}
