// Chores a node gives itself, a page at a time: after a start it takes up again what was under way
// (probes, issuance) and learns which authorizations can be reused; now and then it removes what
// expired. And the work of a node that is silent, which this one takes over.
// Invariant: all of it can be done twice without harm. Never here: scheduling.

import { assert } from '../assert.ts';
import { ownerOf } from '../cluster/leases.ts';
import type { Selection } from '../crdt/columns.ts';
import { LATTICES } from '../crdt/lattice.ts';
import type { Record, RecordKey } from '../crdt/record.ts';
import { expire, horizonMs } from '../crdt/replica.ts';
import { KINDS } from '../crdt/schema.ts';
import type { Chore, CLUSTER_CHORES } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { validateAgain } from './challenge.ts';
import { publishKeys } from './external-account.ts';
import { issueRequest } from './finalize.ts';
import type { Held } from './held.ts';
import { authorizationMade } from './records.ts';

/** Done once after a start, in this order, before the node serves. */
export const START_CHORES = ['revalidate', 'reissue'] as const;
/** Done once after a start, while it serves: until then the database is asked. */
export function backgroundChores(knowsKeys: boolean): readonly ('index' | 'keys')[] {
  return knowsKeys ? ['index'] : ['index', 'keys'];
}
/** Done at every sweep. */
export const SWEEP_CHORES = ['sweep-order', 'sweep-authorization', 'purge'] as const;
/** Done when not every lease could be watched. */
export const WATCH_CHORES = ['watch-authorization', 'watch-order'] as const;

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

const watch = (kind: 'order' | 'authorization'): Work => ({
  select: () => ({ kind, state: 'processing' }),
  limit: LIMITS.selectionPage,
  needs: () => [],
  each: (tx, { leases }, record) => leases?.observe(record, tx.now.monoMs),
});

/** The chores that go through all records of a kind. */
type Walk = Exclude<
  Chore['chore'],
  (typeof CLUSTER_CHORES)[number] | 'purge' | 'external-accounts' | 'keys'
>;

const WORK: { readonly [C in Walk]: Work } = {
  revalidate: {
    select: () => ({ kind: 'authorization', state: 'processing' }),
    limit: LIMITS.selectionPage,
    needs: (record) => [{ kind: 'account', id: authorizationMade(record).account }],
    each: resume,
  },
  reissue: {
    select: () => ({ kind: 'order', state: 'processing' }),
    limit: LIMITS.selectionPage,
    needs: () => [],
    each: resume,
  },
  index: {
    select: (_, nowMs) => ({ kind: 'authorization', state: 'valid', expiresAfterMs: nowMs }),
    limit: LIMITS.indexPage,
    needs: () => [],
    each: (tx, { reusable }, record) => reusable.write(record, tx.now.wallMs),
  },
  'watch-authorization': watch('authorization'),
  'watch-order': watch('order'),
  'sweep-order': sweep('order'),
  'sweep-authorization': sweep('authorization'),
};

/**
 * Learns which records there are, so that what peers bring for the first time is not looked for in
 * the database. `afterId` of the chore is a kind, and the last id of it.
 */
function learnKeys(tx: Transaction, chore: Chore): Chore | undefined {
  const [kind = KINDS[0]!, afterId] = chore.afterId.split(' ').filter((part) => part !== '');
  const limit = LIMITS.selectionPage;
  const page = tx.select({ kind, ...(afterId !== undefined && { afterId }), limit });
  const isLast = page.length < limit;
  const next = isLast ? KINDS[KINDS.indexOf(kind) + 1] : kind;
  tx.know(page, next === undefined);
  if (next === undefined) return undefined;
  return { ...chore, afterId: isLast ? next : `${next} ${page.at(-1)!.id}` };
}

/** Does one page. Returns the chore for the next one, or undefined when this was the last. */
export function doChore(tx: Transaction, held: Held, chore: Chore): Chore | undefined {
  assert(chore.chore !== 'members' && chore.chore !== 'announce', 'a chore of the cluster');
  if (chore.chore === 'external-accounts') return publishKeys(tx, held, chore);
  if (chore.chore === 'keys') return learnKeys(tx, chore);
  const { select, limit, needs, each } = WORK[chore.chore as Walk];
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

/** Takes over the work on a record whose owner has been silent for too long. */
export function takeOver(tx: Transaction, held: Held, { kind, id }: RecordKey): void {
  const record = tx.get(kind, id);
  const quietMs = record && held.leases?.lapsedMs(record, tx.now.monoMs);
  if (quietMs === undefined) return;
  const before = ownerOf(record!);
  const { owner } = held.leases!.claimed(record!, tx.stamp());
  if (before !== undefined && LATTICES.lease.leq(owner, before)) {
    // A peer that lies has used up the epochs. Nobody's result would count any more, and what is
    // tried in vain would be tried without end.
    held.leases!.forget({ kind, id });
    tx.log('warn', 'cluster', 'work that nobody can take over is left alone', {
      record: `${kind}/${id}`,
      from: before.node,
    });
    return;
  }
  tx.put(kind, id, { owner });
  work(tx, held, record!);
  tx.mark('a lease was taken over');
  tx.log('info', 'cluster', 'took over the work of a node that is silent', {
    record: `${kind}/${id}`,
    from: before?.node ?? null,
    epoch: owner.epoch,
    quietMs,
  });
}

/**
 * What expires before this moment is removed. In a cluster it first goes out of the digest, which
 * then agrees with that of peers that remove the same rows earlier or later. A horizon beyond the
 * moment was set by wrong clocks: what is below it is removed when its time has come.
 */
function sweepHorizonMs(tx: Transaction, nowMs: number): number {
  const expiredMs = nowMs - LIMITS.expiredRetentionMs;
  if (tx.isAlone) return expiredMs;
  const state = expire(tx.replica, nowMs, LIMITS.expiredRetentionMs);
  tx.advance({ state, put: [], remove: [] });
  return Math.min(horizonMs(state), expiredMs);
}

/** After a start: own work goes on at once, that of others is watched. */
function resume(tx: Transaction, held: Held, record: Record): void {
  const { leases } = held;
  if (leases === undefined) {
    work(tx, held, record);
  } else if (leases.isOwn(record)) {
    tx.put(record.kind, record.id, leases.continued(record, tx.stamp()));
    work(tx, held, record);
  } else leases.observe(record, tx.now.monoMs);
}

/** Has a challenge probed, or a certificate made. */
function work(tx: Transaction, { policy }: Held, record: Draft): void {
  if (record.kind === 'authorization') validateAgain(tx, policy, record);
  else tx.emit({ kind: 'issue', request: issueRequest(record) });
}
