// Parses a command line against a table of commands.
// Invariant: pure; every argument is accounted for, and a mistake names the argument, the nearest
// right one, and the help to read. Never here: running anything, writing anything.

import { nearest } from '../../core/suggest.ts';
import type { Command, Option, OptionValues } from './command.ts';

export type CommandLine =
  | { readonly kind: 'run'; readonly command: Command; readonly values: OptionValues }
  /** Help for the commands that begin with `words`. */
  | { readonly kind: 'help'; readonly words: readonly string[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'mistake'; readonly message: string; readonly words: readonly string[] };

/** Options every level has. */
export const GLOBAL_OPTIONS: readonly Option[] = [
  { name: 'help', short: 'h', doc: 'Show this help.' },
  { name: 'version', short: 'V', doc: 'Show the version.' },
];

export function parseCommandLine(
  args: readonly string[],
  commands: readonly Command[],
): CommandLine {
  if (args[0] === 'help') return helpFor(args.slice(1), commands);
  const words: string[] = [];
  for (const [index, argument] of args.entries()) {
    if (argument.startsWith('-')) {
      if (isGlobal(argument, 'help')) return { kind: 'help', words };
      if (isGlobal(argument, 'version')) return { kind: 'version' };
      const option = argument.split('=')[0] ?? '';
      const message =
        words.length === 0
          ? `unknown option ${show(option)}`
          : `${show(words.join(' '))} needs one of its commands before ${show(option)}`;
      return mistake(message, option, optionNames(GLOBAL_OPTIONS), words);
    }
    const known = following(words, commands);
    if (!known.includes(argument)) return unknownWord(argument, words, known);
    words.push(argument);
    const command = commands.find((each) => each.words.join(' ') === words.join(' '));
    if (command !== undefined) return parseOptions(args.slice(index + 1), command);
  }
  return words.length === 0 ? { kind: 'mistake', message: 'no command', words } : incomplete(words);
}

/** The words that may come after `words`. */
export function following(
  words: readonly string[],
  commands: readonly Command[],
): readonly string[] {
  const next = commands
    .filter((command) => words.every((word, index) => command.words[index] === word))
    .flatMap((command) => command.words[words.length] ?? []);
  return [...new Set(next)];
}

function helpFor(words: readonly string[], commands: readonly Command[]): CommandLine {
  for (const [index, word] of words.entries()) {
    const before = words.slice(0, index);
    const known = following(before, commands);
    if (!known.includes(word)) return unknownWord(word, before, known);
  }
  return { kind: 'help', words };
}

function parseOptions(args: readonly string[], command: Command): CommandLine {
  const { words, argument: wanted } = command;
  const options = [...command.options, ...GLOBAL_OPTIONS];
  const values = new Map<string, string | true>();
  let isOver = false;
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    if (argument === '--' && !isOver) {
      isOver = true;
      continue;
    }
    if (isOver || !argument.startsWith('-') || argument === '-' || isId(argument)) {
      if (wanted !== undefined && argument !== '' && !values.has(wanted.name)) {
        values.set(wanted.name, argument);
        continue;
      }
      return mistake(
        `${show(words.join(' '))} takes no ${wanted === undefined ? '' : 'second '}argument ${show(argument)}`,
        '',
        [],
        words,
      );
    }
    const [, spelled = argument, inline] = /^(--[^=]*)=([\s\S]*)$/.exec(argument) ?? [];
    const option = options.find(
      ({ name, short }) => spelled === `--${name}` || spelled === `-${short}`,
    );
    if (option === undefined) {
      return mistake(`unknown option ${show(spelled)}`, spelled, optionNames(options), words);
    }
    if (option.name === 'help') return { kind: 'help', words };
    if (option.name === 'version') return { kind: 'version' };
    if (values.has(option.name)) return mistake(`--${option.name} is given twice`, '', [], words);
    if (option.value === undefined) {
      if (inline !== undefined) return mistake(`--${option.name} takes no value`, '', [], words);
      values.set(option.name, true);
      continue;
    }
    const value = inline ?? args[++index];
    if (value === undefined || value === '' || (inline === undefined && value.startsWith('--'))) {
      return mistake(`--${option.name} needs a value: ${option.value}`, '', [], words);
    }
    values.set(option.name, value);
  }
  if (wanted !== undefined && !values.has(wanted.name)) {
    return mistake(`${show(words.join(' '))} needs ${wanted.name}: ${wanted.doc}`, '', [], words);
  }
  return { kind: 'run', command, values };
}

/** Ids of nodes are base64url, so one of them may begin like an option. */
function isId(argument: string): boolean {
  return /^-[A-Za-z0-9_-]{26}$/.test(argument) && !argument.startsWith('--');
}

function isGlobal(argument: string, name: string): boolean {
  const option = GLOBAL_OPTIONS.find((each) => each.name === name);
  return argument === `--${name}` || argument === `-${option?.short}`;
}

function optionNames(options: readonly Option[]): readonly string[] {
  return options.map(({ name }) => `--${name}`);
}

function unknownWord(
  word: string,
  before: readonly string[],
  known: readonly string[],
): CommandLine {
  const scope = before.length === 0 ? '' : ` of ${show(before.join(' '))}`;
  return mistake(`unknown command ${show(word)}${scope}`, word, known, before);
}

function incomplete(words: readonly string[]): CommandLine {
  const message = `${show(words.join(' '))} needs one of its commands`;
  return { kind: 'mistake', message, words };
}

function mistake(
  message: string,
  typed: string,
  known: readonly string[],
  words: readonly string[],
): CommandLine {
  const close = typed === '' ? undefined : nearest(typed, known);
  const suggestion = close === undefined ? '' : `; did you mean ${show(close)}?`;
  return { kind: 'mistake', message: `${message}${suggestion}`, words };
}

/** An argument, quoted so that it cannot steer the terminal. */
function show(argument: string): string {
  return JSON.stringify(argument.slice(0, 80)).replace(/[\x7f-\x9f\u2028-\u202e]/g, '\uFFFD');
}
