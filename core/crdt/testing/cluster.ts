// Replicas in one process with a wire between them, for tests: messages lie in flight until the
// test delivers, copies or loses them; every commit is durable; time is the test's.
// Invariant: after any step `check` must hold of every node: what its vector covers it holds.
// Never here: what happens when; tests decide.

import * as assert from 'uvu/assert';
import { compareText, sameJson } from '../canonical.ts';
import { beginCount, count } from '../count.ts';
import { DAY_MS } from '../digest.ts';
import { changedFacts, replicaFrom } from '../facts.ts';
import { compare, type Fields } from '../merge.ts';
import { type Ask, askToJson, pageToJson, readAsk, readPage } from '../page.ts';
import { askOf, receive } from '../receive.ts';
import { type Json, keyText, type Record } from '../record.ts';
import {
  type Change,
  compareDay,
  emptyReplica,
  expire,
  horizonMs,
  type Outcome,
  pullEverything,
  purge,
  type ReplicaState,
  reincarnate,
  vectorOf,
  write,
} from '../replica.ts';
import { expiresMsOf, isDeletable, isTombstone } from '../schema.ts';
import { serve } from '../serve.ts';
import { settle } from '../settle.ts';
import { covers, dotText, type VersionVector } from '../version-vector.ts';
import type { View } from '../view.ts';
import { HASH } from './hash.ts';

export const TTL_MS = 2 * DAY_MS;

export type Message = { from: number; to: number; ask?: Json; page?: Json };

export interface Node {
  name: string;
  state: ReplicaState;
  records: Map<string, Record>;
  facts: Map<string, string>;
  known: Map<number, VersionVector>;
  backup: { records: Map<string, Record>; facts: Map<string, string> } | undefined;
}

export class Cluster {
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
        ranges.map(({ origin, afterSeq, limit: most = limit }) =>
          all
            .filter(({ dot }) => dot.origin === origin && dot.seq > afterSeq)
            .sort((a, b) => a.dot.seq - b.dot.seq)
            .slice(0, most),
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
    this.commit(node, write(node.state, HASH, [change]));
  }

  ask(from: number, to: number): void {
    this.wire.push({ from, to, ask: askToJson(askOf(this.nodes[from]!.state, `n${to}`)) });
  }

  push(from: number, to: number): void {
    const vector = this.nodes[from]!.known.get(to) ?? new Map();
    this.answer(from, to, {
      origin: null,
      vector,
      cursor: null,
      chain: '',
      listing: null,
      clockMs: 0,
    });
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
    let receipt = receive(node.state, this.view(node), HASH, peer, page, this.nowMs - DAY_MS);
    if (receipt.result === 'forgotten') {
      this.reached.add('forgotten');
      this.keep(node, reincarnate(node.state, `${node.name}.i${this.unique()}`));
      receipt = receive(node.state, this.view(node), HASH, peer, page, this.nowMs - DAY_MS);
    }
    assert.is.not(receipt.result, 'forgotten');
    assert.is.not(receipt.agrees, false, 'equal vectors, different contents');
    if (receipt.agrees) this.reached.add('agreed');
    if (receipt.remove.length > 0) this.reached.add('reconciled');
    if (receipt.put.some(({ dot }) => dot.origin === node.state.origin)) this.reached.add('joined');
    if (receipt.state.generation > node.state.generation) this.reached.add('late');
    this.commit(node, receipt);
  }

  /** Fetches everything, as after a divergence. */
  everything(from: number, to: number): void {
    const node = this.nodes[from]!;
    this.keep(node, pullEverything(node.state, `n${to}`));
    this.ask(from, to);
    this.deliver(this.wire.pop()!);
    this.deliver(this.wire.pop()!);
  }

  /** A restart from what is durable. */
  restart(node: Node, isSure: boolean): void {
    const boot = `boot${this.unique()}`;
    const state = replicaFrom(node.facts, boot) as ReplicaState;
    node.known.clear();
    node.state = state;
    this.keep(node, beginCount(state));
    if (!isSure) this.keep(node, reincarnate(node.state, `${node.name}.i${this.unique()}`));
  }

