// DER, the one encoding of ASN.1 with exactly one form for each value (ITU-T X.690 §8, §10, §11):
// the encoders. Reading is in der-reader.ts.
// Invariant: what is encoded here, der-reader.ts reads, and encoded again it is the same bytes.
// Never here: any structure (certificate, CMS, …) that is made of these values.

import { concatBytes, toUtf8 } from './bytes.ts';
import { formatTime } from './time.ts';

/** Identifier octets of the universal types (X.690 §8.1.2) that X.509 and CMS use. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Identifier octet of a context-specific tag `[number]`. */
export function contextTag(number: number, form: 'constructed' | 'primitive'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | number;
}

/** A value of any tag whose content is the parts one after the other. */
export function encode(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const lengthOctets = octetsOf(length);
  const bytes = new Uint8Array(2 + lengthOctets + length);
  bytes[0] = tag;
  bytes[1] = lengthOctets === 0 ? length : 0x80 | lengthOctets;
  for (let i = 0; i < lengthOctets; i++) bytes[1 + lengthOctets - i] = length / 2 ** (8 * i);
  let offset = 2 + lengthOctets;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encode(TAG.sequence, ...parts);
}

/** SET OF: the members are put in ascending order of their encodings (X.690 §11.6). */
export function setOf(...members: readonly Uint8Array[]): Uint8Array {
  return encode(TAG.set, ...[...members].sort(compareBytes));
}

/** `[number] EXPLICIT`. */
export function explicit(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return encode(contextTag(number, 'constructed'), ...parts);
}

/** `[number] IMPLICIT`: the encoding with its tag replaced; primitive stays primitive. */
export function implicit(number: number, encoded: Uint8Array): Uint8Array {
  const retagged = encoded.slice();
  retagged[0] = 0x80 | (encoded[0]! & 0x20) | number;
  return retagged;
}

export function boolean(value: boolean): Uint8Array {
  return Uint8Array.of(TAG.boolean, 1, value ? 0xff : 0);
}

export function nullValue(): Uint8Array {
  return Uint8Array.of(TAG.null, 0);
}

/** A non-negative INTEGER. Numbers must be safe integers. */
export function integer(value: number | bigint): Uint8Array {
  if (value < 0) throw new RangeError('integer() encodes non-negative values only');
  const digits = BigInt(value).toString(16);
  return unsignedInteger(hexToBytes(digits.length % 2 === 0 ? digits : `0${digits}`));
}

/** INTEGER of a big-endian magnitude of any length; leading zeros are dropped. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const minimal = magnitude.subarray(start);
  const padded = minimal.length === 0 || minimal[0]! >= 0x80;
  return padded ? encode(TAG.integer, ZERO, minimal) : encode(TAG.integer, minimal);
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return encode(TAG.bitString, Uint8Array.of(unusedBits), bytes);
}

/** BIT STRING with named bits: trailing zero bits are dropped (X.690 §11.2.2). */
export function namedBits(numbers: readonly number[]): Uint8Array {
  const highest = Math.max(-1, ...numbers);
  const bytes = new Uint8Array(Math.floor(highest / 8) + 1);
  for (const number of numbers) bytes[number >> 3]! |= 0x80 >> (number & 7);
  return bitString(bytes, highest < 0 ? 0 : 7 - (highest & 7));
}

export function octetString(...parts: readonly Uint8Array[]): Uint8Array {
  return encode(TAG.octetString, ...parts);
}

/** OBJECT IDENTIFIER of dotted text such as `2.5.4.3`. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split('.').map(BigInt);
  const arcs = [first! * 40n + second!, ...rest];
  return encode(TAG.objectIdentifier, concatBytes(...arcs.map(base128)));
}

/** A character string; the caller vouches that the characters fit the tag's alphabet. */
export function characterString(tag: number, text: string): Uint8Array {
  return encode(tag, toUtf8(text));
}

/** RFC 5280 §4.1.2.5 Time of Unix milliseconds: UTCTime through 2049, then GeneralizedTime. */
export function time(unixMs: number): Uint8Array {
  const digits = timeDigits(unixMs);
  const short = digits >= '1950' && digits < '2050';
  return short
    ? characterString(TAG.utcTime, digits.slice(2))
    : characterString(TAG.generalizedTime, digits);
}

/** GeneralizedTime whatever the year (OCSP, RFC 6960 §4.2.1, wants it so). */
export function generalizedTime(unixMs: number): Uint8Array {
  return characterString(TAG.generalizedTime, timeDigits(unixMs));
}

/** Ascending order of octet strings; a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

const ZERO = Uint8Array.of(0);

/** YYYYMMDDhhmmssZ, seconds rounded down. */
function timeDigits(unixMs: number): string {
  return formatTime(unixMs).replace(/[-:T]/g, '');
}

/** Octets of the long form of a length; 0 means that the short form will do. */
function octetsOf(length: number): number {
  if (length < 0x80) return 0;
  return length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
}

function base128(arc: bigint): Uint8Array {
  const septets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) septets.unshift(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.from(septets);
}

function hexToBytes(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
