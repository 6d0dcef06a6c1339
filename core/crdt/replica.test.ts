// Several replicas exchange pages in any order, with loss, duplication, delay, restarts, restored
// backups, deletions and expiry. What must hold is checked after every step against the history of
// all events; then everything heals and all replicas must hold the same.

import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DAY_MS, digestFrom } from './digest.ts';
import { first, last } from './lattice.ts';
import { readPage } from './page.ts';
import type { Record } from './record.ts';
import {
  compareDay,
  deletion,
  dropPull,
  hasForgotten,
  horizonMs,
  pullEverything,
  vectorOf,
} from './replica.ts';
import { expiresMsOf, isDeletable, isTombstone } from './schema.ts';
import {
  alive,
  Cluster,
  countAt,
  expireAt,
  heal,
  livesAlone,
  type Node,
  purgeAt,
  settleAt,
} from './testing/cluster.ts';

type Step = readonly [op: keyof typeof OPS, a: number, b: number, c: number];

const OPS = {
  account: (cluster, node, b, c) => {
    // Both nodes may register the same key at the same time.
    const id = `a${b % 3}`;
    const before = node.records.get(`account/${id}`)?.fields;
    const at = cluster.stamp(node, c);
    cluster.put(node, 'account', id, {
      made: first(at, { nth: b }),
      status: ['valid', 'valid', 'deactivated', 'revoked'][c % 4]!,
      contact: last(before?.['contact'], at, [`mailto:${cluster.unique()}@example.org`]),
    });
  },
  order: (cluster, node, b, c) => {
    const at = cluster.stamp(node, c);
    const made = first(at, { expiresMs: cluster.nowMs + b * DAY_MS });
    cluster.put(node, 'order', `o${cluster.unique()}`, { made, status: 'pending' });
  },
  climb: (cluster, node, b, c) => {
    const orders = [...node.records.values()].filter(
      (record) => record.kind === 'order' && expiresMsOf(record)! >= horizonMs(node.state),
    );
    const order = orders[b % Math.max(1, orders.length)];
    if (order === undefined) return;
    const status = ['processing', 'invalid', 'valid', 'processing'][c % 4]!;
    const csr = first(cluster.stamp(node, c), cluster.unique());
    cluster.put(node, 'order', order.id, { ...order.fields, status, csr });
  },
  operator: (cluster, node, b, c) => {
    const at = cluster.stamp(node, c);
    const id = `p${cluster.unique()}`;
    cluster.put(node, ['operator', 'policy'][b % 2]!, id, { made: first(at, b), status: 'active' });
  },
  edit: (cluster, node, b, c) => {
    const live = liveDeletables(node);
    const record = live[b % Math.max(1, live.length)];
    if (record === undefined) return;
    const note = last(record.fields['note'], cluster.stamp(node, c), cluster.unique());
    cluster.put(node, record.kind, record.id, { note });
  },
  remove: (cluster, node, b, c) => {
    const live = liveDeletables(node);
    const record = live[b % Math.max(1, live.length)];
    if (record === undefined) return;
    cluster.put(node, record.kind, record.id, deletion(cluster.stamp(node, c)));
  },
  ask: (cluster, node, b) => {
    const [from, to] = pair(cluster, node, b);
    cluster.ask(from, to);
  },
  push: (cluster, node, b) => {
    const [from, to] = pair(cluster, node, b);
    cluster.push(from, to);
  },
  /** Any message in flight arrives; a copy of it may stay in flight. */
  deliver: (cluster, _node, b, c) => {
    if (cluster.wire.length === 0) return;
    const index = (b * 8 + c) % cluster.wire.length;
    const message = cluster.wire[index]!;
    if (c % 4 !== 0) cluster.wire.splice(index, 1);
    cluster.deliver(message);
  },
  /** One whole exchange at once. */
  exchange: (cluster, node, b) => {
    const [from, to] = pair(cluster, node, b);
    cluster.ask(from, to);
    cluster.deliver(cluster.wire.pop()!);
    cluster.deliver(cluster.wire.pop()!);
  },
  lose: (cluster, _node, b) => {
    cluster.wire.splice(b % Math.max(1, cluster.wire.length), 1);
  },
  restart: (cluster, node, b) => cluster.restart(node, b % 2 === 0),
  backup: (_cluster, node) => {
    node.backup = { records: new Map(node.records), facts: new Map(node.facts) };
  },
  restore: (cluster, node) => {
    if (node.backup === undefined) return;
    node.records = new Map(node.backup.records);
    node.facts = new Map(node.backup.facts);
    cluster.restart(node, false);
    cluster.reached.add('restored');
  },
  /**
   * A backup restored unnoticed: the first peer to know better says so before anything is merged.
   */
  rollback: (cluster, node, b) => {
    if (node.backup === undefined) return;
    node.records = new Map(node.backup.records);
    node.facts = new Map(node.backup.facts);
    cluster.restart(node, true);
    const [from, to] = pair(cluster, node, b);
    const isKnown = hasForgotten(node.state, vectorOf(cluster.nodes[to]!.state));
    if (!isKnown) return cluster.restart(node, false);
    cluster.ask(from, to);
    cluster.deliver(cluster.wire.pop()!);
    cluster.deliver(cluster.wire.pop()!);
  },
  days: (cluster, _node, b) => {
    cluster.nowMs += (b % 4) * DAY_MS;
  },
  purge: (cluster, node) => purgeAt(cluster, node),
  expire: (cluster, node) => expireAt(cluster, node),
  settle: (cluster, node) => settleAt(cluster, node),
  alone: (cluster, node, b, c) => {
    const accounts = [...node.records.values()].filter(({ kind }) => kind === 'account');
    const before = accounts[b % (accounts.length + 1)];
    const id = before?.id ?? `s${cluster.unique()}`;
    const contact = last(before?.fields['contact'], cluster.stamp(node, c), [`${b}`]);
    const fields = { ...before?.fields, contact };
    livesAlone(cluster, node, { kind: 'account', id, before, fields });
  },
  count: (cluster, node) => countAt(cluster, node),
  drop: (cluster, node, b) => {
    cluster.keep(node, dropPull(node.state, `n${b % cluster.nodes.length}`));
  },
  everything: (cluster, node, b) => {
    const [, to] = pair(cluster, node, b);
    cluster.keep(node, pullEverything(node.state, `n${to}`));
  },
} satisfies { [op: string]: (cluster: Cluster, node: Node, b: number, c: number) => void };

