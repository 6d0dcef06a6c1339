import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Record } from '../crdt/record.ts';
import { Client, path } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import type { Rig } from '../testing/rig.ts';

function contents(rig: Rig): string {
  const rows = [...rig.database.values()].map(({ kind, id, fields, dot }) => [
    kind,
    id,
    fields,
    dot,
  ]);
  return JSON.stringify(rows.sort((a, b) => (`${a[0]}/${a[1]}` < `${b[0]}/${b[1]}` ? -1 : 1)));
}

function dotOf({ dot }: Record): string {
  return `${dot.origin} ${dot.seq}`;
}

test('what is written on one node is on all others after a round', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  Client.registered(cluster.rig('a')).certificate(['one.example.com']);
  cluster.run(2);
  assert.is(contents(cluster.rig('b')), contents(cluster.rig('a')));
  assert.is(contents(cluster.rig('c')), contents(cluster.rig('a')));
  assert.is(cluster.rig('b').database.size, cluster.rig('a').database.size);
});

test('writes on all nodes end up everywhere, in small pages too', () => {
  const cluster = new Cluster(['a', 'b', 'c'], {}, { records: 3, octets: 4_000 });
  for (const [name, rig] of cluster.rigs) {
    const client = Client.registered(rig);
    for (let i = 0; i < 8; i++) client.certificate([`${name}${i}.example.com`]);
  }
  cluster.run(12);
  const certificates = cluster.rig('a').select({ kind: 'certificate', limit: 100 });
  assert.is(certificates.length, 24);
  for (const rig of cluster.rigs.values()) assert.is(contents(rig), contents(cluster.rig('a')));
});

test('an idle cluster exchanges asks and empty pages, and persists nothing', () => {
  const cluster = new Cluster(['a', 'b']);
  Client.registered(cluster.rig('a')).certificate(['idle.example.com']);
  cluster.run(3);
  const persists = cluster.rig('b').effects.filter(({ kind }) => kind === 'persist').length;
  const before = cluster.messages;
  cluster.run(10);
  assert.is(cluster.rig('b').effects.filter(({ kind }) => kind === 'persist').length, persists);
  assert.ok(cluster.messages - before <= 2 * 2 * 14, `${cluster.messages - before} messages`);
});

test('an account made on one node can be used on another', () => {
  const cluster = new Cluster(['a', 'b']);
  const client = Client.registered(cluster.rig('a'));
  const order = client.order(['moved.example.com']).body;
  cluster.run(2);
  client.rig = cluster.rig('b');
  client.prove(order);
  assert.is(client.finalize(order).body['status'], 'valid');
  cluster.run(2);
  client.rig = cluster.rig('a');
  assert.is(
    client.post(path(order['finalize'].replace('/finalize', '')), undefined).body['status'],
    'valid',
  );
});

test('a node restored from a backup gets back what it lost, and numbers its events anew', () => {
  const cluster = new Cluster(['a', 'b']);
  const client = Client.registered(cluster.rig('a'));
  client.certificate(['kept.example.com']);
  const { database, facts } = cluster.rig('a');
  const backup = { database: new Map(database), facts: new Map(facts) };
  client.certificate(['later.example.com']);
  cluster.run(2);
  cluster.restart('a', backup);
  cluster.run(4);
  assert.is(cluster.rig('a').select({ kind: 'certificate', limit: 9 }).length, 2);
  client.rig = cluster.rig('a');
  client.certificate(['after.example.com']);
  const firstLife = new Map([...database.values()].map((row) => [dotOf(row), row.fields]));
  for (const row of cluster.rig('a').database.values()) {
    assert.equal(row.fields, firstLife.get(dotOf(row)) ?? row.fields, 'a dot has one content');
  }
  cluster.run(2);
  assert.is(contents(cluster.rig('a')), contents(cluster.rig('b')));
  const errors = [...cluster.rigs.values()].flatMap((rig) => {
    return rig.logs.filter(({ level }) => level === 'error');
  });
  assert.equal(errors, []);
});

test.run();
