import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { digestFrom } from '../crdt/digest.ts';
import { replicaFrom } from '../crdt/facts.ts';
import { first, last } from '../crdt/lattice.ts';
import { pageToJson } from '../crdt/page.ts';
import type { Record } from '../crdt/record.ts';
import type { ReplicaState } from '../crdt/replica.ts';
import { LIMITS } from '../limits.ts';
import { Client } from '../testing/client.ts';
import { Cluster, descriptorOf, urlOf } from '../testing/cluster.ts';
import { Rig } from '../testing/rig.ts';
import type { GossipOptions } from './cluster.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const PAGE = { records: 50, octets: 100_000 };

function replicaOf(rig: Rig): ReplicaState {
  const replica = replicaFrom(rig.facts, 'any');
  assert.ok(replica !== undefined && 'origin' in replica);
  return replica;
}

function marksOf(rig: Rig): readonly string[] {
  return rig.effects.flatMap((effect) => (effect.kind === 'mark' ? [effect.name] : []));
}

function gossipOf(node: string, peers: readonly string[]): GossipOptions {
  return {
    self: descriptorOf(node),
    peers: peers.map(urlOf),
    intervalMs: 1000,
    fanOut: 0,
    page: PAGE,
    digestKey: [1, 2, 3, 4],
  };
}

test('a node that lived alone has no digest, and counts its records when it joins a cluster', () => {
  const alone = new Rig({ node: 'a' });
  const client = Client.registered(alone);
  for (let i = 0; i < 4; i++) client.certificate([`n${i}.example.com`]);
  assert.is(replicaOf(alone).digest.sums.size, 0);
  const cluster = new Cluster(['a', 'b']);
  cluster.restart('a', { database: alone.database, facts: alone.facts });
  cluster.run(6);
  const [a, b] = ['a', 'b'].map((name) => cluster.rig(name)) as [Rig, Rig];
  assert.ok(marksOf(a).includes('records were counted'));
  assert.is(b.database.size, a.database.size);
  assert.is(digestFrom(replicaOf(a).digest, 0), digestFrom(replicaOf(b).digest, 0));
  assert.is.not(digestFrom(replicaOf(a).digest, 0), '0'.repeat(32));
  const errors = [a, b].flatMap(({ logs }) => logs.filter(({ level }) => level === 'error'));
  assert.equal(errors, []);
});

test('a count that is broken off begins anew, and counts what was written meanwhile once', () => {
  const alone = new Rig({ node: 'a' });
  const client = Client.registered(alone);
  for (let i = 0; i < 12; i++) {
    client.order(Array.from({ length: 60 }, (_, k) => `n${i}-${k}.example.com`));
  }
  assert.ok(alone.database.size > LIMITS.selectionPage, 'more than a page');
  const { database, facts } = alone;
  const first = new Rig({ node: 'a', database, facts, gossip: gossipOf('a', []), holds: hold(2) });
  first.advance(1000);
  assert.ok(first.held > 0 && replicaOf(first).uncounted !== null, 'half of it is counted');
  const second = new Rig({ node: 'a', database, facts: first.facts, gossip: gossipOf('a', []) });
  client.rig = second;
  client.order(['meanwhile.example.com']);
  second.advance(1000);
  client.order(['later.example.com']);
  assert.is(replicaOf(second).uncounted, null);
  const anew = new Rig({
    node: 'a',
    database,
    facts: uncounted(second),
    gossip: gossipOf('a', []),
  });
  anew.advance(1000);
  assert.is(digestFrom(replicaOf(anew).digest, 0), digestFrom(replicaOf(second).digest, 0));
});

/** Keeps back the loads of ranges from the n-th on. */
function hold(n: number): NonNullable<Rig['holds']> {
  let count = 0;
  return ({ ranges }) => ranges.length > 0 && ++count >= n;
}

function uncounted(rig: Rig): ReadonlyMap<string, string> {
  return new Map(rig.facts).set('replica/uncounted', '1');
}

const KEY = last(undefined, '000000000001-0000-gone', { jwk: {}, thumbprint: 't', spkiHash: 's' });

test('what a vanished node left in part becomes known to all, after a while', () => {
  const cluster = new Cluster(['a', 'b']);
  const a = cluster.rig('a');
  const ask = a.effects.findLast((effect) => effect.kind === 'ask');
  assert.ok(ask?.kind === 'ask');
  const account: Record = {
    kind: 'account',
    id: 'left-behind',
    fields: { made: first('000000000001-0000-gone', {}), status: 'valid', key: KEY },
    dot: { origin: 'gone.1', seq: 7 },
  };
  const none = { since: null, known: null, floor: new Map(), complete: null, listing: null };
  const cursor = { boot: 'x', generation: 0, bulk: new Map([['gone.1', 7]]), urgent: new Map() };
  const rest = { base: new Map(), chain: '', next: cursor, clockMs: 0, isEstablished: true };
  const push = pageToJson({ ...none, ...rest, records: [account] });
  a.submit({ kind: 'asked', exchange: 9999, from: 'gone', ask: ask.ask, push });
  a.outbox.length = 0;
  assert.ok(a.database.has('account/left-behind'));
  assert.is(replicaOf(a).ahead.get('gone.1'), 7);
  cluster.run(50);
  assert.is(replicaOf(a).ahead.get('gone.1'), 7, 'the node may only be slow');
  cluster.run(80);
  assert.is(replicaOf(a).ahead.size, 0);
  assert.ok(marksOf(a).includes('records were settled'));
  assert.equal(cluster.rig('b').record('account', 'left-behind').fields, account.fields);
});

