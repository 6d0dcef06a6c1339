// Which characters of akamu.toml are secret, so that a complaint about a line does not print them:
// everything under a key that sounds like a secret, and passwords in URLs.
// Invariant: it also works on a text that is not valid TOML, where names are all there is.
// Never here: secrets of other files; the redaction of a finished configuration (effective.ts).

import type { Span, TomlIndex } from './locate.ts';

/** Wider than the schema, because a misspelled key holds a secret too. */
const SECRET_NAME = /eab|hmac|secret|passw|passphrase/i;
const URL_PASSWORD = /:\/\/[^\s:@/"']*:([^\s"']+)@/dg;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

export function secretSpans(text: string, index: TomlIndex): readonly Span[] {
  const spans: Span[] = [];
  for (const [path, { value }] of index.places) {
    if (value === undefined || !SECRET_NAME.test(path)) continue;
    // The names in an inline table are no secret; its values have places of their own.
    if (text[value.start] !== '{') spans.push(value);
  }
  for (const match of text.matchAll(URL_PASSWORD)) {
    const [start, end] = match.indices?.[1] ?? [0, 0];
    spans.push({ start, end });
  }
  return spans;
}
