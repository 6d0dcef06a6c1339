// What to do about a syntax error: the parser says what is wrong, this says how to mend it.
// Invariant: every message gets an answer. Never here: anything about akamu's own keys.

const FIXES: readonly (readonly [RegExp, string])[] = [
  [/redefine/, 'keep one of the two definitions; several CAs are written as [[ca]]'],
  [/end-of-line/, 'start a new line after each key = value, and put text in quotes'],
  [/unfinished string/, 'close the text with the quote it began with'],
  [/escape/, 'write a backslash as \\\\, or put the text in single quotes'],
  [/unfinished array|end of structure/, 'separate elements with commas and close the bracket'],
  [/unfinished table/, 'close the inline table with }'],
  [/invalid value|illegal leading zero/, 'put text in quotes; write numbers without leading zeros'],
  [/numeric|underscore/, 'write a plain number such as 86400, or put text in quotes'],
  [/losslessly/, 'write a smaller number'],
  [
    /find end of key|in key|of key|bare key/,
    'write key = value, or [section] on a line of its own',
  ],
  [/table array/, 'write [[section]] with two brackets on each side'],
  [/date/, 'put text in quotes; no setting is a date'],
  [/nested/, 'nest arrays and tables less deeply'],
  [
    /control characters/,
    'close the text with the quote it began with, or remove the invisible character',
  ],
];

/** `rest`: the text from the place of the error on. */
export function syntaxFix(message: string, rest: string): string {
  const [word, isTrue] = /^(?:(yes|on|true)|no|off|false)(?![^\s,#\]}])/i.exec(rest) ?? [];
  if (/invalid value/.test(message) && word !== undefined) {
    return `write ${isTrue !== undefined}, or "${word}" in quotes if it is text`;
  }
  return FIXES.find(([pattern]) => pattern.test(message))?.[1] ?? 'correct the TOML at the caret';
}
