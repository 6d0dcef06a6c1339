// Strict reading of DER (ITU-T X.690 §8, §10, §11). Untrusted bytes come in here.
// Invariant: nothing but DER is accepted: lengths definite and minimal, tags below 31, integers
// minimal, unused bits zero, times whole seconds. The one exception is the order of a SET OF,
// which only `isDer` tells. Never here: any structure that is made of these values.

import { fromUtf8 } from './bytes.ts';
import { compareBytes, TAG } from './der.ts';
import { parseTime } from './time.ts';

/** Raised when bytes are not the DER that was expected; the message completes "… is not DER:". */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** One decoded value: `bytes` is the whole encoding, `content` what follows tag and length. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Decodes exactly one value; bytes after it are an error. */
export function readDer(bytes: Uint8Array, tag: number, what: string): DerValue {
  const reader = new DerReader(bytes, what);
  const value = reader.next(tag, what);
  reader.end();
  return value;
}

/** Reads values one after the other, of the content of a constructed value or of plain bytes. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #offset = 0;

  /** `what` names the whole in messages, such as "the CSR". */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** True when everything has been read. */
  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The next value, of this tag. `what` names it in messages. */
  next(tag: number, what: string): DerValue {
    if (this.done) throw new DerError(`${this.#what} ends before ${what}`);
    const found = this.#bytes[this.#offset]!;
    if (found !== tag) {
      throw new DerError(`${what} has tag ${hexByte(found)} where ${hexByte(tag)} belongs`);
    }
    return this.any(what);
  }

  /** The next value if it has this tag, else undefined and nothing is consumed. */
  optional(tag: number, what: string): DerValue | undefined {
    return this.#bytes[this.#offset] === tag ? this.any(what) : undefined;
  }

  /** The next value, of any tag. */
  any(what: string): DerValue {
    const bytes = this.#bytes;
    const start = this.#offset;
    const tag = bytes[start];
    if (tag === undefined) throw new DerError(`${this.#what} ends before ${what}`);
    checkTag(tag, what);
    const [contentStart, length] = readLength(bytes, start + 1, what);
    const end = contentStart + length;
    if (end > bytes.length) throw new DerError(`${what} is longer than what contains it`);
    this.#offset = end;
    return { tag, content: bytes.subarray(contentStart, end), bytes: bytes.subarray(start, end) };
  }

  /** Throws when something is left. */
  end(): void {
    if (!this.done) {
      throw new DerError(`${this.#what} has ${this.#bytes.length - this.#offset} stray bytes`);
    }
  }
}

/** The members of a constructed value. */
export function childrenOf(value: DerValue, what: string): DerValue[] {
  const reader = new DerReader(value.content, what);
  const children: DerValue[] = [];
  while (!reader.done) children.push(reader.any(`a part of ${what}`));
  return children;
}

/** Big-endian magnitude, without leading zeros (zero is one zero octet). Negatives are refused. */
export function unsignedOf(value: DerValue, what: string): Uint8Array {
  const { content } = value;
  const [first, second] = content;
  if (first === undefined) throw new DerError(`${what} is an integer without octets`);
  if (first >= 0x80) throw new DerError(`${what} is negative`);
  if (first !== 0 || content.length === 1) return content;
  if (second! < 0x80) throw new DerError(`${what} is an integer with needless leading zeros`);
  return content.subarray(1);
}

/** A non-negative integer below 2^31. */
export function smallIntegerOf(value: DerValue, what: string): number {
  const magnitude = unsignedOf(value, what);
  const tooLarge = magnitude.length > 4 || (magnitude.length === 4 && magnitude[0]! >= 0x80);
  if (tooLarge) throw new DerError(`${what} is too large`);
  return magnitude.reduce((sum, octet) => sum * 256 + octet, 0);
}

export function booleanOf(value: DerValue, what: string): boolean {
  const [octet] = value.content;
  if (value.content.length !== 1 || (octet !== 0 && octet !== 0xff)) {
    throw new DerError(`${what} is not a DER boolean`);
  }
  return octet === 0xff;
}

/** The octets of a BIT STRING that holds whole octets (keys and signatures do). */
export function wholeBitsOf(value: DerValue, what: string): Uint8Array {
  if (value.content[0] !== 0) throw new DerError(`${what} is not a whole number of octets`);
  return value.content.subarray(1);
}

/** Numbers of the bits that are set in a BIT STRING with named bits. */
export function namedBitsOf(value: DerValue, what: string): number[] {
  const [unused, ...octets] = value.content;
  const last = octets.at(-1);
  const wellFormed =
    unused !== undefined &&
    unused < 8 &&
    (last === undefined
      ? unused === 0
      : ((last >> unused) & 1) === 1 && (last & ~(-1 << unused)) === 0);
  if (!wellFormed) throw new DerError(`${what} is not a DER bit string of named bits`);
  const numbers: number[] = [];
  for (let bit = 0; bit < octets.length * 8; bit++) {
    if ((octets[bit >> 3]! & (0x80 >> (bit & 7))) !== 0) numbers.push(bit);
  }
  return numbers;
}

/** Dotted text of an OBJECT IDENTIFIER. */
export function objectIdentifierOf(value: DerValue, what: string): string {
  const { content } = value;
  if (content.length === 0 || content.at(-1)! >= 0x80) {
    throw new DerError(`${what} is a truncated object identifier`);
  }
  let text = '';
  for (let start = 0; start < content.length; ) {
    if (content[start] === 0x80) throw new DerError(`${what} is a padded object identifier`);
    let last = start;
    while (content[last]! >= 0x80) last++;
    const arc = arcOf(content, start, last);
    text += start === 0 ? firstArcs(arc) : `.${arc}`;
    start = last + 1;
  }
  return text;
}

