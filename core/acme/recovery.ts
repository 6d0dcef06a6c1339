// Chores a node gives itself, a page at a time: after a start it takes up again what was under way
// (probes, issuance) and learns which authorizations can be reused; now and then it removes what
// expired. Invariant: a chore can be done twice without harm. Never here: scheduling.

import { assert } from '../assert.ts';
import type { Selection } from '../crdt/columns.ts';
import type { Record, RecordKey } from '../crdt/record.ts';
import { expire, horizonMs } from '../crdt/replica.ts';
import type { Chore } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import type { Held } from './call.ts';
import { validateAgain } from './challenge.ts';
import { issueRequest } from './finalize.ts';
import { authorizationMade } from './records.ts';

/** Done once after a start, in this order. */
export const START_CHORES = ['revalidate', 'reissue', 'index'] as const;
/** Done at every sweep. */
export const SWEEP_CHORES = ['sweep-order', 'sweep-authorization'] as const;

interface Work {
  readonly select: (tx: Transaction, nowMs: number) => Omit<Selection, 'limit' | 'afterId'>;
  readonly limit: number;
  /** What `each` reads besides: made warm for the whole page at once, not record by record. */
  readonly needs: (record: Record) => readonly RecordKey[];
  readonly each: (tx: Transaction, held: Held, record: Record) => void;
}

const sweep = (kind: 'order' | 'authorization'): Work => ({
  select: (tx, nowMs) => ({ kind, expiresBeforeMs: sweepHorizonMs(tx, nowMs) }),
  limit: LIMITS.selectionPage,
  needs: () => [],
  each: (tx, _, { id }) => tx.forget({ kind, id }),
});

const WORK: { readonly [C in Exclude<Chore['chore'], 'members' | 'announce'>]: Work } = {
  revalidate: {
    select: () => ({ kind: 'authorization', state: 'processing' }),
    limit: LIMITS.selectionPage,
    needs: (record) => [{ kind: 'account', id: authorizationMade(record).account }],
    // A probe of another node is that node's: its answer may be withdrawn by the time we look.
    each: (tx, { policy }, record) => {
      if (isOwn(tx, record)) validateAgain(tx, policy, record);
    },
  },
  reissue: {
    select: () => ({ kind: 'order', state: 'processing' }),
    limit: LIMITS.selectionPage,
    needs: () => [],
    each: (tx, _, order) => tx.emit({ kind: 'issue', request: issueRequest(order) }),
  },
  index: {
    select: (_, nowMs) => ({ kind: 'authorization', state: 'valid', expiresAfterMs: nowMs }),
    limit: LIMITS.selectionPage,
    needs: () => [],
    each: (tx, { reusable }, record) => reusable.observe(record, tx.now.wallMs),
  },
  'sweep-order': sweep('order'),
  'sweep-authorization': sweep('authorization'),
};

/** Does one page. Returns the chore for the next one, or undefined when this was the last. */
export function doChore(tx: Transaction, held: Held, chore: Chore): Chore | undefined {
  assert(chore.chore !== 'members' && chore.chore !== 'announce', 'a chore of the cluster');
  const { select, limit, needs, each } = WORK[chore.chore];
  const page = tx.select({
    ...select(tx, chore.nowMs),
    ...(chore.afterId !== '' && { afterId: chore.afterId }),
    limit,
  });
  tx.need(page.flatMap(needs));
  for (const record of page) each(tx, held, record);
  if (page.length === limit) return { ...chore, afterId: page.at(-1)!.id };
  if (chore.chore === 'index') held.reusable.markLoaded();
  return undefined;
}

/**
 * What expires before this moment is removed. In a cluster it first goes out of the digest, which
 * then agrees with that of peers that remove the same rows earlier or later.
 */
function sweepHorizonMs(tx: Transaction, nowMs: number): number {
  if (tx.isAlone) return nowMs - LIMITS.expiredRetentionMs;
  const state = expire(tx.replica, nowMs, LIMITS.expiredRetentionMs);
  tx.advance({ state, put: [], remove: [] });
  return horizonMs(state);
}

/** Whether this node wrote this version, in whichever incarnation. */
function isOwn({ replica }: Transaction, { dot }: Record): boolean {
  const nodeOf = (origin: string): string => origin.slice(0, origin.lastIndexOf('.'));
  return nodeOf(dot.origin) === nodeOf(replica.origin);
}
