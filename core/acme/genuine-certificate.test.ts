import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, Record } from '../crdt/record.ts';
import { Client } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { EMPTY_PAGE } from '../testing/empty-page.ts';

type Members = { readonly [member: string]: Json };

/** A page of nothing but these records, which nobody asked for. */
function pageOf(records: readonly Json[]): Json {
  return { ...EMPTY_PAGE, records, isEstablished: false };
}

/** A cluster with a certificate that `a` issued; and the record of it. */
function issued(): { readonly cluster: Cluster; readonly record: Record } {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.run(3);
  Client.registered(cluster.rig('a')).certificate(['x.example.com']);
  cluster.run(3);
  const record = [...cluster.rig('b').database.values()].find(({ kind }) => kind === 'certificate');
  return { cluster, record: record! };
}

/** What `b` holds after `c` has told it a certificate with these members changed. */
function afterLie(
  id: (id: string) => string,
  change: Members,
  said: RegExp = /makes no sense/,
): Record | undefined {
  const { cluster, record } = issued();
  const b = cluster.rig('b');
  const made = record.fields['made'] as { readonly at: string; readonly value: Members };
  const fields = { ...record.fields, made: { ...made, value: { ...made.value, ...change } } };
  const number = id(record.id);
  const page = pageOf([['certificate', number, 'c.lies', 1, fields]]);
  b.submit({ kind: 'asked', exchange: 9, from: 'c', ask: null, push: page });
  const errors = b.logs.filter(({ level }) => level === 'error');
  assert.match(errors.at(-1)?.message ?? '', said, JSON.stringify(change));
  assert.equal(b.record('certificate', record.id)?.fields['made'], made);
  return [...b.database.values()].find(({ id: each }) => each === number);
}

test('no member can put another certificate in the place of one that is held', () => {
  // The least of two values counts, and the stamp is that of the real one.
  const senseless: readonly Members[] = [
    { der: '+A==' },
    { der: 'e30=' },
    { spkiHash: '-' },
    { notBeforeMs: 0 },
    { notAfterMs: 0 },
  ];
  for (const lie of senseless) afterLie((id) => id, lie);
  const possible: readonly Members[] = [
    { account: '!' },
    { order: '!' },
    { ca: '' },
    { identifiers: [] },
  ];
  for (const lie of possible) afterLie((id) => id, lie, /which keeps its own/);
});

test('who is lied to of a certificate before he hears of it shares everything else with the others', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.run(3);
  cluster.split(['a'], ['b', 'c']);
  const [a, b] = [cluster.rig('a'), cluster.rig('b')];
  const client = Client.registered(a);
  const { pem } = client.certificate(['x.example.com']);
  const real = [...a.database.values()].find(({ kind }) => kind === 'certificate')!;
  const made = real.fields['made'] as { readonly at: string; readonly value: Members };
  const value = { ...made.value, account: 'somebody-else' };
  const fields = { ...real.fields, made: { ...made, value } };
  const page = pageOf([['certificate', real.id, 'c.lies', 1, fields]]);
  b.submit({ kind: 'asked', exchange: 9, from: 'c', ask: null, push: page });
  cluster.stop('c');
  client.revoke(pem);
  client.certificate(['y.example.com']);
  cluster.mend();
  cluster.run(30);
  const other = Client.registered(b);
  other.certificate(['z.example.com']);
  cluster.run(30);
  for (const rig of [a, b]) {
    const held = [...rig.database.values()].filter(({ kind }) => kind === 'certificate');
    assert.is(held.length, 3);
    assert.is(rig.record('certificate', real.id)?.fields['status'], 'revoked');
  }
  assert.equal(a.record('certificate', real.id)?.fields['made'], made);
  assert.equal(b.record('certificate', real.id)?.fields['made'], { ...made, value });
  // Everything was fetched once for the digests that differ, and not at every round.
  const lines = b.logs.filter(({ message }) => /reconciling in full/.test(message));
  assert.ok(lines.length <= 2, `${lines.length} times`);
  assert.ok(b.logs.some(({ message }) => /which keeps its own/.test(message)));
});

test('nor one that does not have the number, or the key, that its record names', () => {
  assert.is(
    afterLie((id) => id.replace(/..$/, 'ff'), {}),
    undefined,
  );
  assert.is(
    afterLie((id) => id.replace(/..$/, 'ee'), { spkiHash: '-' }),
    undefined,
  );
});

test('the same certificate is taken again', () => {
  const { cluster, record } = issued();
  const b = cluster.rig('b');
  const before = b.logs.length;
  const page = pageOf([['certificate', record.id, 'c.again', 1, record.fields]]);
  b.submit({ kind: 'asked', exchange: 9, from: 'c', ask: null, push: page });
  assert.equal(
    b.logs.slice(before).filter(({ level }) => level === 'error'),
    [],
  );
});

test.run();