/** Text of any of the character string types, or undefined when a character is not allowed. */
export function textOf(value: DerValue): string | undefined {
  const { tag, content } = value;
  if (tag === TAG.utf8String) return fromUtf8(content);
  if (tag === TAG.bmpString) return content.length % 2 === 0 ? wideText(content) : undefined;
  const alphabet = ALPHABETS.get(tag);
  const text = latin1(content);
  return alphabet?.test(text) ? text : undefined;
}

/** Unix milliseconds of a UTCTime or GeneralizedTime in whole seconds, ending in Z. */
export function timeOf(value: DerValue, what: string): number {
  const text = latin1(value.content);
  const short = value.tag === TAG.utcTime;
  const digits = short ? (text < '5' ? '20' : '19') + text : text;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)([0-5]\d)Z$/.exec(digits);
  if (parts === null || (!short && value.tag !== TAG.generalizedTime)) {
    throw new DerError(`${what} is not a time in whole seconds of UTC`);
  }
  const [year, month, day, hour, minute, second] = parts.slice(1);
  const unixMs = parseTime(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (unixMs === undefined) throw new DerError(`${what} is not a date of the calendar`);
  return unixMs;
}

/**
 * Whether all of it is DER; `depth` bounds the nesting. Throws a DerError where a value cannot be
 * read at all; false is a SET OF in the wrong order, which the reader alone lets pass.
 */
export function isDer(bytes: Uint8Array, depth = 24): boolean {
  if (depth === 0) throw new DerError('the value is nested too deeply');
  const reader = new DerReader(bytes, 'the value');
  let isOrdered = true;
  while (!reader.done) {
    const value = reader.any('a part');
    if ((value.tag & 0x20) === 0) continue;
    if (!isDer(value.content, depth - 1)) isOrdered = false;
    if (value.tag === TAG.set && !isAscending(childrenOf(value, 'a set'))) isOrdered = false;
  }
  return isOrdered;
}

function isAscending(members: readonly DerValue[]): boolean {
  return members.every((member, index) => {
    return index === 0 || compareBytes(members[index - 1]!.bytes, member.bytes) <= 0;
  });
}

/** Alphabets of the one-octet character string types. */
const ALPHABETS: ReadonlyMap<number, RegExp> = new Map([
  [TAG.numericString, /^[0-9 ]*$/],
  [TAG.printableString, /^[A-Za-z0-9 '()+,\-./:=?]*$/],
  [TAG.ia5String, /^[\0-\x7f]*$/],
  [TAG.visibleString, /^[ -~]*$/],
  [TAG.teletexString, /^[\0-\xff]*$/],
]);

/** Of the universal types SEQUENCE and SET are constructed, and in DER only they are. */
function checkTag(tag: number, what: string): void {
  if ((tag & 0x1f) === 0x1f) throw new DerError(`${what} has a tag number above 30`);
  const isUniversal = (tag & 0xc0) === 0;
  const isConstructed = (tag & 0x20) !== 0;
  const mustBeConstructed = (tag & 0x1e) === 0x10;
  if (isUniversal && isConstructed !== mustBeConstructed) {
    throw new DerError(`${what} has tag ${hexByte(tag)}, which DER does not know`);
  }
}

/** Where the content starts, and how long it is; lengths above 4 octets are refused. */
function readLength(bytes: Uint8Array, at: number, what: string): [start: number, length: number] {
  const first = bytes[at];
  if (first === undefined) throw new DerError(`${what} ends before its length`);
  if (first < 0x80) return [at + 1, first];
  const octets = first & 0x7f;
  if (octets === 0) throw new DerError(`${what} has an indefinite length`);
  if (octets > 4 || at + octets >= bytes.length) throw new DerError(`${what} has a bad length`);
  let length = 0;
  for (let i = 1; i <= octets; i++) length = length * 256 + bytes[at + i]!;
  if (length < 0x80 || bytes[at + 1] === 0) throw new DerError(`${what} has a padded length`);
  return [at + 1 + octets, length];
}

/** Six septets fit a safe number; longer arcs (UUIDs under 2.25) become bigints. */
function arcOf(content: Uint8Array, first: number, last: number): number | bigint {
  if (last - first >= 6) {
    const septets = content.subarray(first, last + 1);
    return septets.reduce((sum, septet) => (sum << 7n) | BigInt(septet & 0x7f), 0n);
  }
  let arc = 0;
  for (let i = first; i <= last; i++) arc = arc * 128 + (content[i]! & 0x7f);
  return arc;
}

/** X.690 §8.19.4: the first subidentifier holds two arcs. */
function firstArcs(subidentifier: number | bigint): string {
  if (typeof subidentifier === 'bigint') return `2.${subidentifier - 80n}`;
  const root = subidentifier < 40 ? 0 : subidentifier < 80 ? 1 : 2;
  return `${root}.${subidentifier - root * 40}`;
}

/** BMPString is UCS-2: there are no surrogate pairs in it. */
function wideText(content: Uint8Array): string | undefined {
  let text = '';
  for (let i = 0; i < content.length; i += 2) {
    const unit = (content[i]! << 8) | content[i + 1]!;
    if (unit >= 0xd800 && unit <= 0xdfff) return undefined;
    text += String.fromCharCode(unit);
  }
  return text;
}

function latin1(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) text += String.fromCharCode(octet);
  return text;
}

function hexByte(octet: number): string {
  return `0x${octet.toString(16).padStart(2, '0')}`;
}
