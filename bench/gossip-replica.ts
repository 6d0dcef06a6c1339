// A replica on an SQLite file with the real channel, and an exchange between two of them as nodes do
// it: the ask with what the peer seems to lack, the answer, and further asks while there is more.
// Invariant: everything that a message goes through on its way between two databases is gone
// through, but for HTTP and the node's own bookkeeping. Never here: when to measure.

import { hash, randomBytes } from 'node:crypto';
import type { KeyedHash } from '../core/crdt/digest.ts';
import { changedFacts, replicaFrom } from '../core/crdt/facts.ts';
import { askToJson, pageToJson, readAsk, readPage } from '../core/crdt/page.ts';
import { askOf, receive } from '../core/crdt/receive.ts';
import type { Json, Record, RecordKey } from '../core/crdt/record.ts';
import { type Outcome, type ReplicaState, reincarnate, vectorOf } from '../core/crdt/replica.ts';
import { DELETABLE } from '../core/crdt/schema.ts';
import { serve } from '../core/crdt/serve.ts';
import { coversAll } from '../core/crdt/version-vector.ts';
import type { View } from '../core/crdt/view.ts';
import type { Channel } from '../io/channel/channel.ts';
import { makeNodeKeys } from '../io/channel/node-keys.ts';
import { openChannel } from '../io/channel/open-channel.ts';
import { recordOf, rowOf } from '../io/store/row.ts';
import { SqliteDatabase } from '../io/store/sqlite-database.ts';
import { PAGE } from '../server/gossip/options.ts';

const LIMITS = {
  skewToleranceMs: 60_000,
  maxAgeMs: 60_000,
  sealedOctets: 64_000_000,
  inflatedOctets: 64_000_000,
};

/** What went over the wire, without HTTP around it. */
export interface Traffic {
  messages: number;
  octets: number;
}

export class GossipReplica {
  readonly channel: Channel;
  readonly #hash: KeyedHash;
  readonly #database: SqliteDatabase;
  #state: ReplicaState;

  private constructor(file: string, name: string, secret: Uint8Array, hash: KeyedHash) {
    this.#hash = hash;
    this.#database = new SqliteDatabase(file, {});
    const state = replicaFrom(new Map(this.#database.meta()), name);
    if (state === undefined || 'broken' in state) throw new Error(`${file} holds no replica`);
    const keys = makeNodeKeys(`http://${name}.test`, Date.now());
    this.#state = reincarnate(state, `${keys.descriptor.node}.${name}`);
    this.channel = openChannel({
      keys,
      clusterSecret: secret,
      nowMs: Date.now,
      limits: LIMITS,
    });
  }

  /** Two that hold the same, each in its own file, and know each other. */
  static openPair(
    files: readonly [string, string],
    hash: KeyedHash,
  ): readonly [GossipReplica, GossipReplica] {
    const secret = new Uint8Array(randomBytes(32));
    const a = new GossipReplica(files[0], 'aaaaaaaa', secret, hash);
    const b = new GossipReplica(files[1], 'bbbbbbbb', secret, hash);
    a.channel.members([b.channel.descriptor], []);
    b.channel.members([a.channel.descriptor], []);
    a.channel.heardBoot(b.channel.node, b.channel.boot);
    b.channel.heardBoot(a.channel.node, a.channel.boot);
    return [a, b];
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** Has seen events of so many origins in all, as a node of a cluster of that size has. */
  knowOrigins(count: number): void {
    const seen = new Map(this.#state.seen);
    for (let i = 0; seen.size < count; i++) {
      const text = hash('sha256', `origin ${i}`, 'base64url');
      seen.set(`${text.slice(0, 27)}.${hash('sha256', text, 'hex').slice(0, 8)}`, 1_000 + 37 * i);
    }
    this.#state = { ...this.#state, seen };
  }

  /** Own changes, durable on return. */
  put(state: ReplicaState, records: readonly Record[]): void {
    this.#store({ state, put: records, remove: [] });
  }

  /** Whether it has seen all that the other has. */
  covers(other: GossipReplica): boolean {
    return coversAll(vectorOf(this.#state), vectorOf(other.#state));
  }

  /** One round of this node with that peer. */
  async exchange(peer: GossipReplica, traffic: Traffic): Promise<void> {
    const lacks = !peer.covers(this);
    await this.#ask(peer, lacks ? this.#pushFor(peer) : null, traffic);
    while (!peer.covers(this)) await peer.#ask(this, null, traffic);
    while (!this.covers(peer)) await this.#ask(peer, null, traffic);
  }

  async close(): Promise<void> {
    await this.channel.close();
    this.#database.close();
  }

  async #ask(peer: GossipReplica, push: Json | null, traffic: Traffic): Promise<void> {
    const ask = askToJson(askOf(this.#state, peer.channel.node));
    const sent = await this.channel.sealAsk(peer.channel.node, ask, push);
    const asked = await peer.channel.openAsk(this.channel.node, sent.body);
    if (asked.push !== null) peer.#take(this, asked.push);
    const page = peer.#answer(asked.ask);
    const body = await peer.channel.sealAnswer(asked, page);
    this.#take(peer, await this.channel.openAnswer(sent, peer.channel.node, body));
    traffic.messages += 2;
    traffic.octets += sent.body.length + body.length;
  }

  #pushFor(peer: GossipReplica): Json {
    const vector = vectorOf(peer.#state);
    const ask = { origin: null, vector, cursor: null, chain: '', listing: null, clockMs: 0 };
    return pageToJson(serve(this.#state, this.#view, ask, PAGE));
  }

  #answer(json: Json): Json {
    const ask = readAsk(json);
    if (ask === undefined) throw new Error('the ask cannot be read');
    return pageToJson(serve(this.#state, this.#view, ask, PAGE));
  }

  #take(peer: GossipReplica, json: Json): void {
    const page = readPage(json);
    if (page === undefined) throw new Error('the page cannot be read');
    const receipt = receive(this.#state, this.#view, this.#hash, peer.channel.node, page, 0);
    if (receipt.agrees === false) throw new Error('the replicas have diverged');
    this.#store(receipt);
  }

  #store({ state, put, remove }: Outcome): void {
    const facts = changedFacts(this.#state, state);
    this.#state = state;
    if (put.length + remove.length + facts.size === 0) return;
    this.#database.commit({
      rows: put.flatMap(rowOf),
      forget: remove.flatMap(({ kind, id }) => [kind, id]),
      meta: [...facts].flat(),
    });
    this.#database.checkpointWhenDue();
  }

  get #view(): View {
    const database = this.#database;
    return {
      load: (keys: readonly RecordKey[]) => {
        const found = database.load(keys.flatMap(({ kind, id }) => [kind, id]));
        return found.map((row) => row && recordOf(...row));
      },
      ranges: (ranges, limit) =>
        ranges.map(({ origin, afterSeq, limit: most = limit }) => {
          return database.after(origin, afterSeq, most).map((row) => recordOf(...row));
        }),
      deletables: (after, limit) =>
        DELETABLE.flatMap((kind) => {
          const afterId = after?.kind === kind ? { afterId: after.id } : {};
          return database.select({ kind, ...afterId, limit }).map((row) => recordOf(...row));
        }).slice(0, limit),
    };
  }
}
