// Redeeming nonces of other nodes. A nonce names its issuer, and only the issuer knows whether it
// was spent; so it is asked, once for all that came together, and answers with a verdict on each and
// with what the asker lacks: a client finds here what it has just made there.
// Invariant: a request runs only after the issuer said `spent`, and the issuer says so once.
// Never here: what a nonce looks like (acme/nonce.ts), transport.

import type { NonceBook } from '../acme/nonce.ts';
import { askToJson, pageToJson, readAsk } from '../crdt/page.ts';
import { askOf } from '../crdt/receive.ts';
import type { Dot, Json, RecordKey } from '../crdt/record.ts';
import { vectorOf } from '../crdt/replica.ts';
import { serve } from '../crdt/serve.ts';
import { covers, isOrigin, isSeq } from '../crdt/version-vector.ts';
import type { Input } from '../input.ts';
import { isJsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import type { Cluster, PeerResult } from './cluster.ts';
import { LOST, takePage, viewOf } from './exchange.ts';
import { type Redemption, redemptionKey } from './redemptions.ts';
import { IN_FULL } from './vocabulary.ts';

/** What a request does next. */
export type Verdict =
  | { readonly kind: 'spent' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'wait'; readonly key: RecordKey; readonly ms: number };

const SPENT: Verdict = { kind: 'spent' };

/** What a request with another node's nonce is to do. Asks the issuer when it first comes. */
export function redeem(tx: Transaction, cluster: Cluster, nonce: string, issuer: string): Verdict {
  const { redemption } = tx.memory;
  if (redemption === undefined) return begin(tx, cluster, nonce, issuer);
  if (redemption.state === 'done') return SPENT;
  if (redemption.state === 'refused') return { kind: 'refused', reason: redemption.reason };
  const wasPatient = tx.memory.waited;
  tx.memory.waited = false;
  if (redemption.state === 'asked') return call(tx, cluster, redemption.number);
  const { upTo, untilMonoMs } = redemption;
  const isHere = upTo === null || covers(vectorOf(tx.replica), upTo);
  const leftMs = untilMonoMs - tx.now.monoMs;
  if (!isHere && !wasPatient && leftMs > 0) {
    return { kind: 'wait', key: toldKey(redemption.issuer), ms: leftMs };
  }
  tx.memory.redemption = { state: 'done' };
  return SPENT;
}

function begin(tx: Transaction, cluster: Cluster, nonce: string, issuer: string): Verdict {
  const { membership, redemptions } = cluster;
  const peer = membership.withIssuer(issuer);
  if (peer === undefined) {
    return { kind: 'refused', reason: 'the node that issued this nonce is unknown' };
  }
  if (redemptions.size >= LIMITS.parkedInputs) {
    return { kind: 'refused', reason: 'too many nonces of other nodes are under way' };
  }
  return call(tx, cluster, redemptions.enter(tx.memory, peer, nonce));
}

/** Has a call leave, unless it left before or has to wait for a younger one; and waits for it. */
function call(tx: Transaction, cluster: Cluster, redemption: number): Verdict {
  const { membership, redemptions, vocabularies } = cluster;
  const key = redemptionKey(redemption);
  const leaving = redemptions.depart(redemption, tx.now.monoMs);
  if (leaving !== undefined) {
    const { issuer: peer, nonces } = leaving;
    // As in a round, but for the fetch from this peer that may be under way.
    const speech = vocabularies.of(peer).speech(tx.primitives.sha256);
    const ask = askToJson(askOf(tx.replica, ''), speech);
    tx.emit({ kind: 'redeem', redemption, peer, url: membership.urlOf(peer), nonces, ask });
  }
  const leftMs = redemptions.untilMonoMs(redemption, tx.now.monoMs) - tx.now.monoMs;
  if (leftMs > 0) return { kind: 'wait', key, ms: leftMs };
  const reason = 'the node that issued this nonce does not answer';
  tx.memory.redemption = { state: 'refused', reason };
  return { kind: 'refused', reason };
}

/**
 * At the issuer: spends the nonces and answers with what the asker lacks. What it says of itself is
 * heard like any ask, so that nobody hands it again what it has.
 */
export function answerRedemption(
  tx: Transaction,
  { page: pageLimits, membership, vocabularies }: Cluster,
  book: NonceBook,
  { exchange, from, nonces, ask: json }: Extract<Input, { kind: 'redeem-asked' }>,
): PeerResult | undefined {
  if (membership.isRemoved || membership.removed.has(from)) return undefined;
  // Spent once, however often this has to be run for the rows of the page.
  tx.memory.note ??= nonces.map((nonce) => spend(tx, book, nonce));
  const verdicts = tx.memory.note as Json;
  const vocabulary = vocabularies.of(from);
  const listener = vocabulary.listen(tx.primitives.sha256);
  const ask = readAsk(json, listener);
  const limits = {
    records: Math.min(pageLimits.records, LIMITS.redemptionRecords),
    octets: Math.min(pageLimits.octets, LIMITS.redemptionOctets),
  };
  const page = ask && serve(tx.instant, viewOf(tx), { ...ask, listing: null }, limits);
  const speech = vocabulary.speech(tx.primitives.sha256, listener.named);
  const said = listener.isLost ? IN_FULL : page ? pageToJson(page, speech) : null;
  tx.emit({ kind: 'tell', exchange, page: { verdicts, page: said } });
  const peer = { name: from, isAnswer: false };
  if (listener.isLost) return { ...LOST, ...peer };
  if (ask === undefined) return undefined;
  const { vector: seen, clockMs, origin } = ask;
  return { seen, clockMs, origin: origin ?? undefined, followUp: 'rest', ...peer };
}

/** Back home: merges the page, and lets the request run on. */
export function takeRedemption(
  tx: Transaction,
  cluster: Cluster,
  redemption: number,
  json: Json,
): PeerResult | undefined {
  const call = cluster.redemptions.underWay(redemption);
  if (call === undefined) return undefined;
  const { issuer, count } = call;
  const answer = readAnswer(json, count);
  if (answer === undefined) {
    tx.log('warn', 'gossip', 'the answer about a nonce makes no sense', { peer: issuer });
    conclude(tx, cluster, redemption, () => refused());
    return undefined;
  }
  const { verdicts, page } = answer;
  const exchanged = page === null ? undefined : takePage(tx, cluster, issuer, page);
  if (exchanged?.followUp === 'refuse') {
    tx.log('warn', 'gossip', 'the page that came with a nonce makes no sense', { peer: issuer });
  }
  const untilMonoMs = tx.now.monoMs + LIMITS.coverageMs;
  conclude(tx, cluster, redemption, (at) => {
    const { verdict, upTo } = verdicts[at]!;
    if (verdict !== 'spent') return refused(verdict);
    tx.mark('a nonce was redeemed remotely');
    return { state: 'spent', issuer, upTo, untilMonoMs };
  });
  return exchanged && { ...exchanged, name: issuer, isAnswer: false };
}

/** The issuer could not be asked. */
export function loseRedemption(tx: Transaction, cluster: Cluster, redemption: number): void {
  const reason = 'the node that issued this nonce cannot be reached';
  conclude(tx, cluster, redemption, () => ({ state: 'refused', reason }));
}

function conclude(
  tx: Transaction,
  { redemptions }: Cluster,
  redemption: number,
  outcome: (at: number) => Redemption,
): void {
  for (const key of redemptions.conclude(redemption, outcome)) tx.notify(key);
}

/** What requests wait for that need more of a peer's events: its next answer. */
export function toldKey(peer: string): RecordKey {
  return { kind: 'told', id: peer };
}

function spend(
  tx: Transaction,
  nonces: NonceBook,
  nonce: string,
): { readonly verdict: string; readonly upTo: Json } {
  const reading = nonces.read(nonce, tx.now.monoMs);
  if (!reading.ok) return { verdict: reading.reason, upTo: null };
  nonces.spend(reading.counter);
  // A write that came to nothing was counted ahead, and made no event.
  const seq = Math.min(nonces.positionOf(nonce), tx.replica.seq);
  return { verdict: 'spent', upTo: seq === 0 ? null : [tx.replica.origin, seq] };
}

/** The reason comes from a peer and goes to a client: short, and of plain characters. */
function refused(reason: string = ''): Redemption {
  const isPlain = /^[\x20-\x7e]{1,120}$/.test(reason);
  return { state: 'refused', reason: isPlain ? reason : 'its issuer refused this nonce' };
}

/** What the issuer says of one nonce. */
interface Said {
  readonly verdict: string;
  readonly upTo: Dot | null;
}

function readAnswer(
  json: Json,
  count: number,
): { readonly verdicts: readonly Said[]; readonly page: Json } | undefined {
  if (!isJsonObject(json)) return undefined;
  const { verdicts, page } = json;
  if (!Array.isArray(verdicts) || page === undefined) return undefined;
  const said = verdicts.flatMap((verdict) => readVerdict(verdict as Json) ?? []);
  return said.length === count && verdicts.length === count ? { verdicts: said, page } : undefined;
}

function readVerdict(json: Json): Said | undefined {
  if (!isJsonObject(json)) return undefined;
  const { verdict, upTo } = json;
  if (typeof verdict !== 'string' || upTo === undefined) return undefined;
  if (upTo === null) return { verdict, upTo };
  if (!Array.isArray(upTo) || upTo.length !== 2) return undefined;
  const [origin, seq] = upTo as readonly Json[];
  return isOrigin(origin) && isSeq(seq) ? { verdict, upTo: { origin, seq } } : undefined;
}
