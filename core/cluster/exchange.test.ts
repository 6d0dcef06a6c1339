import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stampMs } from '../crdt/hlc.ts';
import type { Record } from '../crdt/record.ts';
import { Client, path } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import type { Rig } from '../testing/rig.ts';

/** Without dots: one content can have two, where two nodes wrote the same. */
function contents(rig: Rig): string {
  const rows = [...rig.database.values()].map(({ kind, id, fields }) => [kind, id, fields]);
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

test('an idle cluster exchanges asks and empty pages, reads nothing and persists nothing', () => {
  const cluster = new Cluster(['a', 'b']);
  Client.registered(cluster.rig('a')).certificate(['idle.example.com']);
  cluster.run(3);
  const persists = cluster.rig('b').effects.filter(({ kind }) => kind === 'persist').length;
  const before = cluster.messages;
  const { loads } = cluster.rig('b');
  cluster.run(10);
  assert.is(cluster.rig('b').loads, loads);
  assert.is(cluster.rig('b').effects.filter(({ kind }) => kind === 'persist').length, persists);
  assert.ok(cluster.messages - before <= 2 * 2 * 14, `${cluster.messages - before} messages`);
});

test('a write is on every peer after one call each', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  const client = Client.registered(cluster.rig('a'));
  cluster.run(3);
  const before = cluster.messages;
  client.order(['pushed.example.com']);
  cluster.pass(40);
  for (const name of ['b', 'c']) {
    assert.is(contents(cluster.rig(name)), contents(cluster.rig('a')), name);
  }
  assert.is(cluster.messages - before, 4, 'an ask and an answer for each peer');
  const handed = (): number => {
    return [...cluster.rigs.values()].flatMap(({ effects }) => {
      return effects.filter((effect) => effect.kind === 'ask' && effect.push !== null);
    }).length;
  };
  const once = handed();
  cluster.run(3);
  assert.is(handed(), once, 'and nobody passes on what all have');
});

test('first contact, rounds and fetches are sealed in full; what is told between them is brief', () => {
  const cluster = new Cluster(['a', 'b'], {}, { records: 2, octets: 4_000 });
  const [a, b] = [cluster.rig('a'), cluster.rig('b')];
  /** Since the last time: for each ask whether it was brief. */
  const asks = (rig: Rig): readonly boolean[] => {
    return rig.effects.splice(0).flatMap((each) => (each.kind === 'ask' ? [each.isBrief] : []));
  };
  cluster.run(1);
  assert.equal([...new Set([...asks(a), ...asks(b)])], [false], 'nothing was heard before');
  Client.registered(a);
  cluster.pass(40);
  assert.equal(
    [asks(a), asks(b)],
    [[true, true], []],
    'who knows the key; and that it was written',
  );
  for (let i = 0; i < 8; i++) Client.registered(a).order([`n${i}.example.com`]);
  cluster.pass(40);
  assert.is(asks(a)[0], true);
  const fetched = asks(b);
  assert.ok(fetched.length > 1 && fetched.slice(1).every((isBrief) => !isBrief), `${fetched}`);
  cluster.run(1);
  for (const rig of [a, b]) asks(rig);
  cluster.run(1);
  assert.equal([...new Set([...asks(a), ...asks(b)])], [false], 'its turn came');
});

test('what is handed over in many small pages arrives, and an ask under way is not disturbed', () => {
  const cluster = new Cluster(['a', 'b'], {}, { records: 2, octets: 4_000 });
  const client = Client.registered(cluster.rig('a'));
  const other = Client.registered(cluster.rig('b'));
  cluster.run(4);
  for (let i = 0; i < 6; i++) {
    client.certificate([`x${i}.example.com`]);
    other.certificate([`y${i}.example.com`]);
  }
  cluster.pass(40);
  assert.is(contents(cluster.rig('b')), contents(cluster.rig('a')));
  assert.is(cluster.rig('a').select({ kind: 'certificate', limit: 50 }).length, 12);
});

test('a peer that is thought to have seen more than it has gets everything all the same', () => {
  const cluster = new Cluster(['a', 'b']);
  const client = Client.registered(cluster.rig('a'));
  const { database, facts } = cluster.rig('b');
  const backup = { database: new Map(database), facts: new Map(facts) };
  client.order(['before.example.com']);
  cluster.run(2);
  cluster.restart('b', backup);
  client.order(['after.example.com']);
  cluster.pass(60);
  assert.is(contents(cluster.rig('b')), contents(cluster.rig('a')));
});

test('a page that is handed over malformed is refused with its ask', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(2);
  const rig = cluster.rig('b');
  cluster.rig('a').advance(2000);
  const ask = cluster.rig('a').outbox.find(({ kind }) => kind === 'ask')!;
  assert.ok(ask.kind === 'ask');
  rig.outbox.length = 0;
  const asked = { kind: 'asked', exchange: 9999, from: 'a', ask: ask.ask } as const;
  rig.submit({ ...asked, push: { records: [] } });
  assert.equal(rig.outbox, []);
  rig.submit({ ...asked, push: null });
  assert.is(rig.outbox.length, 1);
});

/** The stamp of an order that `a` makes after it has heard of one that `b`, so far ahead, made. */
function stampAfter(aheadMs: number): number {
  const cluster = new Cluster(['a', 'b']);
  const [a, b] = [cluster.rig('a'), cluster.rig('b')];
  b.now = { ...b.now, wallMs: a.now.wallMs + aheadMs };
  const client = Client.registered(b);
  cluster.run(2);
  client.rig = a;
  const order = client.order(['later.example.com']).body;
  const id = String(order['finalize']).split('/').at(-2)!;
  const made = a.record('order', id).fields['made'] as { readonly at: string };
  return stampMs(made.at) - a.now.wallMs;
}

test('a clock does not follow a stamp beyond the tolerance', () => {
  assert.is(stampAfter(8 * 86_400_000), 0);
});

test('what is written after something was heard of has the later stamp', () => {
  assert.ok(stampAfter(86_400_000) >= 86_400_000 - 5_000);
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
