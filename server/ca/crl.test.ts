// Tests of revocation lists, read back by hand and by openssl.

import { randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { REVOCATION_REASONS } from '../../core/acme/revocation-reason.ts';
import { AssertionFailure } from '../../core/assert.ts';
import { contextTag, TAG } from '../../core/der.ts';
import {
  childrenOf,
  DerReader,
  isDer,
  readDer,
  timeOf,
  unsignedOf,
} from '../../core/der-reader.ts';
import { signCertificate } from './certificate.ts';
import { buildCrl, type RevokedEntry } from './crl.ts';
import { readExtensions } from './extension-reader.ts';
import { makeIssuer } from './issuer.ts';
import { generateCaKey } from './keys.ts';
import { encodeName } from './name.ts';
import { OID } from './oids.ts';
import { planRoot } from './profile.ts';

const NOW_MS = Date.UTC(2026, 3, 1);
const key = generateCaKey('ec:P-256', () => new Uint8Array());
const subject = encodeName({ commonName: 'CRL CA' });
const plan = planRoot({
  serial: Uint8Array.of(1),
  subject,
  notBeforeMs: 0,
  notAfterMs: 4e12,
  publicKey: key.publicKey,
});
const issuer = makeIssuer(key, signCertificate(plan, key));
const times = { number: 5n, thisUpdateMs: NOW_MS, nextUpdateMs: NOW_MS + 86_400_000 };

const crlOf = (revoked: Iterable<RevokedEntry>): Uint8Array =>
  buildCrl({ ...times, issuer, revoked });

interface ReadCrl {
  entries: { serial: string; atMs: number; extensions: ReturnType<typeof readExtensions> }[];
  extensions: ReturnType<typeof readExtensions>;
}

function read(crl: Uint8Array): ReadCrl {
  const outer = new DerReader(readDer(crl, TAG.sequence, 'it').content, 'it');
  const tbs = outer.next(TAG.sequence, 'tbs');
  outer.next(TAG.sequence, 'algorithm');
  const signature = outer.next(TAG.bitString, 'signature').content.subarray(1);
  assert.ok(key.verify(tbs.bytes, signature));
  const fields = new DerReader(tbs.content, 'tbs');
  assert.equal(unsignedOf(fields.next(TAG.integer, 'version'), 'version'), Uint8Array.of(1));
  fields.next(TAG.sequence, 'algorithm');
  assert.equal(fields.next(TAG.sequence, 'issuer').bytes, subject);
  assert.is(timeOf(fields.any('thisUpdate'), 'it'), times.thisUpdateMs);
  assert.is(timeOf(fields.any('nextUpdate'), 'it'), times.nextUpdateMs);
  const list = fields.optional(TAG.sequence, 'entries');
  const extensions = fields.next(contextTag(0, 'constructed'), 'extensions').content;
  fields.end();
  const entries = list === undefined ? [] : childrenOf(list, 'the list').map(readEntry);
  return { entries, extensions: readExtensions(extensions, 'it') };
}

function readEntry({ content }: { content: Uint8Array }): ReadCrl['entries'][number] {
  const fields = new DerReader(content, 'an entry');
  const serial = Buffer.from(unsignedOf(fields.next(TAG.integer, 'serial'), 'it')).toString('hex');
  const atMs = timeOf(fields.any('time'), 'time');
  const extensions = fields.optional(TAG.sequence, 'extensions');
  fields.end();
  return { serial, atMs, extensions: extensions ? readExtensions(extensions.bytes, 'it') : [] };
}

test('reasons that a full CRL cannot have stop us', () => {
  for (const reason of [7, 8, 11, -1, 1.5]) {
    const revoked = [{ serial: '01', atMs: NOW_MS, reason }];
    assert.throws(
      () => crlOf(revoked),
      (error: unknown) => error instanceof AssertionFailure,
    );
  }
});

test('serial numbers that are not hexadecimal stop us', () => {
  for (const serial of ['', '0', 'xy', '01 ', '010g']) {
    const revoked = [{ serial, atMs: NOW_MS, reason: 0 }];
    assert.throws(() => crlOf(revoked), /serials are hexadecimal/);
  }
});

test('a list that is valid for no time stops us', () => {
  const content = { ...times, nextUpdateMs: NOW_MS, issuer, revoked: [] };
  assert.throws(() => buildCrl(content), /valid for a while/);
});

test('RFC 5280 §5.1.2.6: a list without entries has no list', () => {
  assert.equal(read(crlOf([])).entries, []);
});

test('RFC 5280 §5.2: key identifier and number are in every list', () => {
  const { extensions } = read(crlOf([]));
  assert.equal(
    extensions.map(({ oid }) => oid),
    [OID.authorityKeyIdentifier, OID.crlNumber],
  );
  assert.equal(extensions[1]!.value, Uint8Array.of(2, 1, 5));
  assert.ok(extensions.every(({ critical }) => !critical));
});

test('RFC 5280 §5.3.1: every reason is written but the one that says nothing', () => {
  const revoked = Object.values(REVOCATION_REASONS).map((reason, index) => ({
    serial: (200 + index).toString(16),
    atMs: NOW_MS - index * 1000,
    reason,
  }));
  const { entries } = read(crlOf(revoked));
  assert.equal(
    entries.map(({ serial, atMs }) => ({ serial, atMs })),
    revoked.map(({ serial, atMs }) => ({ serial, atMs })),
  );
  for (const [index, { extensions }] of entries.entries()) {
    const { reason } = revoked[index]!;
    const wanted = reason === 0 ? [] : [Uint8Array.of(TAG.enumerated, 1, reason)];
    assert.equal(
      extensions.map(({ value }) => value),
      wanted,
    );
  }
});

test('a list is DER, and numbers may be as large as RFC 5280 lets them', () => {
  const number = (1n << 159n) - 1n;
  const revoked = [{ serial: 'ff'.repeat(16), atMs: NOW_MS, reason: 1 }];
  const crl = buildCrl({ ...times, number, issuer, revoked });
  assert.ok(isDer(crl));
});

test('a hundred thousand entries all come back, from a generator', () => {
  const serials = Array.from({ length: 100_000 }, () => `7f${randomBytes(15).toString('hex')}`);
  function* revoked(): Generator<RevokedEntry> {
    for (const [index, serial] of serials.entries()) {
      yield { serial, atMs: NOW_MS - (index % 5000) * 1000, reason: index % 2 === 0 ? 0 : 4 };
    }
  }
  const { entries } = read(crlOf(revoked()));
  assert.equal(
    entries.map(({ serial }) => serial),
    serials,
  );
});

test.run();