test('tombstones are purged when they are old by all clocks, but never those of nodes', () => {
  const cluster = new Cluster(['a', 'b']);
  const b = cluster.rig('b');
  const origin = replicaOf(b).origin;
  const born = `${origin}:1`;
  const deleted = first(
    `${(b.now.wallMs - 7 * DAY_MS).toString(16).padStart(12, '0')}-0000-b`,
    true,
  );
  for (const kind of ['operator', 'node']) {
    const fields = { deleted, born };
    const record: Record = { kind, id: 'gone', fields, dot: { origin, seq: 1 } };
    b.database.set(`${kind}/gone`, record);
  }
  for (let hour = 0; hour < 7; hour++) {
    for (const rig of cluster.rigs.values()) rig.advance(HOUR_MS);
    cluster.run(2);
  }
  assert.not(b.database.has('operator/gone'));
  assert.ok(b.database.has('node/gone'));
  assert.ok(marksOf(b).includes('tombstones were purged'));
  assert.ok(replicaOf(b).floor.has(origin));
});

test('the log says once for each peer that all it had is here', () => {
  const cluster = new Cluster(['a', 'b']);
  Client.registered(cluster.rig('a')).certificate(['one.example.com']);
  cluster.run(2);
  cluster.restart('b', {});
  cluster.run(6);
  const lines = cluster.rig('b').logs.filter(({ message }) => message.startsWith('first-contact'));
  const counts = { accounts: 1, orders: 1, certificates: 1, authorizations: 1, cluster_nodes: 2 };
  assert.equal(
    lines.map(({ level, target, fields }) => ({ level, target, fields })),
    [{ level: 'info', target: 'gossip', fields: { peer: 'http://a', ...counts } }],
  );
});

test('a node with an empty database refuses what it may not know until it has met a peer', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.restart('b', {});
  const b = cluster.rig('b');
  assert.is(b.node.unready, 'no first contact with a peer yet');
  const post = { method: 'POST', contentType: 'application/jose+json', body: '{}' };
  const { response } = b.request({ ...post, target: '/acme/new-account' });
  assert.is(response?.status, 503);
  assert.match(response?.body as string, /"detail":"this node is not ready: no first contact/);
  assert.ok(response?.headers.some(([name]) => name === 'Retry-After'));
  const statusOf = (target: string): number | undefined => {
    return b.request({ method: 'GET', target, contentType: '', body: '' }).response?.status;
  };
  assert.is(statusOf('/acme/directory'), 200);
  assert.is(statusOf('/ca/crl'), 503, 'a list without what was revoked elsewhere');
  cluster.run(4);
  assert.is(statusOf('/ca/crl'), 200);
  assert.is(b.node.unready, undefined);
});

test('a node that has served before serves after two intervals, whoever is there', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.stop('a');
  const { database, facts } = cluster.rig('b');
  cluster.restart('b', { database, facts });
  cluster.run(1);
  assert.is(cluster.rig('b').node.unready, 'no peer was met since the start');
  cluster.run(2);
  assert.is(cluster.rig('b').node.unready, undefined);
});

test('to start again costs no entry in any vector, unless something was written since', () => {
  const policy = { eabKeys: new Map([['key-1', new Uint8Array(32).fill(1)]]) };
  const cluster = new Cluster(['a', 'b', 'c'], { policy });
  Client.registered(cluster.rig('a')).certificate(['idle.example.com']);
  cluster.run(4);
  const entries = (): readonly string[] => {
    return [...cluster.rig('b').facts.keys()].filter((name) => name.startsWith('replica/seen/'));
  };
  const before = entries();
  for (let round = 0; round < 4; round++) {
    for (const [name, { database, facts }] of [...cluster.rigs]) {
      cluster.restart(name, { database, facts: new Map(facts) });
      cluster.run(2);
    }
  }
  // The own origin of the first process is that of a stranger now.
  assert.ok(entries().length <= before.length + 1, `${before} and then ${entries()}`);
  assert.ok(cluster.rig('b').facts.get('replica/origin')!.length > 0);
  Client.registered(cluster.rig('c'));
  cluster.run(2);
  assert.ok(entries().length <= before.length + 2);
});

test.run();
