// One node of a small world as plain data: its replica and its records, and what can happen to it,
// by the production functions of the core. Each step is durable at once; what a crash between steps
// loses is a message, which the world can lose anyway.
// Invariant: nodes are values; equal content has the same id, so a step already taken is looked up.
// Never here: which steps are taken (exhaustive-world.ts).

import { nextIncarnation } from '../core/cluster/exchange.ts';
import { compareText } from '../core/crdt/canonical.ts';
import { keyedHash } from '../core/crdt/digest.ts';
import { changedFacts, replicaFrom } from '../core/crdt/facts.ts';
import { leqFields } from '../core/crdt/merge.ts';
import { askToJson, type Page, pageToJson, readAsk, readPage } from '../core/crdt/page.ts';
import { askOf, receive } from '../core/crdt/receive.ts';
import { type Json, keyText, type Record, type RecordKey } from '../core/crdt/record.ts';
import {
  type Change,
  emptyReplica,
  type Outcome,
  pullEverything,
  purge,
  type ReplicaState,
  reincarnate,
  write,
} from '../core/crdt/replica.ts';
import { isDeletable, isTombstone } from '../core/crdt/schema.ts';
import { serve } from '../core/crdt/serve.ts';
import { settle } from '../core/crdt/settle.ts';
import type { View } from '../core/crdt/view.ts';
import { cheapCrypto } from './crypto.ts';

export interface SmallNode {
  /** Equal nodes have equal ids. */
  readonly id: number;
  readonly replica: ReplicaState;
  readonly records: ReadonlyMap<string, Record>;
}

/** A message as it stands in the network; equal messages are the same object. */
export interface Letter {
  readonly id: number;
  readonly kind: 'ask' | 'page';
  readonly from: number;
  readonly to: number;
  readonly json: Json;
}

/** What a step of a node came to. */
export interface Taken {
  readonly node: SmallNode;
  /** New events of this node. */
  readonly events: readonly Record[];
  /** What is wrong with the step itself. */
  readonly wrong?: string;
}

/** The functions a node is made of; a test exchanges one for a defective one. */
export interface Engine {
  readonly serve: typeof serve;
  readonly receive: typeof receive;
  readonly write: typeof write;
  readonly reincarnate: typeof reincarnate;
  readonly purge: typeof purge;
}

export const SOUND: Engine = { serve, receive, write, reincarnate, purge };

const HASH = keyedHash([1, 2, 3, 4], cheapCrypto().primitives.sha256);
const OCTETS = 1_000_000;
/** Tombstones are purged as if this much time had passed. */
const LATER_MS = 2 ** 47;
const NOBODY = '-';

export class Nodes {
  readonly #engine: Engine;
  readonly #pageRecords: number;
  readonly #nodes = new Map<string, SmallNode>();
  readonly #letters = new Map<string, Letter>();
  readonly #taken = new Map<number, Map<number, Taken>>();
  readonly #pages = new WeakMap<Letter, Page>();

  constructor(engine: Engine, pageRecords: number) {
    this.#engine = engine;
    this.#pageRecords = pageRecords;
  }

  /** A node with a fresh database. */
  fresh(index: number): SmallNode {
    return this.#node(emptyReplica(`n${index}.0`, `b${index}-0`), new Map());
  }

  /** The process begins again, as its `start`-th, with what is durable. */
  restart(node: SmallNode, index: number, start: number): SmallNode {
    const facts = new Map<string, string>();
    for (const [name, value] of changedFacts(undefined, node.replica)) facts.set(name, value!);
    const replica = replicaFrom(facts, `b${index}-${start}`) as ReplicaState;
    const next = this.#engine.reincarnate(replica, nextIncarnation(replica));
    return this.#node(next, node.records);
  }

  write(node: SmallNode, change: Change): Taken {
    return this.#after(node, this.#engine.write(node.replica, HASH, [change]));
  }

  purge(node: SmallNode): SmallNode {
    const tombstones = [...node.records.values()].filter(isTombstone);
    return this.#after(node, this.#engine.purge(node.replica, tombstones, LATER_MS, 0)).node;
  }

  /** Makes own events of what no vector speaks for. */
  settle(node: SmallNode): Taken {
    if (node.replica.ahead.size === 0) return { node, events: [] };
    return this.#after(node, settle(node.replica, viewOf(node), 1000));
  }

  /** What `from` asks `to`. */
  ask(node: SmallNode, from: number, to: number): Letter {
    return this.#letter('ask', from, to, askToJson(askOf(node.replica, `n${to}`)));
  }

