// Reading JSON that a stranger sent (RFC 8259), as strictly as I-JSON (RFC 7493 §2.1–2.3) asks:
// JSON.parse alone keeps the last of two members of one name, silently.
// Invariant: what is returned is data that every database and every peer can hold unchanged: no
// repeated names, no infinite numbers, no NUL, no lone surrogates, no deeper than the limit.
// Never here: what any member means.

import type { Json } from './crdt/record.ts';
import type { Reading } from './primitives.ts';

export type JsonObject = { readonly [member: string]: Json };

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
/** NUL, which PostgreSQL cannot store, and lone surrogates, which UTF-8 cannot carry. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

/** The value of a JSON text whose arrays and objects nest at most `maxDepth` deep. */
export function readJson(text: string, maxDepth: number): Reading<Json> {
  const { colons, depth } = survey(text);
  if (depth > maxDepth) return bad(`is nested deeper than ${maxDepth} levels`);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return bad('is not valid JSON');
  }
  // Every member has one colon outside strings, so a member that JSON.parse dropped is missed here.
  if (colons !== countMembers(value)) return bad('repeats a member name');
  if (!isRepresentable(value)) return bad('has a number too large to represent');
  if (text.includes('\\u') && !isStorable(value)) {
    return bad('has a NUL character or half a surrogate pair in a string');
  }
  return { ok: true, value };
}

/** True for what JSON calls an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Colons outside strings, and the deepest nesting. Of no use unless the text is valid JSON. */
function survey(text: string): { readonly colons: number; readonly depth: number } {
  let colons = 0;
  let level = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COLON) colons++;
    else if (OPENING.has(code)) depth = Math.max(depth, ++level);
    else if (CLOSING.has(code)) level--;
  }
  return { colons, depth };
}

/** Index of the quote that closes the string opened at `start`, or the text's end. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function countMembers(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value);
  let count = Array.isArray(value) ? 0 : inner.length;
  for (const entry of inner) count += countMembers(entry);
  return count;
}

function isRepresentable(value: Json): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isRepresentable);
}

function isStorable(value: Json): boolean {
  if (typeof value === 'string') return !UNSTORABLE.test(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, entry]) => isStorable(name) && isStorable(entry));
}

function bad(reason: string): Reading<Json> {
  return { ok: false, reason };
}
