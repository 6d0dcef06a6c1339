// A certificate or a request for one (DER) as a form with blanks: where the public key, the key
// identifier, the serial number, the names, the times and the signature stand, others can be put.
// Invariant: what is filled in is as long as what stood there. The result is well-formed DER; its
// signature is noise. Never here: other key types than EC P-256.

export interface Blanks {
  readonly name: string;
  /** The two coordinates of the public key, 64 octets. */
  readonly point: Uint8Array;
  readonly random: (length: number) => Uint8Array;
  readonly serial?: Uint8Array;
  /** notBefore and notAfter, Unix ms. */
  readonly times?: readonly number[];
}

const POINT = Buffer.from('03420004', 'hex');
const SUBJECT_KEY_ID = Buffer.from('0603551d0e041604 14'.replace(' ', ''), 'hex');
const UTC_TIME = Buffer.from('170d', 'hex');
const TIME_OCTETS = 13;

export class DerTemplate {
  readonly #der: Buffer;
  readonly #names: readonly number[];
  readonly #point: number;
  readonly #keyId: number;
  readonly #serial: number;
  readonly #times: readonly number[];
  /** Offsets and lengths of what a signature's two numbers leave open. */
  readonly #signature: readonly (readonly [number, number])[];
  readonly #name: string;

  /** `serial`: in hexadecimal, where there is one. Throws where a blank is not found. */
  constructor(der: Uint8Array, { name, serial }: { name: string; serial?: string }) {
    this.#der = Buffer.from(der);
    this.#name = name;
    this.#names = this.#all(Buffer.from(name));
    this.#point = this.#one(POINT) + POINT.length;
    const keyId = this.#der.indexOf(SUBJECT_KEY_ID);
    this.#keyId = keyId < 0 ? keyId : keyId + SUBJECT_KEY_ID.length;
    this.#serial = serial === undefined ? -1 : this.#one(Buffer.from(serial, 'hex'));
    this.#times = this.#all(UTC_TIME).map((at) => at + UTC_TIME.length);
    this.#signature = this.#numbers();
    if (this.#names.length === 0) throw new Error(`no ${name} in the template`);
  }

  fill({ name, point, random, serial, times }: Blanks): Uint8Array {
    if (name.length !== this.#name.length) throw new Error(`${name} is not as long as the blank`);
    const der = Buffer.from(this.#der);
    for (const at of this.#names) der.write(name, at, 'latin1');
    der.set(point, this.#point);
    if (this.#keyId >= 0) der.set(random(20), this.#keyId);
    if (serial !== undefined && this.#serial >= 0) der.set(serial, this.#serial);
    for (const [i, at] of this.#times.entries()) {
      if (times?.[i] !== undefined) der.write(utcTime(times[i]), at, 'latin1');
    }
    for (const [at, length] of this.#signature) {
      der.set(random(length), at);
      // Neither negative nor with a zero that could be left out.
      der[at] = 1 + (der[at]! % 0x7f);
    }
    return der;
  }

  #all(what: Buffer): readonly number[] {
    const found: number[] = [];
    for (let at = this.#der.indexOf(what); at >= 0; at = this.#der.indexOf(what, at + 1)) {
      found.push(at);
    }
    return found;
  }

  #one(what: Buffer): number {
    const at = this.#der.indexOf(what);
    if (at < 0) throw new Error(`no ${what.toString('hex')} in the template`);
    return at;
  }

  /** ECDSA-Sig-Value (RFC 3279 §2.2.3) at the end: the two numbers. */
  #numbers(): readonly (readonly [number, number])[] {
    const der = this.#der;
    for (let at = der.length - 64; at > 0 && at > der.length - 80; at--) {
      const isEnd = der[at] === 0x30 && at + 2 + der[at + 1]! === der.length;
      if (!isEnd || der[at + 2] !== 2) continue;
      const first = at + 4;
      const firstLength = der[at + 3]!;
      const second = first + firstLength + 2;
      return [withoutZero(der, first, firstLength), withoutZero(der, second, der[second - 1]!)];
    }
    throw new Error('no signature in the template');
  }
}

/** A leading zero octet says that the number is positive, and stays. */
function withoutZero(der: Buffer, at: number, length: number): readonly [number, number] {
  return der[at] === 0 ? [at + 1, length - 1] : [at, length];
}

/** RFC 5280 §4.1.2.5.1: YYMMDDHHMMSSZ. */
function utcTime(ms: number): string {
  const text = new Date(ms).toISOString().replace(/[-:T]/g, '');
  return `${text.slice(2, TIME_OCTETS + 1)}Z`;
}
