// Deterministic CBOR (RFC 8949 §4.2) for JSON data: the inside of every message between nodes.
// Integers of at most 53 bits, text, arrays, maps with text keys, null, booleans, and binary64 for
// the other numbers; everything has definite length and its shortest head.
// Invariant: one value has one encoding, and the decoder takes no other: encode(decode(b)) is b.
// Never here: tags, byte strings (binary content is base64 text), what the data means.

import { fromUtf8, toUtf8 } from './bytes.ts';
import type { Json } from './crdt/record.ts';

/** Bounds on what a peer may send. */
export interface DecodeBounds {
  readonly octets: number;
  /** Values inside values. */
  readonly depth: number;
  /** Values altogether: a few octets can stand for many objects. */
  readonly values: number;
}

/** What the decoder's own recursion bears, whatever the bounds say. */
const MAX_DEPTH = 256;

const UNSIGNED = 0;
const NEGATIVE = 1;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const FLOAT64 = 0xfb;
const TWO_32 = 2 ** 32;

/** The encoding of a value. Strings must be well-formed, numbers finite. */
export function encode(json: Json): Uint8Array {
  const writer = new Writer();
  writer.value(json);
  return writer.octets();
}

/**
 * The value of an encoding, or undefined when it is not the one encoding of any value in bounds.
 */