  /** What the node that an ask came to answers. */
  answer(node: SmallNode, { from, to, json }: Letter): Letter {
    const limits = { records: this.#pageRecords, octets: OCTETS };
    const page = this.#engine.serve(node.replica, viewOf(node), readAsk(json)!, limits);
    return this.#letter('page', to, from, pageToJson(page));
  }

  /** A page comes in, as `takePage` of the core takes one (core/cluster/exchange.ts). */
  take(node: SmallNode, letter: Letter): Taken {
    let known = this.#taken.get(node.id);
    if (known === undefined) this.#taken.set(node.id, (known = new Map()));
    let taken = known.get(letter.id);
    if (taken === undefined) known.set(letter.id, (taken = this.#take(node, letter)));
    return taken;
  }

  #take(node: SmallNode, letter: Letter): Taken {
    const peer = `n${letter.from}`;
    const page = this.#pageOf(letter);
    const receipt = this.#engine.receive(node.replica, viewOf(node), HASH, peer, page, 0);
    if (receipt.result === 'forgotten') {
      const wrong = 'a peer has seen own events that this process never made';
      return { node, events: [], wrong };
    }
    const taken = this.#after(node, receipt);
    if (receipt.agrees !== false) return taken;
    const healing = pullEverything(taken.node.replica, peer);
    const wrong = 'digests differ at equal vectors';
    return { ...taken, node: this.#node(healing, taken.node.records), wrong };
  }

  #pageOf(letter: Letter): Page {
    let page = this.#pages.get(letter);
    if (page === undefined) this.#pages.set(letter, (page = readPage(letter.json)!));
    return page;
  }

  #after(node: SmallNode, { state, put, remove }: Outcome): Taken {
    const records = new Map(node.records);
    let wrong: string | undefined;
    for (const record of put) {
      const before = records.get(keyText(record));
      if (before !== undefined && !leqFields(record.kind, before.fields, record.fields)) {
        wrong = `${keyText(record)} steps back`;
      }
      records.set(keyText(record), record);
    }
    for (const key of remove) {
      if (!isDeletable(key.kind)) wrong = `${keyText(key)} is removed`;
      records.delete(keyText(key));
    }
    const events = put.filter(({ dot }) => dot.origin === state.origin);
    const after = this.#node(state, records);
    return { node: after, events, ...(wrong !== undefined && { wrong }) };
  }

  #node(replica: ReplicaState, records: ReadonlyMap<string, Record>): SmallNode {
    const key = nodeText(replica, records);
    let node = this.#nodes.get(key);
    if (node === undefined) {
      node = { id: this.#nodes.size, replica, records };
      this.#nodes.set(key, node);
    }
    return node;
  }

  #letter(kind: Letter['kind'], from: number, to: number, json: Json): Letter {
    const key = `${kind} ${from} ${to} ${JSON.stringify(json)}`;
    let letter = this.#letters.get(key);
    if (letter === undefined) {
      letter = { id: this.#letters.size, kind, from, to, json };
      this.#letters.set(key, letter);
    }
    return letter;
  }
}

function viewOf({ records }: SmallNode): View {
  const sorted = (): Record[] => [...records.values()];
  return {
    load: (keys: readonly RecordKey[]) => keys.map((key) => records.get(keyText(key))),
    ranges: (ranges, limit) => {
      return ranges.map(({ origin, afterSeq, limit: most = limit }) => {
        const beyond = sorted().filter(({ dot }) => dot.origin === origin && dot.seq > afterSeq);
        return beyond.sort((a, b) => a.dot.seq - b.dot.seq).slice(0, most);
      });
    },
    deletables: (after, limit) => {
      const found = sorted().filter((record) => {
        return isDeletable(record.kind) && (after === null || order(after, record) < 0);
      });
      return found.sort(order).slice(0, limit);
    },
  };
}

function order(a: RecordKey, b: RecordKey): number {
  return compareText(a.kind, b.kind) || compareText(a.id, b.id);
}

/** Everything that can make a difference to what a node does next. */
function nodeText(replica: ReplicaState, records: ReadonlyMap<string, Record>): string {
  const { origin, seq, seen, floor, ahead, digest, peerDay, boot, generation, chains } = replica;
  const rows = [...records.values()].sort(order).map((record) => {
    return [record.kind, record.id, record.dot.origin, record.dot.seq, record.fields];
  });
  const pulls = [...replica.pulls].sort(([a], [b]) => compareText(a, b)).map(plain);
  const vectors = [seen, floor, ahead, digest.sums].map(sortedEntries);
  return JSON.stringify([
    [origin, seq, digest.horizonDay, peerDay, boot, generation, chains],
    vectors,
    pulls,
    rows,
  ]);
}

/** Maps inside written out. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return sortedEntries(value).map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value ?? NOBODY;
  return Object.entries(value).map(([name, member]) => [name, plain(member)]);
}

function sortedEntries(map: ReadonlyMap<unknown, unknown>): readonly (readonly unknown[])[] {
  return [...map].sort(([a], [b]) => compareText(String(a), String(b)));
}
