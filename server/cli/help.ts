// The help of every level, made from the table of commands.
// Invariant: what the parser takes is what the help shows. Never here: a particular command.

import type { Command, Option } from './command.ts';
import { following, GLOBAL_OPTIONS } from './command-line.ts';

const WIDTH = 100;

/** Help for one command, or for all that begin with `words`. */
export function helpText(words: readonly string[], commands: readonly Command[]): string {
  const command = commands.find((each) => each.words.join(' ') === words.join(' '));
  const called = ['akamu', ...words].join(' ');
  if (command !== undefined) {
    return page([
      [`Usage: ${called} ${command.argument ? `${command.argument.name} ` : ''}[OPTIONS]`],
      [command.summary, ...command.details],
      command.argument ? columns([[command.argument.name, command.argument.doc]]) : [],
      ['Options:', ...optionLines([...command.options, ...GLOBAL_OPTIONS])],
    ]);
  }
  const below = commands.filter((each) => words.every((word, i) => each.words[i] === word));
  const title =
    words.length === 0 ? ['A private certificate authority that speaks ACME (RFC 8555).'] : [];
  const first = following(words, commands)[0] ?? '';
  return page([
    [`Usage: ${called} COMMAND [OPTIONS]`],
    title,
    ['Commands:', ...columns(below.map((each) => [each.words.join(' '), each.summary]))],
    ['Options:', ...optionLines(GLOBAL_OPTIONS)],
    [`More about a command: ${called} ${first} --help`],
    ['Exit codes: 0 all is well, 1 it failed, 2 the command line is wrong.'],
  ]);
}

function optionLines(options: readonly Option[]): readonly string[] {
  return columns(
    options.map(({ name, short, value, doc }) => [
      `${short === undefined ? '    ' : `-${short}, `}--${name}${value ? ` ${value}` : ''}`,
      doc,
    ]),
  );
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, doc]) =>
    wrap(doc, WIDTH - left).map(
      (line, index) => `${(index === 0 ? `  ${name}` : '').padEnd(left)}${line}`,
    ),
  );
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}

function page(sections: readonly (readonly string[])[]): string {
  const written = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return `${written.join('\n\n')}\n`;
}