function liveDeletables(node: Node): Record[] {
  return [...node.records.values()].filter((record) => {
    return isDeletable(record.kind) && !isTombstone(record);
  });
}

function pair(cluster: Cluster, node: Node, b: number): [from: number, to: number] {
  const size = cluster.nodes.length;
  const from = cluster.nodes.indexOf(node);
  return [from, (from + 1 + (b % (size - 1))) % size];
}

function run(size: number, records: number, steps: readonly Step[]): Cluster {
  const cluster = new Cluster(size);
  cluster.limits = { records, octets: 100_000 };
  for (const [op, a, b, c] of steps) {
    OPS[op](cluster, cluster.nodes[a % size]!, b, c);
    for (const node of cluster.nodes) cluster.check(node);
  }
  assert.is.not(heal(cluster, 400), Infinity, 'the exchange comes to rest');
  for (const node of cluster.nodes) cluster.check(node);
  const [one, ...others] = cluster.nodes;
  const day = Math.max(...cluster.nodes.map(({ state }) => compareDay(state)));
  for (const other of others) {
    assert.equal(alive(cluster, other), alive(cluster, one!));
    assert.is(digestFrom(other.state.digest, day), digestFrom(one!.state.digest, day));
  }
  return cluster;
}

const OP_NAMES = Object.keys(OPS) as (keyof typeof OPS)[];
const WEIGHTED = [
  ...OP_NAMES,
  ...Array(6).fill('deliver'),
  'exchange',
  'exchange',
  'ask',
  'ask',
  'push',
];

const steps = fc.array(
  fc.tuple(fc.constantFrom(...(WEIGHTED as (keyof typeof OPS)[])), fc.nat(7), fc.nat(7), fc.nat(7)),
  { maxLength: 120, size: 'max' },
);

test('replicas never cover what they do not hold, and end up the same', () => {
  const reached = new Set<string>();
  const runs = Number(process.env['REPLICA_RUNS'] ?? 250);
  const seed = Number(process.env['REPLICA_SEED'] ?? 42);
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 4 }),
      fc.constantFrom(1, 2, 3, 50),
      steps,
      (n, size, list) => {
        for (const name of run(n, size, list).reached) reached.add(name);
      },
    ),
    { numRuns: runs, seed, includeErrorInReport: true },
  );
  const wanted = [
    'agreed',
    'counted',
    'expired',
    'forgotten',
    'joined',
    'late',
    'purged',
    'reconciled',
    'restored',
    'settled',
  ];
  assert.equal([...reached].sort(), wanted, 'every interesting thing has happened');
});

// Histories that were once enough to break one of the rules, kept as they were shrunk.
const HISTORIES: { readonly [why: string]: readonly [number, number, readonly Step[]] } = {
  'a tombstone is purged only by who has seen the birth of the record': [
    3,
    1,
    [
      ['operator', 1, 0, 0],
      ['account', 1, 0, 0],
      ['exchange', 2, 7, 0],
      ['remove', 5, 0, 0],
      ['days', 0, 2, 0],
      ['purge', 2, 0, 0],
    ],
  ],
  'a restored peer does not leave behind a floor that nobody can reach': [
    2,
    1,
    [
      ['backup', 3, 0, 0],
      ['operator', 0, 0, 0],
      ['exchange', 3, 0, 0],
      ['remove', 7, 0, 0],
      ['days', 0, 2, 0],
      ['purge', 3, 0, 0],
      ['exchange', 0, 0, 0],
      ['rollback', 3, 0, 0],
    ],
  ],
  'deleted records disappear when the vector moves, not before': [
    3,
    1,
    [
      ['operator', 2, 0, 0],
      ['exchange', 4, 0, 0],
      ['remove', 2, 0, 0],
      ['days', 0, 6, 0],
      ['purge', 5, 0, 0],
      ['push', 4, 3, 0],
      ['deliver', 0, 0, 0],
      ['everything', 0, 7, 0],
    ],
  ],
  'what a vanished incarnation left half sent is settled by who has it': [
    3,
    1,
    [
      ['backup', 0, 0, 0],
      ['account', 0, 1, 0],
      ['account', 0, 2, 0],
      ['push', 0, 0, 0],
      ['account', 0, 1, 0],
      ['exchange', 4, 3, 0],
      ['rollback', 0, 0, 0],
      ['deliver', 0, 0, 0],
    ],
  ],
  'an order that expired at one node and reached another late is no divergence': [
    3,
    1,
    [
      ['order', 0, 0, 0],
      ['days', 0, 2, 0],
      ['exchange', 4, 1, 0],
      ['expire', 4, 0, 0],
      ['exchange', 5, 3, 0],
    ],
  ],
};

