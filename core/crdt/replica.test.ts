// Several replicas exchange pages in any order, with loss, duplication, delay, restarts, restored
// backups, deletions and expiry. What must hold is checked after every step against the history of
// all events; then everything heals and all replicas must hold the same.

import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareText, sameJson } from './canonical.ts';
import { DAY_MS, type DigestKey, digestFrom } from './digest.ts';
import { changedFacts, replicaFrom } from './facts.ts';
import { first, last } from './lattice.ts';
import { compare, type Fields } from './merge.ts';
import { type Ask, askToJson, pageToJson, readAsk, readPage } from './page.ts';
import { askOf, receive } from './receive.ts';
import { type Json, keyText, type Record } from './record.ts';
import {
  compareDay,
  deletion,
  dropPull,
  emptyReplica,
  expire,
  hasForgotten,
  horizonMs,
  type Outcome,
  pullEverything,
  purge,
  type ReplicaState,
  reincarnate,
  vectorOf,
  write,
} from './replica.ts';
import { expiresMsOf, isDeletable, isTombstone } from './schema.ts';
import { serve } from './serve.ts';
import { settle } from './settle.ts';
import { covers, dotText, type VersionVector } from './version-vector.ts';
import type { View } from './view.ts';

const KEY: DigestKey = [1, 2, 3, 4];
const TTL_MS = 2 * DAY_MS;

type Message = { from: number; to: number; ask?: Json; page?: Json };

interface Node {
  name: string;
  state: ReplicaState;
  records: Map<string, Record>;
  facts: Map<string, string>;
  known: Map<number, VersionVector>;
  backup: { records: Map<string, Record>; facts: Map<string, string> } | undefined;
}

class Cluster {
  readonly nodes: Node[];
  readonly wire: Message[] = [];
  /** Every event there ever was, by its dot. */
  readonly history = new Map<string, Record>();
  readonly deleted = new Set<string>();
  readonly reached = new Set<string>();
  limits = { records: 2, octets: 100_000 };
  nowMs = 100 * DAY_MS;
  /** The furthest that any node has ever let orders expire. */
  horizonMs = 0;
  #serial = 0;

  constructor(size: number) {
    this.nodes = Array.from({ length: size }, (_, i) => {
      const state = emptyReplica(`n${i}.i0`, `boot${i}`);
      const facts = new Map<string, string>();
      for (const [name, value] of changedFacts(undefined, state)) facts.set(name, value!);
      return {
        name: `n${i}`,
        state,
        facts,
        records: new Map(),
        known: new Map(),
        backup: undefined,
      };
    });
  }

  unique(): number {
    return ++this.#serial;
  }

  stamp(node: Node, skew: number): string {
    const ms = (this.nowMs + (skew - 3) * 1000).toString(16).padStart(12, '0');
    return `${ms}-${this.unique().toString(16).padStart(4, '0')}-${node.name}`;
  }

  view(node: Node): View {
    const all = [...node.records.values()];
    return {
      load: (keys) => keys.map((key) => node.records.get(keyText(key))),
      ranges: (ranges, limit) =>
        ranges.map(({ origin, afterSeq }) =>
          all
            .filter(({ dot }) => dot.origin === origin && dot.seq > afterSeq)
            .sort((a, b) => a.dot.seq - b.dot.seq)
            .slice(0, limit),
        ),
      deletables: (after, limit) =>
        all
          .filter(({ kind }) => isDeletable(kind))
          .sort((a, b) => compareText(a.kind, b.kind) || compareText(a.id, b.id))
          .filter(
            ({ kind, id }) =>
              after === null || (compareText(kind, after.kind) || compareText(id, after.id)) > 0,
          )
          .slice(0, limit),
    };
  }

  /** Makes an outcome durable, as one transaction would. */
  commit(node: Node, outcome: Outcome): void {
    for (const record of outcome.put) {
      const dot = dotText(record.dot);
      const event = this.history.get(dot);
      assert.ok(event === undefined || sameJson(event.fields, record.fields), `${dot} used twice`);
      this.history.set(dot, record);
      if (isTombstone(record)) this.deleted.add(keyText(record));
      node.records.set(keyText(record), record);
    }
    for (const key of outcome.remove) node.records.delete(keyText(key));
    for (const [name, value] of changedFacts(node.state, outcome.state)) {
      if (value === null) node.facts.delete(name);
      else node.facts.set(name, value);
    }
    node.state = outcome.state;
  }

  keep(node: Node, state: ReplicaState): void {
    this.commit(node, { state, put: [], remove: [] });
  }

  put(node: Node, kind: string, id: string, fields: Fields): void {
    const before = node.records.get(`${kind}/${id}`);
    const change = { kind, id, before, fields: { ...before?.fields, ...fields } };
    this.commit(node, write(node.state, KEY, [change]));
  }

  ask(from: number, to: number): void {
    this.wire.push({ from, to, ask: askToJson(askOf(this.nodes[from]!.state, `n${to}`)) });
  }

  push(from: number, to: number): void {
    const vector = this.nodes[from]!.known.get(to) ?? new Map();
    this.answer(from, to, { origin: null, vector, cursor: null, chain: '', listing: null });
  }

