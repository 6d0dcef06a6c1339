import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Record } from '../core/crdt/record.ts';
import { MemoryStore } from '../io/store/memory.ts';
import type { CertificateAuthority } from './ca/ca.ts';
import type { CrlContent } from './ca/crl.ts';
import { buildList } from './crl-source.ts';

const NOW_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const ORDER = {
  ca: 'one',
  number: 7,
  tag: 0xfffffffe,
  thisUpdateMs: NOW_MS,
  nextUpdateMs: NOW_MS + DAY_MS,
};

function revoked(
  id: string,
  changes: { ca?: string; reason?: number; notAfterMs?: number },
): Record {
  const { ca = 'one', reason = 1, notAfterMs = NOW_MS + DAY_MS } = changes;
  const at = '01a3185c5000-0000-a';
  const fields = {
    made: { at, value: { ca, notAfterMs, identifiers: [] } },
    status: 'revoked',
    revocation: { at, value: { atMs: NOW_MS - 5, reason } },
  };
  return { kind: 'certificate', id, fields, dot: { origin: 'a.1', seq: Number.parseInt(id, 16) } };
}

/** What the CA is asked to sign over these records. */
async function listed(records: readonly Record[]): Promise<CrlContent> {
  const store = new MemoryStore();
  await store.commit({ records, forget: [], meta: new Map() });
  let asked: CrlContent | undefined;
  const authority: Pick<CertificateAuthority, 'crl'> = {
    crl: (content) => {
      asked = content;
      return new Uint8Array();
    },
  };
  await buildList(store, authority as CertificateAuthority, ORDER);
  return asked!;
}

test('a reason that no list can carry is left out, and the rest of the list is made', async () => {
  const { revoked: entries } = await listed([revoked('01', { reason: 8 }), revoked('02', {})]);
  assert.equal(
    [...entries],
    [
      { serial: '01', atMs: NOW_MS - 5, reason: 0 },
      { serial: '02', atMs: NOW_MS - 5, reason: 1 },
    ],
  );
});

test('the number of a list is the counter followed by the tag of its maker', async () => {
  const { number } = await listed([]);
  assert.is(number, (7n << 32n) + 0xfffffffen);
});

test('certificates of other CAs and those that expired long ago are not on the list', async () => {
  const records = [
    revoked('01', { ca: 'other' }),
    revoked('02', { notAfterMs: NOW_MS - 3 * DAY_MS }),
    revoked('03', { notAfterMs: NOW_MS - DAY_MS }),
  ];
  const { revoked: entries } = await listed(records);
  assert.equal(
    [...entries].map(({ serial }) => serial),
    ['03'],
  );
});

test('a list of several pages has every entry once', async () => {
  const records = Array.from({ length: 2_345 }, (_, i) => revoked((i + 1).toString(16), {}));
  const { revoked: entries } = await listed(records);
  assert.is(new Set([...entries].map(({ serial }) => serial)).size, 2_345);
});

test.run();
