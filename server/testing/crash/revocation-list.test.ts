// The crash test's reading of a CRL, against lists the server's own code makes.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Certificate } from '../../ca/certificate.ts';
import { buildCrl, type RevokedEntry } from '../../ca/crl.ts';
import { generateCaKey } from '../../ca/keys.ts';
import { encodeName } from '../../ca/name.ts';
import { readRevocationList } from './revocation-list.ts';

const key = generateCaKey('ec:P-256', (length) => new Uint8Array(length));
const certificate = { subject: encodeName({ commonName: 'test' }) } as Certificate;
const issuer = { key, certificate, keyId: new Uint8Array(20) };

function listOf(number: number, revoked: readonly RevokedEntry[]): Uint8Array {
  return buildCrl({ number, thisUpdateMs: 0, nextUpdateMs: 86_400_000, revoked, issuer });
}

test('what is no CRL is refused', () => {
  assert.throws(() => readRevocationList(Uint8Array.of(0x30, 0x01)), /DER|longer/);
  assert.throws(() => readRevocationList(listOf(1, []).subarray(1)));
});

test('an entry whose time or reason differs has other bytes', () => {
  const [serial, atMs] = ['80ff', 5_000];
  const entryOf = (entry: RevokedEntry): string | undefined =>
    readRevocationList(listOf(1, [entry])).entries.get('80FF');
  const entry = entryOf({ serial, atMs, reason: 0 });
  assert.is(entryOf({ serial, atMs, reason: 0 }), entry);
  assert.is.not(entryOf({ serial, atMs, reason: 1 }), entry);
  assert.is.not(entryOf({ serial, atMs: atMs + 1_000, reason: 0 }), entry);
});

test('number and serials are read as they were written', () => {
  const revoked = [
    { serial: '01', atMs: 0, reason: 0 },
    { serial: 'abcdef0123456789', atMs: 1_000, reason: 4 },
  ];
  const list = readRevocationList(listOf(1_795_000_000, revoked));
  assert.is(list.number, 1_795_000_000n);
  assert.equal([...list.entries.keys()], ['01', 'ABCDEF0123456789']);
  assert.is(readRevocationList(listOf(7, [])).entries.size, 0);
});

test.run();
