// Anti-entropy as the node does it: answering a peer's ask with a page, taking in a page, and what
// follows from either. Invariant: an answer is made of one instant: the replica state and the rows
// belong together. Never here: when to ask (rounds.ts), the mathematics (core/crdt).

import type { Selection } from '../crdt/columns.ts';
import type { DigestKey } from '../crdt/digest.ts';
import { pageToJson, readAsk, readPage } from '../crdt/page.ts';
import { receive } from '../crdt/receive.ts';
import type { Json, Record } from '../crdt/record.ts';
import { pullEverything, type ReplicaState, reincarnate, vectorOf } from '../crdt/replica.ts';
import { DELETABLE } from '../crdt/schema.ts';
import { type PageLimits, serve } from '../crdt/serve.ts';
import { coversAll } from '../crdt/version-vector.ts';
import type { View } from '../crdt/view.ts';
import type { Transaction } from '../transaction.ts';

export interface ExchangeOptions {
  readonly digestKey: DigestKey;
  readonly page: PageLimits;
}

/** What to do with a peer next: ask it at once, wait for the next round, or leave it alone. */
export type FollowUp = 'ask' | 'rest' | 'refuse';

/** Answers a peer's ask. `ask` when the peer has seen what we have not. */
export function answerAsk(
  tx: Transaction,
  options: ExchangeOptions,
  exchange: number,
  json: Json,
): FollowUp {
  const ask = readAsk(json);
  if (ask === undefined) return 'refuse';
  const page = serve(tx.instant, viewOf(tx), ask, options.page);
  tx.emit({ kind: 'tell', exchange, page: pageToJson(page) });
  return coversAll(vectorOf(tx.replica), ask.vector) ? 'rest' : 'ask';
}

/** Takes in the page a peer answered with. */
export function takePage(
  tx: Transaction,
  options: ExchangeOptions,
  peer: string,
  json: Json,
): FollowUp {
  const page = readPage(json);
  if (page === undefined) return 'refuse';
  // Own rows that a listing is compared with must be of this very instant. Where writes never pause
  // long enough for that, the page is left alone: the next round brings it again.
  if (page.listing !== null && tx.instant !== tx.replica) {
    if (!tx.forgetRows()) return 'rest';
  }
  const receipt = receive(tx.replica, viewOf(tx), options.digestKey, peer, page);
  if (receipt.result === 'forgotten') {
    const origin = nextIncarnation(tx.replica);
    tx.advance({ state: reincarnate(tx.replica, origin), put: [], remove: [] });
    tx.mark('a new incarnation was taken');
    tx.log('warn', 'gossip', 'this database has forgotten events; taking a new incarnation', {
      peer,
      origin,
    });
    return 'ask';
  }
  tx.advance(receipt);
  if (receipt.put.length > 0) tx.mark('records merged from a peer');
  const isOwn = ({ dot }: Record): boolean => dot.origin === tx.replica.origin;
  if (receipt.put.some(isOwn)) tx.mark('concurrent versions were joined');
  if (receipt.result === 'merged') tx.mark('a page was not the last');
  if (receipt.result === 'merged') return page.next === null ? 'rest' : 'ask';
  if (receipt.agrees !== false) return 'rest';
  tx.mark('a divergence was noticed');
  tx.log('error', 'gossip', 'digests differ at equal vectors; reconciling in full', { peer });
  tx.advance({ ...receipt, state: pullEverything(receipt.state, peer) });
  // At the next round and not at once: if that does not heal it, the log and not the network fills.
  return 'rest';
}

/**
 * The same node under a new name; its old events become those of a stranger. The name comes from
 * the process and not from a count: a backup that is restored twice would count to the same.
 */
export function nextIncarnation({ origin, seen, boot }: ReplicaState): string {
  const name = `${origin.slice(0, origin.lastIndexOf('.'))}.${boot}`;
  let next = name;
  for (let n = 2; next === origin || seen.has(next); n++) next = `${name}-${n}`;
  return next;
}

function viewOf(tx: Transaction): View {
  return {
    load: (keys) => tx.records(keys),
    ranges: (ranges, limit) => tx.ranges(ranges.map((range) => ({ ...range, limit }))),
    deletables: (after, limit) => {
      const kinds = DELETABLE.filter((kind) => after === null || kind >= after.kind);
      const selections = kinds.map((kind): Selection => {
        return { kind, ...(after?.kind === kind && { afterId: after.id }), limit };
      });
      tx.need([], selections);
      return selections.flatMap((selection) => tx.select(selection)).slice(0, limit);
    },
  };
}
