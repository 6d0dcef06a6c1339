// What a node of a cluster does besides exchanges so that they can go on for ever: it counts what
// its digest lacks, settles what a vanished node left behind, and purges old tombstones.
// Invariant: each is a page of work that can be done twice without harm.
// Never here: when (cluster.ts), the mathematics (core/crdt).

import { count } from '../crdt/count.ts';
import type { Position } from '../crdt/page.ts';
import type { Record } from '../crdt/record.ts';
import { type Outcome, purge } from '../crdt/replica.ts';
import { isTombstone } from '../crdt/schema.ts';
import { settle } from '../crdt/settle.ts';
import type { Chore } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import { type Exchanging, viewOf } from './exchange.ts';

/** Adds one page of records to the digest. Returns the chore for the next one. */
export function countPage(tx: Transaction, { hash }: Exchanging, chore: Chore): Chore | undefined {
  const outcome = ofOneInstant(tx, () => {
    return count(tx.replica, viewOf(tx), hash, LIMITS.selectionPage);
  });
  if (outcome === undefined) return chore;
  tx.advance(outcome);
  if (outcome.state.uncounted !== null) return chore;
  tx.mark('records were counted');
  return undefined;
}

/** Makes own events of records from these origins, for which no vector speaks. */
export function settleStuck(tx: Transaction, origins: ReadonlySet<string>): void {
  const outcome = ofOneInstant(tx, () => {
    return settle(tx.replica, viewOf(tx), LIMITS.selectionPage, origins);
  });
  if (outcome === undefined) return;
  tx.advance(outcome);
  if (outcome.put.length > 0) tx.mark('records were settled');
}

/**
 * Purges one page of tombstones. Returns the chore for the next one. Removed nodes are remembered
 * for ever: their ids are refused.
 */
export function purgePage(tx: Transaction, ttlMs: number, chore: Chore): Chore | undefined {
  const rows = viewOf(tx).deletables(positionOf(chore.afterId), LIMITS.selectionPage);
  const old = rows.filter((row) => isTombstone(row) && row.kind !== 'node');
  // As they are by now: the rows are as old as their load.
  const tombstones = tx.records(old).filter((record): record is Record => record !== undefined);
  const outcome = purge(tx.replica, tombstones, chore.nowMs, ttlMs);
  if (outcome.remove.length > 0) {
    tx.advance(outcome);
    tx.mark('tombstones were purged');
  }
  const last = rows.length < LIMITS.selectionPage ? undefined : rows.at(-1);
  return last && { ...chore, afterId: `${last.kind} ${last.id}` };
}

/** Does it on rows that belong to the replica as it is now; undefined when it moves on too fast. */
function ofOneInstant(tx: Transaction, act: () => Outcome): Outcome | undefined {
  if (tx.instant !== tx.replica && !tx.forgetRows()) return undefined;
  return act();
}

function positionOf(text: string): Position {
  const [kind = '', id = ''] = text.split(' ');
  return text === '' ? null : { kind, id };
}
