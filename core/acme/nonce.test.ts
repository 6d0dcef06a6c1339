import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromBase64Url, toBase64Url } from '../bytes.ts';
import { PRIMITIVES } from '../testing/rig.ts';
import { NonceBook, type NonceIdentity } from './nonce.ts';

const HOUR_MS = 3_600_000;
const IDENTITY: NonceIdentity = {
  issuer: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  boot: Uint8Array.of(9, 9, 9, 9),
  key: new Uint8Array(32).fill(7),
};

function book(change: Partial<NonceIdentity> = {}, window = 64): NonceBook {
  return new NonceBook({ ...IDENTITY, ...change }, PRIMITIVES, window, HOUR_MS);
}

function refused(nonces: NonceBook, nonce: string, reason: RegExp, monoMs = 0): void {
  const reading = nonces.read(nonce, monoMs);
  assert.not(reading.ok, `${nonce} was accepted`);
  if (!reading.ok) assert.match(reading.reason, reason);
}

function spend(nonces: NonceBook, nonce: string): void {
  const reading = nonces.read(nonce, 0);
  assert.ok(reading.ok, JSON.stringify(reading));
  if (reading.ok) nonces.spend(reading.counter);
}

test('a book of a wrong make is a bug of ours', () => {
  assert.throws(() => book({}, 63), /whole octets/);
  assert.throws(() => book({ issuer: new Uint8Array(7) }), /8 octets/);
  assert.throws(() => book({ boot: new Uint8Array(8) }), /4 octets/);
});

test('RFC 8555 §6.5: what is no nonce of ours is refused', () => {
  const nonces = book();
  const real = nonces.issue(0, 0);
  for (const text of ['', 'A', 'AAAA', real.slice(4), `${real}AAAA`, `${real}=`, 'A'.repeat(60)]) {
    refused(nonces, text, /not of ours/);
  }
  refused(nonces, 'x'.repeat(60_000), /not of ours/);
});

test('a nonce with any one bit turned is refused', () => {
  const nonces = book();
  const octets = fromBase64Url(nonces.issue(0, 0))!;
  for (let bit = 0; bit < octets.length * 8; bit++) {
    const turned = Uint8Array.from(octets, (octet, i) => {
      return i === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet;
    });
    refused(nonces, toBase64Url(turned), /not of ours/);
  }
});

test('a nonce under another key, of another node or of an earlier start is refused', () => {
  const nonce = book().issue(0, 0);
  refused(book({ key: new Uint8Array(32) }), nonce, /not of ours/);
  refused(book({ issuer: new Uint8Array(8) }), nonce, /node that issued/);
  refused(book({ boot: new Uint8Array(4) }), nonce, /before the server restarted/);
});

test('RFC 8555 §6.5: a nonce is good once', () => {
  const nonces = book();
  const nonce = nonces.issue(0, 0);
  spend(nonces, nonce);
  refused(nonces, nonce, /used before/);
});

test('reading a nonce does not use it up', () => {
  const nonces = book();
  const nonce = nonces.issue(0, 0);
  for (let i = 0; i < 3; i++) assert.ok(nonces.read(nonce, 0).ok);
});

test('spending twice is a bug of ours', () => {
  const nonces = book();
  const reading = nonces.read(nonces.issue(0, 0), 0);
  if (!reading.ok) throw new Error(reading.reason);
  nonces.spend(reading.counter);
  assert.throws(() => nonces.spend(reading.counter), /spent once/);
});

test('RFC 8555 §6.5.1: nonces can be sent in any order', () => {
  const nonces = book();
  const issued = Array.from({ length: 40 }, (_, i) => nonces.issue(0, i));
  for (const nonce of [...issued].reverse()) spend(nonces, nonce);
  for (const nonce of issued) refused(nonces, nonce, /used before/);
});

test('a nonce that has left the window is refused, spent or not', () => {
  const nonces = book({}, 8);
  const [spent, unspent] = [nonces.issue(0, 0), nonces.issue(0, 0)];
  spend(nonces, spent);
  for (let i = 0; i < 6; i++) nonces.issue(0, 0);
  assert.ok(nonces.read(unspent, 0).ok, 'the window has room for eight');
  nonces.issue(0, 0);
  refused(nonces, spent, /too old/);
  nonces.issue(0, 0);
  refused(nonces, unspent, /too old/);
});

test('of every nonce at most one use is accepted, through many turns of the window', () => {
  const nonces = book({}, 16);
  const uses = new Map<string, number>();
  const issued: string[] = [];
  for (let i = 0; i < 500; i++) {
    issued.push(nonces.issue(0, i));
    for (const back of [0, 3, 3, 9, 15, 16, 17]) {
      const nonce = issued[issued.length - 1 - back];
      const reading = nonce === undefined ? undefined : nonces.read(nonce, 0);
      if (!reading?.ok) continue;
      nonces.spend(reading.counter);
      uses.set(nonce!, (uses.get(nonce!) ?? 0) + 1);
    }
  }
  assert.is(uses.size, 500);
  assert.is(Math.max(...uses.values()), 1);
});

test('a nonce lives as long as it is said to, and no longer', () => {
  const nonces = book();
  const nonce = nonces.issue(5_400, 0);
  assert.ok(nonces.read(nonce, 5_000 + HOUR_MS).ok);
  refused(nonces, nonce, /too old/, 5_001 + HOUR_MS);
});

test('RFC 8555 §6.5.1: a nonce is base64url, and no two are equal', () => {
  const nonces = book();
  const issued = Array.from({ length: 200 }, () => nonces.issue(0, 1));
  for (const nonce of issued) assert.match(nonce, /^[A-Za-z0-9_-]{60}$/);
  assert.is(new Set(issued).size, 200);
  assert.is(nonces.issued, 200);
});

test.run();
