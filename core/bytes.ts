// Bytes and text without the host's help: UTF-8, base64, base64url, hexadecimal (RFC 4648).
// Invariant: every decoder is strict: one text for one byte string, everything else is refused.
// Never here: anything that knows what the bytes mean.

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const STANDARD_VALUES = valuesOf(STANDARD);
const URL_SAFE_VALUES = valuesOf(URL_SAFE);
const HEX = '0123456789abcdef';
/** Far below the number of arguments any engine lets a function be called with. */
const CALL_ARGUMENTS = 4096;
/** Where bytes stay only until they are text: an array for each would live outside the heap. */
const SCRATCH: Uint8Array = new Uint8Array(8192);

/** Unpadded base64url (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  return encode(bytes, URL_SAFE);
}

/** Bytes of unpadded base64url, or undefined: padding, other alphabets, stray bits are refused. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  return decode(text, URL_SAFE_VALUES);
}

/** The text whose UTF-8 is in unpadded base64url, or undefined when either encoding is broken. */
export function textFromBase64Url(text: string): string | undefined {
  const length = lengthOf(text);
  if (length > SCRATCH.length) {
    const bytes = fromBase64Url(text);
    return bytes && fromUtf8(bytes);
  }
  return decodeInto(text, URL_SAFE_VALUES, SCRATCH)
    ? fromUtf8(SCRATCH.subarray(0, length))
    : undefined;
}

/** Padded base64 (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  return encode(bytes, STANDARD) + '=='.slice(0, (3 - (bytes.length % 3)) % 3);
}

/** Bytes of padded base64, or undefined. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  return decode(text.replace(/={1,2}$/, ''), STANDARD_VALUES);
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte >> 4]! + HEX[byte & 15]!;
  return text;
}

/** Bytes of hexadecimal in either case, or undefined. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** UTF-8 of a string; lone surrogates become U+FFFD. */
export function toUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Nearly everything a protocol says is ASCII; the first character that is not changes lanes.
    if (code >= 0x80) return toWideUtf8(text);
    bytes[i] = code;
  }
  return bytes;
}

/** The string of UTF-8 bytes, or undefined when they are not well-formed (RFC 3629 §3). */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! >= 0x80) return fromWideUtf8(bytes);
  let text = '';
  for (let start = 0; start < bytes.length; start += CALL_ARGUMENTS) {
    const part = bytes.subarray(start, start + CALL_ARGUMENTS);
    text += String.fromCharCode.apply(null, part as unknown as number[]);
  }
  return text;
}

/** All parts in one array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Equality in time that depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

function toWideUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const raw = character.codePointAt(0)!;
    const point = raw >= 0xd800 && raw <= 0xdfff ? 0xfffd : raw;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) {
      bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    } else {
      bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63));
      bytes.push(0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    }
  }
  return Uint8Array.from(bytes);
}

function fromWideUtf8(bytes: Uint8Array): string | undefined {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i]!;
    const size =
      lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size === 0 || i + size > bytes.length) return undefined;
    let point = size === 1 ? lead : lead & (0x7f >> size);
    for (let k = 1; k < size; k++) {
      const next = bytes[i + k]!;
      if ((next & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (next & 63);
    }
    const smallest = size === 3 ? 0x800 : size === 4 ? 0x10000 : 0;
    if (point < smallest || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return undefined;
    text += String.fromCodePoint(point);
    i += size;
  }
  return text;
}

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const chunk = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet[chunk >> 18]! + alphabet[(chunk >> 12) & 63]!;
    if (left > 1) text += alphabet[(chunk >> 6) & 63]!;
    if (left > 2) text += alphabet[chunk & 63]!;
  }
  return text;
}

function decode(text: string, values: Int8Array): Uint8Array | undefined {
  const bytes = new Uint8Array(lengthOf(text));
  return decodeInto(text, values, bytes) ? bytes : undefined;
}

/** How many bytes so much base64 holds. */
function lengthOf(text: string): number {
  return Math.floor((text.length * 3) / 4);
}

/** Decodes to the start of `bytes`; false when the text is refused. */
function decodeInto(text: string, values: Int8Array, bytes: Uint8Array): boolean {
  const tail = text.length % 4;
  if (tail === 1) return false;
  let out = 0;
  for (let i = 0; i + 4 <= text.length; i += 4) {
    // A character outside the alphabet is -1, and its sign survives every shift and OR.
    const chunk =
      (valueAt(text, i, values) << 18) |
      (valueAt(text, i + 1, values) << 12) |
      (valueAt(text, i + 2, values) << 6) |
      valueAt(text, i + 3, values);
    if (chunk < 0) return false;
    bytes[out++] = chunk >> 16;
    bytes[out++] = chunk >> 8;
    bytes[out++] = chunk;
  }
  return tail === 0 || decodeTail(text.slice(-tail), values, bytes, out);
}

/** Decodes the last two or three characters; false when a bit beyond the last byte is set. */
function decodeTail(tail: string, values: Int8Array, bytes: Uint8Array, out: number): boolean {
  const third = tail.length === 3 ? valueAt(tail, 2, values) : 0;
  const chunk = (valueAt(tail, 0, values) << 18) | (valueAt(tail, 1, values) << 12) | (third << 6);
  bytes[out] = chunk >> 16;
  if (tail.length === 3) bytes[out + 1] = chunk >> 8;
  return chunk >= 0 && (chunk & (tail.length === 3 ? 0xff : 0xffff)) === 0;
}

function valueAt(text: string, index: number, values: Int8Array): number {
  return values[text.charCodeAt(index)] ?? -1;
}

function valuesOf(alphabet: string): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i;
  return values;
}
