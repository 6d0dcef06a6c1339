// Tests of the population: figures about a large database mean nothing when its records are not what
// a node would have written, or compress better than real ones.

import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toBase64Url } from '../core/bytes.ts';
import { advance, digestFrom, EMPTY_DIGEST, keyedHash } from '../core/crdt/digest.ts';
import type { Record } from '../core/crdt/record.ts';
import { emptyReplica } from '../core/crdt/replica.ts';
import { refuseRecord } from '../core/crdt/schema.ts';
import { sha256 } from '../io/crypto/primitives.ts';
import { openCa } from '../server/ca/ca.ts';
import { makeCsr } from './csr.ts';
import { DerTemplate } from './der-template.ts';
import { type Models, nameOf, populate } from './population.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const HASH = keyedHash([1, 2, 3, 4], sha256);
const NODE = 'n'.repeat(27);
const MODELS = modelsOf(nameOf(0));

test('a template without the name, or a name of another length, is refused', () => {
  const csr = makeCsr('a.test');
  assert.throws(() => new DerTemplate(csr, { name: 'b.test' }), /no b\.test/);
  const template = new DerTemplate(csr, { name: 'a.test' });
  const blanks = { point: randomBytes(64), random: randomBytes };
  assert.throws(() => template.fill({ ...blanks, name: 'ab.test' }), /not as long/);
});

test('the same seed makes the same records, another one others', () => {
  assert.equal(recordsOf(500, 7), recordsOf(500, 7));
  assert.not.equal(recordsOf(500, 7), recordsOf(500, 8));
});

test('there are as many records as asked for, each with a key and a dot of its own', () => {
  const records = recordsOf(1_000, 1);
  assert.is(records.length, 1_000);
  assert.is(new Set(records.map(({ kind, id }) => `${kind}/${id}`)).size, 1_000);
  assert.is(new Set(records.map(({ dot }) => dot.seq)).size, 1_000);
  assert.is(records.filter(({ kind }) => kind === 'account').length, 4);
});

test('every record is one that a peer would take', () => {
  const refused = recordsOf(1_000, 1).filter(({ kind, id, fields }) =>
    refuseRecord(kind, id, fields),
  );
  assert.equal(refused, []);
});

test('the digest is that of the records', () => {
  const last = [...populate(options(1_000, 1), emptyReplica(`${NODE}.1`, 'boot'), HASH)].at(-1)!;
  const steps = recordsOf(1_000, 1).map((after) => ({ before: undefined, after }));
  assert.is(digestFrom(last.state.digest, 0), digestFrom(advance(EMPTY_DIGEST, HASH, steps), 0));
});

test('certificates are whole, for the name of their order, and refer to each other', () => {
  const records = recordsOf(31, 1);
  const orders = new Map(records.map((record) => [record.id, record]));
  for (const { kind, id, fields } of records) {
    if (kind !== 'certificate') continue;
    const { der, order } = valueIn(fields['made']) as { der: string; order: string };
    const certificate = new X509Certificate(Buffer.from(der, 'base64'));
    assert.is(certificate.serialNumber.toLowerCase(), id);
    const ordered = valueIn(orders.get(order)!.fields['made']) as {
      identifiers: { value: string }[];
    };
    assert.is(certificate.subjectAltName, `DNS:${ordered.identifiers[0]!.value}`);
  }
});

function recordsOf(count: number, seed: number): readonly Record[] {
  const start = emptyReplica(`${NODE}.1`, 'boot');
  return [...populate(options(count, seed), start, HASH)].flatMap(({ records }) => records);
}

function options(count: number, seed: number): Parameters<typeof populate>[0] {
  return { models: MODELS, count, seed, nowMs: NOW_MS };
}

function valueIn(field: unknown): unknown {
  return (field as { readonly value: unknown }).value;
}

/** As a node leaves them after one issuance; the certificate is a real one. */
function modelsOf(name: string): Models {
  const csr = toBase64Url(makeCsr(name));
  const at = `0190a0a0a0a0-0000-${NODE}`;
  const first = (value: object): object => ({ at, value });
  const identifiers = [{ type: 'dns', value: name }] as const;
  const issued = issue(csr, identifiers);
  const times = { createdMs: NOW_MS, expiresMs: NOW_MS + 1 };
  const owner = { epoch: 1, claimedAt: at, node: NODE, renewals: 0, released: false };
  const of = (kind: string, id: string, fields: object): Record => {
    return { kind, id, fields: fields as Record['fields'], dot: { origin: `${NODE}.1`, seq: 1 } };
  };
  const key = { thumbprint: 't', spkiHash: 's', jwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } };
  const last = (value: unknown): object => ({ version: 1, at, value });
  return {
    account: of('account', 'a', {
      made: first({ createdMs: NOW_MS }),
      status: 'valid',
      key: last(key),
      contact: last([]),
      terms: last(true),
    }),
    authorization: of('authorization', 'z', {
      made: first({ account: 'a', identifier: identifiers[0], token: 't', ...times }),
      'http-01': 'valid',
      status: 'valid',
      owner,
      validated: first({ type: 'http-01', atMs: NOW_MS }),
    }),
    order: of('order', 'o', {
      made: first({ account: 'a', identifiers, authorizations: ['z'], ...times }),
      csr: first({ csr, atMs: NOW_MS }),
      certificate: first({ serial: issued.serial }),
      status: 'valid',
      owner,
    }),
    certificate: of('certificate', issued.serial, {
      made: first({ ca: 'default', order: 'o', account: 'a', identifiers, ...issued }),
      status: 'valid',
    }),
  };
}

function issue(csr: string, identifiers: readonly { type: 'dns'; value: string }[]) {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-population-'));
  try {
    const ca = openCa(
      {
        id: 'default',
        keyFile: join(directory, 'key.pem'),
        certFile: join(directory, 'cert.pem'),
        keyType: 'ec:P-256',
        validityDays: 90,
        caValidityYears: 10,
        commonName: 'test',
      },
      { nowMs: NOW_MS, random: (length) => new Uint8Array(randomBytes(length)) },
    );
    const request = { ca: 'default', order: 'o', identifiers, csr, notBeforeMs: NOW_MS };
    const result = ca.issue(request);
    if (!result.ok) throw new Error(result.detail);
    return result.certificate;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test.run();
