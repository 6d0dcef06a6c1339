// Canonical JSON: one text for one value. Members are sorted by code unit, numbers are written as
// ECMAScript writes them (RFC 8785 §3.2), there is no white space.
// Invariant: two values have the same text exactly when they hold the same content; minus zero is
// zero. Never here: parsing, or anything that knows what the content means.

import type { Json } from './record.ts';

/** Bounds on content that a peer may send. */
export interface JsonBounds {
  /** UTF-16 code units of all strings and member names, and one for each other value. */
  readonly size: number;
  readonly depth: number;
}

/** Texts of fields that were made for the digest, until they are stored. */
const TEXTS = new WeakMap<object, string>();

/** The canonical text. Two values are the same content when their texts are equal. */
export function canonical(json: Json): string {
  if (isOrdered(json)) return JSON.stringify(json);
  if (Array.isArray(json)) return `[${json.map(canonical).join(',')}]`;
  const object = json as { readonly [member: string]: Json };
  const names = Object.keys(object).sort(compareText);
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(object[name]!)}`).join(',')}}`;
}

/** The canonical text of a record's fields, kept for who stores them. */
export function fieldsText(fields: { readonly [field: string]: Json }): string {
  let text = TEXTS.get(fields);
  if (text === undefined) {
    text = canonical(fields);
    TEXTS.set(fields, text);
  }
  return text;
}

/** A text of a record's fields: the canonical one when it was made before; it is not kept. */
export function takeFieldsText(fields: { readonly [field: string]: Json }): string {
  const text = TEXTS.get(fields);
  if (text === undefined) return JSON.stringify(fields);
  TEXTS.delete(fields);
  return text;
}

/** The same content with all members in order; the very same value when they are already. */
export function inOrder<T extends Json>(json: T): T {
  return isOrdered(json) ? json : (ordered(json) as T);
}

function ordered(json: Json): Json {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(inOrder);
  const object = json as { readonly [member: string]: Json };
  const names = Object.keys(object).sort(compareText);
  return Object.fromEntries(names.map((name) => [name, inOrder(object[name]!)]));
}

/** True when the members of all objects are enumerated in order: then the engine writes the text. */
function isOrdered(json: Json): boolean {
  if (typeof json !== 'object' || json === null) return true;
  if (Array.isArray(json)) {
    for (let i = 0; i < json.length; i++) if (!isOrdered(json[i]!)) return false;
    return true;
  }
  const object = json as { readonly [member: string]: Json };
  let previous: string | undefined;
  for (const name in object) {
    if (previous !== undefined && name <= previous) return false;
    if (!isOrdered(object[name]!)) return false;
    previous = name;
  }
  return true;
}

/** A total order of content: by the code units of the canonical texts. 0 for the same content. */
export function compareJson(a: Json, b: Json): number {
  return sameJson(a, b) ? 0 : compareText(canonical(a), canonical(b));
}

/** True when both hold the same content. */
export function sameJson(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameJson(a[i]!, b[i]!)) return false;
    return true;
  }
  const left = a as { readonly [member: string]: Json };
  const right = b as { readonly [member: string]: Json };
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  for (const name of names) {
    if (!Object.hasOwn(right, name) || !sameJson(left[name]!, right[name]!)) return false;
  }
  return true;
}

/** Order by code unit: -1, 0 or 1. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * True when an unknown value is JSON within the bounds: finite numbers, well-formed strings, plain
 * arrays and objects, no member named `__proto__`.
 */
export function isJson(value: unknown, bounds: JsonBounds): value is Json {
  return measure(value, bounds.size, bounds.depth) >= 0;
}

/** About how many octets a value takes on the wire; cheap, and never zero. */
export function sizeOf(json: Json): number {
  if (typeof json === 'string') return json.length + 3;
  if (typeof json !== 'object' || json === null) return 9;
  let size = 3;
  if (Array.isArray(json)) {
    for (let i = 0; i < json.length; i++) size += 1 + sizeOf(json[i]!);
    return size;
  }
  const object = json as { readonly [member: string]: Json };
  for (const name in object) size += name.length + 2 + sizeOf(object[name]!);
  return size;
}

/** What is left of `room` after the value; negative when it is not JSON or does not fit. */
function measure(value: unknown, room: number, depth: number): number {
  if (value === null || typeof value === 'boolean') return room - 1;
  if (typeof value === 'number') return Number.isFinite(value) ? room - 1 : -1;
  if (typeof value === 'string') return isWellFormed(value) ? room - 1 - value.length : -1;
  if (typeof value !== 'object' || depth === 0) return -1;
  let left = room - 1;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && left >= 0; i++) left = measure(value[i], left, depth - 1);
    return left;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return -1;
  // Nothing plain inherits members that are enumerated.
  for (const name in value) {
    if (left < 0 || name === '__proto__' || !isWellFormed(name)) return -1;
    left = measure((value as { [member: string]: unknown })[name], left - name.length, depth - 1);
  }
  return left;
}

/** True when the string is a sequence of Unicode scalar values, which UTF-8 can carry. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
