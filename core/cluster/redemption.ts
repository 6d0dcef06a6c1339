// Redeeming nonces of other nodes. A nonce names its issuer, and only the issuer knows whether it
// was spent; so it is asked, once for all that came together, and answers with a verdict on each, with
// the answers to reads, and with what the asker lacks: a client finds here what it has just made there.
// Invariant: a request runs only after the issuer said `spent`, and what the issuer has answered is
// handed on and runs not at all.
// Never here: the issuer's side (spending.ts), what a nonce looks like (acme/nonce.ts), transport.

import type { ForeignNonce, NonceVerdict } from '../acme/held.ts';
import { relayedFrom } from '../acme/relay.ts';
import { askToJson } from '../crdt/page.ts';
import { askOf } from '../crdt/receive.ts';
import type { Dot, Json, RecordKey } from '../crdt/record.ts';
import { vectorOf } from '../crdt/replica.ts';
import { covers, isOrigin, isSeq } from '../crdt/version-vector.ts';
import type { Relayed } from '../effect.ts';
import { isJsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import type { Cluster, PeerResult } from './cluster.ts';
import { takePage } from './exchange.ts';
import { type Redemption, redemptionKey } from './redemptions.ts';

const SPENT: NonceVerdict = { kind: 'spent' };

/** What a request with another node's nonce is to do. Asks the issuer when it first comes. */
export function redeem(tx: Transaction, cluster: Cluster, brought: ForeignNonce): NonceVerdict {
  const { redemption } = tx.memory;
  if (redemption === undefined) return begin(tx, cluster, brought);
  if (redemption.state === 'done') return SPENT;
  if (redemption.state === 'answered') return { kind: 'relayed', answer: redemption.answer };
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

function begin(
  tx: Transaction,
  cluster: Cluster,
  { nonce, issuer, read }: ForeignNonce,
): NonceVerdict {
  const { membership, redemptions } = cluster;
  const peer = membership.withIssuer(issuer);
  if (peer === undefined) {
    return { kind: 'refused', reason: 'the node that issued this nonce is unknown' };
  }
  if (redemptions.size >= LIMITS.parkedInputs) {
    return { kind: 'refused', reason: 'too many nonces of other nodes are under way' };
  }
  return call(tx, cluster, redemptions.enter(tx.memory, peer, nonce, read()));
}

/** Has a call leave, unless it left before or has to wait for a younger one; and waits for it. */
function call(tx: Transaction, cluster: Cluster, redemption: number): NonceVerdict {
  const { membership, redemptions, vocabularies } = cluster;
  const key = redemptionKey(redemption);
  const leaving = redemptions.depart(redemption, tx.now.monoMs);
  if (leaving !== undefined) {
    const { issuer: peer, nonces, reads } = leaving;
    // As in a round, but for the fetch from this peer that may be under way.
    const speech = vocabularies.of(peer).speech(tx.primitives.sha256);
    const ask = askToJson(askOf(tx.replica, ''), speech);
    const url = membership.urlOf(peer);
    tx.emit({ kind: 'redeem', redemption, peer, url, nonces, reads, ask });
  }
  const leftMs = redemptions.untilMonoMs(redemption, tx.now.monoMs) - tx.now.monoMs;
  if (leftMs > 0) return { kind: 'wait', key, ms: leftMs };
  const reason = 'the node that issued this nonce does not answer';
  tx.memory.redemption = { state: 'refused', reason };
  return { kind: 'refused', reason };
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
  const { issuer, reads } = call;
  const answer = readAnswer(json, reads);
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
    const { verdict, upTo, answer } = verdicts[at]!;
    if (verdict !== 'spent') return refused(verdict);
    tx.mark('a nonce was redeemed remotely');
    if (answer === undefined) return { state: 'spent', issuer, upTo, untilMonoMs };
    tx.mark('a read was answered by the issuer of its nonce');
    return { state: 'answered', answer: { ...answer, from: issuer } };
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

/** The reason comes from a peer and goes to a client: short, and of plain characters. */
function refused(reason: string = ''): Redemption {
  const isPlain = /^[\x20-\x7e]{1,120}$/.test(reason);
  return { state: 'refused', reason: isPlain ? reason : 'its issuer refused this nonce' };
}

/** What the issuer says of one nonce. */
interface Said {
  readonly verdict: string;
  readonly upTo: Dot | null;
  readonly answer: Relayed | undefined;
}

/** One verdict for each read, or null in its place; undefined when the answer makes no sense. */
function readAnswer(
  json: Json,
  reads: readonly Json[],
): { readonly verdicts: readonly Said[]; readonly page: Json } | undefined {
  if (!isJsonObject(json)) return undefined;
  const { verdicts, page } = json;
  if (!Array.isArray(verdicts) || page === undefined || verdicts.length !== reads.length) {
    return undefined;
  }
  const said = reads.flatMap((read, at) => readVerdict(verdicts[at] as Json, read) ?? []);
  return said.length === reads.length ? { verdicts: said, page } : undefined;
}

function readVerdict(json: Json, read: Json): Said | undefined {
  if (!isJsonObject(json)) return undefined;
  const { verdict, upTo, answer: given } = json;
  if (typeof verdict !== 'string' || upTo === undefined) return undefined;
  const answer = given === undefined ? undefined : relayedFrom(given);
  // Nothing else than what was asked is answered.
  if (given !== undefined && (answer === undefined || read === null)) return undefined;
  if (upTo === null) return { verdict, upTo, answer };
  if (!Array.isArray(upTo) || upTo.length !== 2) return undefined;
  const [origin, seq] = upTo as readonly Json[];
  return isOrigin(origin) && isSeq(seq) ? { verdict, upTo: { origin, seq }, answer } : undefined;
}
