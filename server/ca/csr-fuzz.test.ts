// Seeded mutation of requests, keys and certificates: whatever arrives, a reading comes back.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readCertificate, signCertificate } from './certificate.ts';
import { readCsr } from './csr.ts';
import { generateCaKey, readCaKey } from './keys.ts';
import { makeCsr } from './make-csr.ts';
import { encodeName } from './name.ts';
import { toPem } from './pem.ts';
import { planRoot } from './profile.ts';
import { readPublicKey } from './public-key.ts';

const NAMES = [
  { type: 'dns', value: '*.fuzz.test' },
  { type: 'ip', value: '192.0.2.7' },
] as const;
const filled = (length: number): Uint8Array => new Uint8Array(length).fill(0x5a);
const keys = (['ec:P-256', 'ed25519', 'rsa:2048'] as const).map((type) =>
  generateCaKey(type, filled),
);
const requests = keys.map((key) => makeCsr({ key, names: NAMES, commonName: '*.fuzz.test' }));

/** xorshift32: the same mutations on every machine. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One to four changes: a bit, an octet, a cut, an insertion, a doubled piece. */
function mutate(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  let octets = [...bytes];
  for (let changes = 1 + next(4); changes > 0; changes--) {
    const at = next(octets.length);
    const kind = next(5);
    if (kind === 0) octets[at]! ^= 1 << next(8);
    else if (kind === 1) octets[at] = [0, 1, 0x30, 0x7f, 0x80, 0x84, 0xff][next(7)]!;
    else if (kind === 2) octets.splice(at, 1 + next(8));
    else if (kind === 3) octets.splice(at, 0, next(256));
    else octets = [...octets.slice(0, at), ...octets.slice(Math.max(0, at - next(20)))];
    if (octets.length === 0) return new Uint8Array();
  }
  return Uint8Array.from(octets);
}

function fuzz(
  originals: readonly Uint8Array[],
  rounds: number,
  read: (bytes: Uint8Array) => { ok: boolean; reason?: string },
): void {
  const next = generator(20_260_101);
  for (let round = 0; round < rounds; round++) {
    const original = originals[round % originals.length]!;
    const mutant = mutate(original, next);
    if (Buffer.compare(mutant, original) === 0) continue;
    const reading = read(mutant);
    if (!reading.ok) assert.match(reading.reason ?? '', /^[a-zA-Z].{8,}/s);
  }
}

test('no mutated CSR throws, and none is accepted', () => {
  fuzz(requests, 9000, (bytes) => {
    const reading = readCsr(bytes);
    assert.not.ok(reading.ok, Buffer.from(bytes).toString('base64'));
    return reading;
  });
});

test('no mutated public key throws', () => {
  fuzz(
    keys.map(({ publicKey }) => publicKey.spki),
    3000,
    readPublicKey,
  );
});

test('no mutated certificate throws', () => {
  const certificates = keys.map((key) => signCertificate(root(key), key));
  fuzz(certificates, 6000, readCertificate);
});

test('no mutated key file throws', () => {
  const files = keys
    .slice(0, 2)
    .map((key) => Buffer.from(key.toPem().split('\n').slice(1, -2).join(''), 'base64'));
  fuzz(files, 1000, (bytes) => readCaKey(toPem('PRIVATE KEY', bytes)));
});

function root(key: (typeof keys)[number]): Parameters<typeof signCertificate>[0] {
  return planRoot({
    serial: Uint8Array.of(1),
    subject: encodeName({ commonName: 'Fuzz Root' }),
    notBeforeMs: 0,
    notAfterMs: 1e12,
    publicKey: key.publicKey,
  });
}

test.run();