for (const [why, [size, records, list]] of Object.entries(HISTORIES)) {
  test(why, () => {
    run(size, records, list);
  });
}

test('a returning node learns of a deletion whose tombstone is gone, and revives nothing', () => {
  const cluster = new Cluster(3);
  const [one, two, away] = cluster.nodes as [Node, Node, Node];
  OPS.operator(cluster, one, 0, 0);
  heal(cluster, 20);
  const [id] = [...away.records.keys()];
  OPS.remove(cluster, one, 0, 0);
  OPS.exchange(cluster, two, 1);
  // Away, an administrator edits the operator whom the others have deleted and forgotten.
  OPS.edit(cluster, away, 0, 0);
  cluster.nowMs += 10 * DAY_MS;
  for (const node of [one, two]) purgeAt(cluster, node);
  assert.is(one.records.size + two.records.size, 0);
  cluster.push(2, 0);
  cluster.deliver(cluster.wire.pop()!);
  assert.is(one.records.size, 0, 'a late edit does not resurrect');
  assert.is.not(heal(cluster, 20), Infinity);
  assert.not.ok(away.records.has(id!), 'the returning node has let go of it');
  assert.equal(alive(cluster, away), []);
});

test('writes made during a round are sent in the next, however idle the cluster is then', () => {
  const cluster = new Cluster(2);
  cluster.ask(1, 0);
  cluster.deliver(cluster.wire.pop()!);
  OPS.account(cluster, cluster.nodes[0]!, 1, 0);
  cluster.deliver(cluster.wire.pop()!);
  OPS.exchange(cluster, cluster.nodes[1]!, 0);
  assert.equal(alive(cluster, cluster.nodes[1]!), alive(cluster, cluster.nodes[0]!));
});

test('in sync nothing but vectors travels', () => {
  const cluster = new Cluster(3);
  for (let i = 0; i < 30; i++) OPS.account(cluster, cluster.nodes[i % 3]!, i, i);
  heal(cluster, 50);
  for (let from = 0; from < 3; from++) {
    cluster.ask(from, (from + 1) % 3);
    cluster.deliver(cluster.wire.pop()!);
    const page = readPage(cluster.wire.pop()!.page)!;
    assert.is(page.records.length, 0);
    assert.ok(page.complete !== null);
  }
});

test('revocations and accounts overtake a backlog of orders', () => {
  const cluster = new Cluster(2);
  const [one, two] = cluster.nodes as [Node, Node];
  OPS.order(cluster, one, 7, 0);
  OPS.exchange(cluster, two, 0);
  cluster.limits = { records: 20, octets: 100_000 };
  for (let i = 0; i < 35; i++) OPS.order(cluster, one, 7, 0);
  OPS.account(cluster, one, 1, 3);
  OPS.exchange(cluster, two, 0);
  assert.ok(two.records.has('account/a1'), 'the account was in the first of several pages');
  assert.is(vectorOf(two.state).get('n0.i0'), 1, 'and nothing counts as seen yet');
  assert.is.not(heal(cluster, 20), Infinity);
  assert.is(two.records.size, 37);
});

test('a newcomer is sent everything in order: it does nothing before it has all', () => {
  const cluster = new Cluster(2);
  const [one, two] = cluster.nodes as [Node, Node];
  cluster.limits = { records: 20, octets: 100_000 };
  for (let i = 0; i < 35; i++) OPS.order(cluster, one, 7, 0);
  OPS.account(cluster, one, 1, 3);
  OPS.exchange(cluster, two, 0);
  assert.not(two.records.has('account/a1'));
  assert.is(two.records.size, 20);
  assert.is.not(heal(cluster, 20), Infinity);
  assert.is(two.records.size, 36);
});

test('two nodes that catch up with each other page by page do not wait for each other', () => {
  const cluster = new Cluster(3);
  cluster.limits = { records: 3, octets: 100_000 };
  for (let i = 0; i < 90; i++) OPS.order(cluster, cluster.nodes[i % 3]!, 7, 0);
  const rounds = heal(cluster, 60);
  assert.ok(rounds < 40, `${rounds} rounds`);
});

test.run();