export function decode(octets: Uint8Array, bounds: DecodeBounds): Json | undefined {
  if (octets.length > bounds.octets) return undefined;
  const reader = new Reader(octets, bounds.values);
  try {
    const json = reader.value(Math.min(bounds.depth, MAX_DEPTH));
    return reader.isAtEnd ? json : undefined;
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** Thrown by the reader, never out of this file. */
class Refusal extends Error {}

class Writer {
  #buffer = new Uint8Array(1024);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  octets(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  value(json: Json): void {
    if (json === null) this.#octet(NULL);
    else if (typeof json === 'boolean') this.#octet(json ? TRUE : FALSE);
    else if (typeof json === 'number') this.#number(json);
    else if (typeof json === 'string') this.#text(json);
    else if (Array.isArray(json)) {
      this.#head(ARRAY, json.length);
      for (const element of json) this.value(element);
    } else this.#map(json as { readonly [member: string]: Json });
  }

  /** §4.2.1: keys in bytewise order of their encodings, which is by length, then by octets. */
  #map(object: { readonly [member: string]: Json }): void {
    const names = Object.keys(object);
    this.#head(MAP, names.length);
    const keys = names.map((name) => ({ name, octets: toUtf8(name) }));
    keys.sort((a, b) => compareKeys(a.octets, b.octets));
    for (const { name, octets } of keys) {
      this.#head(TEXT, octets.length);
      this.#append(octets);
      this.value(object[name]!);
    }
  }

  #number(number: number): void {
    if (Number.isSafeInteger(number)) {
      if (number < 0) this.#head(NEGATIVE, -1 - number);
      else this.#head(UNSIGNED, number);
      return;
    }
    this.#octet(FLOAT64);
    this.#room(8);
    this.#view.setFloat64(this.#length, number);
    this.#length += 8;
  }

  #text(text: string): void {
    if (this.#ascii(text)) return;
    const octets = toUtf8(text);
    this.#head(TEXT, octets.length);
    this.#append(octets);
  }

  /** Most text is ASCII, and written without a detour. */
  #ascii(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
    this.#head(TEXT, text.length);
    this.#room(text.length);
    for (let i = 0; i < text.length; i++) this.#buffer[this.#length++] = text.charCodeAt(i);
    return true;
  }

  /** §3: major type and argument, in the shortest form. */
  #head(major: number, argument: number): void {
    this.#room(9);
    const type = major << 5;
    if (argument < 24) this.#octet(type | argument);
    else if (argument < 0x100) {
      this.#octet(type | 24);
      this.#octet(argument);
    } else if (argument < 0x10000) {
      this.#octet(type | 25);
      this.#view.setUint16(this.#length, argument);
      this.#length += 2;
    } else if (argument < TWO_32) {
      this.#octet(type | 26);
      this.#view.setUint32(this.#length, argument);
      this.#length += 4;
    } else {
      this.#octet(type | 27);
      this.#view.setUint32(this.#length, Math.floor(argument / TWO_32));
      this.#view.setUint32(this.#length + 4, argument % TWO_32);
      this.#length += 8;
    }
  }

  #append(octets: Uint8Array): void {
    this.#room(octets.length);
    this.#buffer.set(octets, this.#length);
    this.#length += octets.length;
  }

  #octet(octet: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = octet;
  }

  #room(octets: number): void {
    if (this.#length + octets <= this.#buffer.length) return;
    const larger = new Uint8Array(2 * (this.#length + octets));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}

class Reader {
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #valuesLeft: number;

  constructor(octets: Uint8Array, values: number) {
    this.#octets = octets;
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
    this.#valuesLeft = values;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#octets.length;
  }

  value(depth: number): Json {
    if (this.#valuesLeft-- <= 0) throw new Refusal();
    const initial = this.#octet();
    if (initial === NULL) return null;
    if (initial === TRUE || initial === FALSE) return initial === TRUE;
    if (initial === FLOAT64) return this.#float();
    const argument = this.#argument(initial & 31);
    switch (initial >> 5) {
      case UNSIGNED:
        return argument;
      case NEGATIVE:
        return this.#negative(argument);
      case TEXT:
        return this.#text(argument);
      case ARRAY:
        return this.#array(argument, depth);
      case MAP:
        return this.#map(argument, depth);
      default:
        throw new Refusal();
    }
  }

  #array(length: number, depth: number): Json {
    this.#expect(length, depth);
    const array: Json[] = [];
    for (let i = 0; i < length; i++) array.push(this.value(depth - 1));
    return array;
  }

  #map(length: number, depth: number): Json {
    this.#expect(2 * length, depth);
    const entries: [string, Json][] = [];
    let previous: Uint8Array | undefined;
    for (let i = 0; i < length; i++) {
      const initial = this.#octet();
      if (initial >> 5 !== TEXT) throw new Refusal();
      const size = this.#argument(initial & 31);
      const from = this.#at;
      const name = this.#text(size);
      const octets = this.#octets.subarray(from, from + size);
      if (previous !== undefined && compareKeys(previous, octets) >= 0) throw new Refusal();
      previous = octets;
      entries.push([name, this.value(depth - 1)]);
    }
    return Object.fromEntries(entries);
  }

  /** Refuses a container that cannot fit in what is left, before anything is made for it. */
  #expect(values: number, depth: number): void {
    const isTooMuch = values > this.#octets.length - this.#at || values > this.#valuesLeft;
    if (isTooMuch || depth <= 0) throw new Refusal();
  }

  #text(size: number): string {
    const end = this.#at + size;
    if (end > this.#octets.length) throw new Refusal();
    const octets = this.#octets.subarray(this.#at, end);
    this.#at = end;
    const text = fromUtf8(octets);
    if (text === undefined) throw new Refusal();
    return text;
  }

  #negative(argument: number): number {
    const number = -1 - argument;
    if (!Number.isSafeInteger(number)) throw new Refusal();
    return number;
  }

  /** Only what an integer cannot say; no infinities, no NaN, no minus zero. */
  #float(): number {
    this.#need(8);
    const number = this.#view.getFloat64(this.#at);
    this.#at += 8;
    if (!Number.isFinite(number) || Number.isSafeInteger(number)) throw new Refusal();
    return number;
  }

  /** §4.2.1: the shortest form only, and definite lengths only. */
  #argument(info: number): number {
    if (info < 24) return info;
    if (info > 27) throw new Refusal();
    const size = 1 << (info - 24);
    this.#need(size);
    let argument = 0;
    for (let i = 0; i < size; i++) argument = argument * 256 + this.#octet();
    const least = info === 24 ? 24 : 2 ** (4 * size);
    if (argument < least || argument > Number.MAX_SAFE_INTEGER) throw new Refusal();
    return argument;
  }

  #octet(): number {
    this.#need(1);
    return this.#octets[this.#at++]!;
  }

  #need(octets: number): void {
    if (this.#at + octets > this.#octets.length) throw new Refusal();
  }
}

/** Text keys in the order of their encodings: the shorter first, then octet by octet. */
function compareKeys(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}
