// Anti-replay nonces as tickets (RFC 8555 §6.5): a nonce names its issuer, the issuer's boot, its
// number there, the issuer's position in its own event log and its age, under a MAC. So a forgery
// costs nothing to refuse, and what has been spent is one bit in a ring.
// Invariant: of every nonce `spend` accepts at most one use, whatever else happens.
// Never here: redeeming a nonce of another node at its issuer (cluster/redemption.ts).

import { assert } from '../assert.ts';
import { equalBytes, fromBase64Url, toBase64Url, toHex } from '../bytes.ts';
import type { Primitives } from '../primitives.ts';

/** Octets of the parts, in order; 45 octets make 60 characters. */
const ISSUER = 8;
const BOOT = 4;
const COUNTER = 6;
const POSITION = 6;
const SECONDS = 5;
const BODY = ISSUER + BOOT + COUNTER + POSITION + SECONDS;
const MAC = 16;

export interface NonceIdentity {
  /** 8 octets that name the node. */
  readonly issuer: Uint8Array;
  /** 4 octets drawn at every start: what was spent before it is forgotten. */
  readonly boot: Uint8Array;
  /** MAC key, the same on every node of a cluster. */
  readonly key: Uint8Array;
}

export type NonceReading =
  | { readonly ok: true; readonly counter: number }
  | {
      readonly ok: false;
      readonly reason: string;
      /** Of a genuine nonce that another node issued: who, in hexadecimal. */
      readonly issuer?: string;
    };

export class NonceBook {
  readonly #identity: NonceIdentity;
  readonly #primitives: Primitives;
  readonly #window: number;
  readonly #lifetimeMs: number;
  /** One bit a nonce: spent. */
  readonly #spent: Uint8Array;
  #issued = 0;

  constructor(identity: NonceIdentity, primitives: Primitives, window: number, lifetimeMs: number) {
    assert(window % 8 === 0, 'the window is whole octets');
    assert(identity.issuer.length === ISSUER, 'an issuer has 8 octets');
    assert(identity.boot.length === BOOT, 'a boot has 4 octets');
    this.#identity = identity;
    this.#primitives = primitives;
    this.#window = window;
    this.#lifetimeMs = lifetimeMs;
    this.#spent = new Uint8Array(window / 8);
  }

  /** How many nonces this node has issued since it started. */
  get issued(): number {
    return this.#issued;
  }

  /** A new nonce; `position` is how far the node's own event log goes. */
  issue(monoMs: number, position: number): string {
    const counter = ++this.#issued;
    this.#mark(counter, false);
    const { issuer, boot } = this.#identity;
    const ticket = new Uint8Array(BODY + MAC);
    ticket.set(issuer);
    ticket.set(boot, ISSUER);
    writeInteger(ticket, ISSUER + BOOT, COUNTER, counter);
    writeInteger(ticket, ISSUER + BOOT + COUNTER, POSITION, position);
    writeInteger(ticket, BODY - SECONDS, SECONDS, Math.floor(monoMs / 1000));
    ticket.set(this.#mac(ticket.subarray(0, BODY)), BODY);
    return toBase64Url(ticket);
  }

  /** Whether this nonce is good and unspent. Spends nothing. */
  read(nonce: string, monoMs: number): NonceReading {
    const bytes = fromBase64Url(nonce);
    if (bytes === undefined || bytes.length !== BODY + MAC) return bad('this nonce is not of ours');
    const body = bytes.subarray(0, BODY);
    if (!equalBytes(this.#mac(body), bytes.subarray(BODY))) return bad('this nonce is not of ours');
    const { issuer, boot } = this.#identity;
    if (!equalBytes(body.subarray(0, ISSUER), issuer)) {
      const reason = 'the node that issued this nonce is unknown';
      return { ok: false, reason, issuer: toHex(body.subarray(0, ISSUER)) };
    }
    if (!equalBytes(body.subarray(ISSUER, ISSUER + BOOT), boot)) {
      return bad('this nonce was issued before the server restarted');
    }
    const counter = readInteger(body.subarray(ISSUER + BOOT), COUNTER);
    const seconds = readInteger(body.subarray(BODY - SECONDS), SECONDS);
    if (counter + this.#window <= this.#issued || monoMs - seconds * 1000 > this.#lifetimeMs) {
      return bad('this nonce is too old');
    }
    if (this.#isSpent(counter)) return bad('this nonce was used before');
    return { ok: true, counter };
  }

  /** Uses up a nonce that `read` found good. */
  spend(counter: number): void {
    assert(!this.#isSpent(counter), 'a nonce is spent once');
    this.#mark(counter, true);
  }

  /** How far the issuer's event log went when it issued this nonce, which `read` found good. */
  positionOf(nonce: string): number {
    const bytes = fromBase64Url(nonce);
    assert(bytes !== undefined && bytes.length === BODY + MAC, 'a nonce that was read');
    return readInteger(bytes.subarray(ISSUER + BOOT + COUNTER), POSITION);
  }

  #mac(body: Uint8Array): Uint8Array {
    return this.#primitives.hmac('sha256', this.#identity.key, body).subarray(0, MAC);
  }

  #isSpent(counter: number): boolean {
    const slot = counter % this.#window;
    return ((this.#spent[slot >> 3]! >> (slot & 7)) & 1) === 1;
  }

  #mark(counter: number, spent: boolean): void {
    const slot = counter % this.#window;
    const bit = 1 << (slot & 7);
    const before = this.#spent[slot >> 3]!;
    this.#spent[slot >> 3] = spent ? before | bit : before & ~bit;
  }
}

function writeInteger(bytes: Uint8Array, offset: number, octets: number, value: number): void {
  let rest = value;
  for (let i = offset + octets - 1; i >= offset; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function readInteger(bytes: Uint8Array, octets: number): number {
  let value = 0;
  for (let i = 0; i < octets; i++) value = value * 256 + bytes[i]!;
  return value;
}

function bad(reason: string): NonceReading {
  return { ok: false, reason };
}