  answer(from: number, to: number, ask: Ask): void {
    const node = this.nodes[from]!;
    node.known.set(to, ask.vector);
    const page = serve(node.state, this.view(node), ask, this.limits);
    this.wire.push({ from, to, page: pageToJson(page) });
  }

  deliver(message: Message): void {
    const node = this.nodes[message.to]!;
    if (message.ask !== undefined) {
      this.answer(message.to, message.from, readAsk(JSON.parse(JSON.stringify(message.ask)))!);
      return;
    }
    const page = readPage(JSON.parse(JSON.stringify(message.page)));
    assert.ok(page !== undefined, 'an honest page is readable');
    const peer = `n${message.from}`;
    let receipt = receive(node.state, this.view(node), KEY, peer, page);
    if (receipt.result === 'forgotten') {
      this.reached.add('forgotten');
      this.keep(node, reincarnate(node.state, `${node.name}.i${this.unique()}`));
      receipt = receive(node.state, this.view(node), KEY, peer, page);
    }
    assert.is.not(receipt.result, 'forgotten');
    assert.is.not(receipt.agrees, false, 'equal vectors, different contents');
    if (receipt.agrees) this.reached.add('agreed');
    if (receipt.remove.length > 0) this.reached.add('reconciled');
    if (receipt.put.some(({ dot }) => dot.origin === node.state.origin)) this.reached.add('joined');
    if (receipt.state.generation > node.state.generation) this.reached.add('late');
    this.commit(node, receipt);
  }

  /** A restart from what is durable. */
  restart(node: Node, isSure: boolean): void {
    const boot = `boot${this.unique()}`;
    const state = replicaFrom(node.facts, boot) as ReplicaState;
    node.known.clear();
    node.state = state;
    if (!isSure) this.keep(node, reincarnate(state, `${node.name}.i${this.unique()}`));
  }

  /** What must hold of a node at any time. */
  check(node: Node): void {
    const vector = vectorOf(node.state);
    for (const event of this.history.values()) {
      if (!covers(vector, event.dot)) continue;
      // What has expired somewhere may have been let go with what was written to it last.
      if ((expiresMsOf(event) ?? Infinity) < this.horizonMs) continue;
      const held = node.records.get(keyText(event));
      if (held === undefined) {
        const isDeleted = this.deleted.has(keyText(event));
        assert.ok(isDeleted, `${node.name} covers ${dotText(event.dot)} and lacks it`);
      } else if (!isTombstone(held)) {
        const relation = compare(event.kind, event.fields, held.fields);
        const isHeld = relation === 'equal' || relation === 'less';
        assert.ok(isHeld, `${node.name} covers ${dotText(event.dot)} and holds less`);
      }
    }
  }
}

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
    cluster.put(node, ['operator', 'eab'][b % 2]!, id, { made: first(at, b), status: 'active' });
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
  /** A backup restored unnoticed: the first peer to know better says so before anything is merged. */
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
  purge: (cluster, node) => {
    const outcome = purge(node.state, [...node.records.values()], cluster.nowMs, TTL_MS);
    if (outcome.remove.length > 0) cluster.reached.add('purged');
    cluster.commit(node, outcome);
  },
  expire: (cluster, node) => {
    const state = expire(node.state, cluster.nowMs, DAY_MS);
    const remove = [...node.records.values()].filter((record) => {
      return (expiresMsOf(record) ?? Infinity) < horizonMs(state);
    });
    if (remove.length > 0) cluster.reached.add('expired');
    cluster.horizonMs = Math.max(cluster.horizonMs, horizonMs(state));
    cluster.commit(node, { state, put: [], remove });
  },
  settle: (cluster, node) => {
    if (node.state.ahead.size === 0) return;
    cluster.reached.add('settled');
    cluster.commit(node, settle(node.state, cluster.view(node), 2));
  },
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

/** Exchanges whole rounds until nothing changes. Returns how many it took. */
function heal(cluster: Cluster, bound: number): number {
  cluster.wire.length = 0;
  for (let round = 1; round <= bound; round++) {
    const before = cluster.nodes.map((node) => sketch(node)).join();
    for (const [from] of cluster.nodes.entries()) {
      for (const [to] of cluster.nodes.entries()) {
        if (from === to) continue;
        cluster.ask(from, to);
        cluster.deliver(cluster.wire.pop()!);
        cluster.deliver(cluster.wire.pop()!);
      }
    }
    for (const node of cluster.nodes) if (round % 3 === 0) OPS.settle(cluster, node);
    const isOpen = cluster.nodes.some(({ state }) => state.pulls.size + state.ahead.size > 0);
    if (!isOpen && cluster.nodes.map((node) => sketch(node)).join() === before) return round;
  }
  return Infinity;
}

function sketch(node: Node): string {
  const { state } = node;
  return JSON.stringify([...vectorOf(state), ...state.ahead, state.pulls.size]);
}

/** What is there for a client: neither expired anywhere nor deleted. */
function alive(cluster: Cluster, node: Node): string[] {
  const horizon = Math.max(...cluster.nodes.map(({ state }) => compareDay(state))) * DAY_MS;
  return [...node.records.values()]
    .filter((record) => !isTombstone(record) && (expiresMsOf(record) ?? Infinity) >= horizon)
    .map((record) => `${keyText(record)} ${JSON.stringify(Object.entries(record.fields).sort())}`)
    .sort(compareText);
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

test.run();
