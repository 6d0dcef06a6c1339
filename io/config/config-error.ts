// A mistake in akamu.toml as the operator sees it: file, line, column, the line with a caret under
// the offending key or value, what is wrong, and the fix.
// Invariant: what is drawn cannot steer a terminal or a log (control characters are replaced), is
// bounded, and shows no secret. Never here: finding mistakes (read.ts).

import type { Path, Span } from './locate.ts';

export interface ConfigError {
  readonly file: string;
  /** From 1; 0 when the mistake has no place in a text, such as a file that cannot be read. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  readonly message: string;
  readonly fix: string;
  /** The line and the carets below it, without line numbers; empty when there is no place. */
  readonly excerpt: readonly string[];
}

/** A mistake before it is located. */
export interface Fault {
  readonly path: Path;
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly fix: string;
}

const MAX_SHOWN = 20;
const MAX_EXCERPT_CHARACTERS = 96;
/** Control, format (which reorder text) and line separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Points at `span` of `text`. Characters inside `secrets` are drawn as asterisks. */
export function pointAt(
  text: string,
  span: Span,
  secrets: readonly Span[],
): Pick<ConfigError, 'line' | 'column' | 'excerpt'> {
  const start = Math.min(Math.max(0, span.start), text.length);
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const nextBreak = text.indexOf('\n', start);
  const lineEnd = nextBreak < 0 ? text.length : nextBreak;
  const line = [...text.slice(0, lineStart)].reduce((n, c) => (c === '\n' ? n + 1 : n), 1);
  const before = [...text.slice(lineStart, start)].length;
  const width = [...text.slice(start, Math.min(Math.max(span.end, start), lineEnd))].length;
  const drawn = printable(text, lineStart, lineEnd, secrets);
  return { line, column: before + 1, excerpt: underline(drawn, before, Math.max(1, width)) };
}

/** All errors, one block each, in the manner of compilers. Ends with a line break. */
export function renderErrors(errors: readonly ConfigError[]): string {
  const blocks = errors.slice(0, MAX_SHOWN).map(renderError);
  const hidden = errors.length - blocks.length;
  if (hidden > 0) blocks.push(`and ${hidden} more\n`);
  return blocks.join('\n');
}

export function renderError(error: ConfigError): string {
  const place = error.line === 0 ? error.file : `${error.file}:${error.line}:${error.column}`;
  const gutter = ' '.repeat(String(error.line).length);
  const [source, carets] = error.excerpt;
  const drawing =
    source === undefined || carets === undefined
      ? ''
      : ` ${error.line} | ${source}\n ${gutter} | ${carets}\n`;
  return `${place}: error: ${error.message}\n${drawing} ${gutter} = fix: ${error.fix}\n`;
}

/** Text of the operator's, made fit for a message: one line, bounded, in double quotes. */
export function quote(value: string): string {
  const short = value.length > 80 ? `${value.slice(0, 79)}…` : value;
  return `"${[...short].map((c) => (UNPRINTABLE.test(c) ? '\uFFFD' : c)).join('')}"`;
}

/** The line as an array of characters, each as wide as a caret. */
function printable(
  text: string,
  start: number,
  end: number,
  secrets: readonly Span[],
): readonly string[] {
  const drawn: string[] = [];
  let at = start;
  for (const character of text.slice(start, end).replace(/\r$/, '')) {
    const hidden = secrets.some((secret) => at >= secret.start && at < secret.end);
    const replaced = character === '\t' ? ' ' : '\uFFFD';
    drawn.push(hidden ? '*' : UNPRINTABLE.test(character) ? replaced : character);
    at += character.length;
  }
  return drawn;
}

function underline(line: readonly string[], before: number, width: number): readonly string[] {
  const from = before > MAX_EXCERPT_CHARACTERS - 20 ? before - 20 : 0;
  const window = line.slice(from, from + MAX_EXCERPT_CHARACTERS);
  const left = from > 0 ? '…' : '';
  const right = from + window.length < line.length ? '…' : '';
  const carets = Math.max(1, Math.min(width, window.length - (before - from)));
  return [
    `${left}${window.join('')}${right}`,
    `${' '.repeat(left.length + before - from)}${'^'.repeat(carets)}`,
  ];
}
