// When a revocation list is made and which number it gets (RFC 5280 §5): a new one when something
// was revoked since the last, or when half its life is over, at the moment somebody asks.
//
// The number of a list is a counter followed by 32 bits that name its maker (§5.2.3). The counter
// is replicated, and a new list's is above every one the node knows of: so at each node, and from
// any list to one that was made in knowledge of it, numbers grow. Nodes that do not know of each
// other's lists, for a moment or in a partition, can order one with the same counter; the numbers
// differ all the same, and either list holds what its maker knew to be revoked. Once they have met
// the next list, at whichever node, has a greater number than both and all entries of both.
//
// Invariant: the number of a list is durable before the list is seen, and only grows.
// Never here: DER, the entries.

import { LIMITS } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import { answer, type Outcome, waitFor } from './answer.ts';
import type { Call } from './call.ts';
import { type CaPolicy, caById, issuingCa } from './policy.ts';
import { problem } from './problem.ts';
import type { RevocationLists } from './revocation-lists.ts';

/** GET /ca/crl: a list that was ordered after everything the asker may have seen. */
export function revocationList({ tx, policy, lists, ids }: Call): Outcome {
  const ca = ids[0] === undefined ? issuingCa(policy) : caById(policy, ids[0]);
  if (ca === undefined) {
    throw problem('malformed', 'there is no such CA', { status: 404, mayBeStale: false });
  }
  const list = lists.current(ca.id);
  const isFresh = list !== undefined && !list.stale && tx.now.wallMs < list.renewAtMs;
  const awaited = tx.memory.note as number | undefined;
  const isGood = isFresh || (awaited !== undefined && list !== undefined && list.number >= awaited);
  if (isGood && list.der !== undefined) {
    return answer(200, { body: list.der, contentType: 'application/pkix-crl' });
  }
  if (tx.memory.waited) {
    throw problem('serverInternal', 'the revocation list is not ready yet', { status: 503 });
  }
  // One list at a time: a newer one begun now would take away what earlier askers wait for.
  const isUnderWay = list !== undefined && list.der === undefined;
  if (!isGood && !isUnderWay) order(tx, ca, lists);
  if (isGood || !isUnderWay) tx.memory.note = lists.current(ca.id)!.number;
  return waitFor('crl', ca.id, LIMITS.finalizeWaitMs);
}

/** Takes in a list that was signed, and wakes who waits for it. */
export function concludeList(
  tx: Transaction,
  lists: RevocationLists,
  ca: string,
  number: number,
  der: Uint8Array,
): void {
  lists.finish(ca, number, der);
  tx.notify({ kind: 'crl', id: ca });
}

function order(tx: Transaction, ca: CaPolicy, lists: RevocationLists): void {
  const before = tx.get('crl', ca.id)?.fields['number'];
  // Unix seconds survive a lost database.
  const next = Math.max(Number(before ?? 0) + 1, Math.floor(tx.now.wallMs / 1000));
  const number = Math.min(next, Number.MAX_SAFE_INTEGER);
  const thisUpdateMs = tx.now.wallMs;
  tx.put('crl', ca.id, { number });
  lists.begin(ca.id, number, thisUpdateMs + Math.floor(ca.crlNextUpdateMs / 2));
  tx.emit({
    kind: 'build-crl',
    ca: ca.id,
    number,
    tag: tagOf(tx),
    thisUpdateMs,
    nextUpdateMs: thisUpdateMs + ca.crlNextUpdateMs,
  });
}

/** 32 bits of the origin, which is this process: not even a copy of this database has them. */
function tagOf({ primitives, replica }: Transaction): number {
  const octets = primitives.sha256(`crl number/${replica.origin}`).subarray(0, 4);
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}