  /** What must hold of a node at any time. */
  check(node: Node): void {
    const vector = vectorOf(node.state);
    for (const record of node.records.values()) {
      const expiresMs = expiresMsOf(record) ?? Infinity;
      assert.ok(expiresMs >= horizonMs(node.state), `${record.id} is back`);
    }
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

/** A life alone: a write that no digest is kept of, and a start in the cluster. */
export function livesAlone(cluster: Cluster, node: Node, change: Change): void {
  cluster.commit(node, write(node.state, undefined, [change]));
  cluster.restart(node, false);
}

/** Counts two more records, where the digest lacks some. */
export function countAt(cluster: Cluster, node: Node): void {
  if (node.state.uncounted === null) return;
  cluster.commit(node, count(node.state, cluster.view(node), HASH, 2));
  if (node.state.uncounted === null) cluster.reached.add('counted');
}

/** Makes own events of what a vanished sender left behind. */
export function settleAt(cluster: Cluster, node: Node): void {
  if (node.state.ahead.size === 0) return;
  cluster.reached.add('settled');
  cluster.commit(node, settle(node.state, cluster.view(node), 2));
}

/** Purges tombstones that are old by the time of the cluster. */
export function purgeAt(cluster: Cluster, node: Node): void {
  const outcome = purge(node.state, [...node.records.values()], cluster.nowMs, TTL_MS);
  if (outcome.remove.length > 0) cluster.reached.add('purged');
  cluster.commit(node, outcome);
}

/** Lets go of orders that expired a day ago. */
export function expireAt(cluster: Cluster, node: Node): void {
  const state = expire(node.state, cluster.nowMs, DAY_MS);
  const remove = [...node.records.values()].filter((record) => {
    return (expiresMsOf(record) ?? Infinity) < horizonMs(state);
  });
  if (remove.length > 0) cluster.reached.add('expired');
  cluster.horizonMs = Math.max(cluster.horizonMs, horizonMs(state));
  cluster.commit(node, { state, put: [], remove });
}

/** Exchanges whole rounds until nothing changes. Returns how many it took. */
export function heal(cluster: Cluster, bound: number): number {
  cluster.wire.length = 0;
  for (const node of cluster.nodes) while (node.state.uncounted !== null) countAt(cluster, node);
  let stillRounds = 0;
  for (let round = 1; round <= bound; round++) {
    const before = cluster.nodes.map((node) => sketch(node)).join();
    const wasOpen = isFetching(cluster);
    for (const [from] of cluster.nodes.entries()) {
      for (const [to] of cluster.nodes.entries()) {
        if (from === to) continue;
        cluster.ask(from, to);
        cluster.deliver(cluster.wire.pop()!);
        cluster.deliver(cluster.wire.pop()!);
      }
    }
    const isOpen = isFetching(cluster);
    const isStill = cluster.nodes.map((node) => sketch(node)).join() === before;
    if (isStill && !wasOpen && !isOpen) return round;
    // Nothing new for some rounds, and still records that no vector speaks for: their sender is
    // gone.
    stillRounds = isStill ? stillRounds + 1 : 0;
    if (stillRounds >= 10) for (const node of cluster.nodes) settleAt(cluster, node);
  }
  return Infinity;
}

function isFetching(cluster: Cluster): boolean {
  return cluster.nodes.some(({ state }) => state.pulls.size + state.ahead.size > 0);
}

function sketch({ state, records }: Node): string {
  const dots = [...records.values()].map(({ dot }) => dotText(dot)).sort(compareText);
  return JSON.stringify([[...vectorOf(state)], [...state.ahead], dots]);
}

/** What is there for a client: neither expired anywhere nor deleted. */
export function alive(cluster: Cluster, node: Node): string[] {
  const horizon = Math.max(...cluster.nodes.map(({ state }) => compareDay(state))) * DAY_MS;
  return [...node.records.values()]
    .filter((record) => !isTombstone(record) && (expiresMsOf(record) ?? Infinity) >= horizon)
    .map((record) => `${keyText(record)} ${JSON.stringify(Object.entries(record.fields).sort())}`)
    .sort(compareText);
}
