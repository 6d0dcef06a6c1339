// What the issuer of nonces does for another node that has got them: each is spent once, and a read
// that came with one is answered.
// Invariant: of a nonce `spent` is said once, however often the input is run, and never when it was
// spent before; a read that is not answered here is left to the asker, with all it needs.
// Never here: the asker's side (redemption.ts), what a read shows (acme/routes.ts).

import type { NonceBook } from '../acme/nonce.ts';
import { type AnsweredRead, LEFT, type RelayedJson } from '../acme/relay.ts';
import { assert } from '../assert.ts';
import { pageToJson, readAsk } from '../crdt/page.ts';
import type { Json } from '../crdt/record.ts';
import { serve } from '../crdt/serve.ts';
import type { Input } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import type { Cluster, PeerResult } from './cluster.ts';
import { LOST, viewOf } from './exchange.ts';
import { IN_FULL } from './vocabulary.ts';

type Asked = Extract<Input, { kind: 'redeem-asked' }>;

/** What this node says of a nonce of its own. */
interface Spent {
  readonly verdict: string;
  /** How far the asker has to be before it goes on. */
  readonly upTo: Json;
  /** To the read that came with it. */
  readonly answer?: RelayedJson;
}

/** Answers a read that came with a nonce of ours, if that can be done at once. */
export type AnswerRead = (read: Json, nonce: string) => AnsweredRead;

/**
 * Spends the nonces, and answers the reads that can be answered at once. If there is anything else,
 * the asker is told what it lacks as well. What it says of itself is heard like any ask, so that
 * nobody hands it again what it has.
 */
export function answerRedemption(
  tx: Transaction,
  { page: pageLimits, membership, vocabularies }: Cluster,
  nonces: NonceBook,
  answerRead: AnswerRead,
  asked: Asked,
): PeerResult | undefined {
  const { exchange, from, ask: json } = asked;
  if (membership.isRemoved || membership.removed.has(from)) return undefined;
  // Once, however often this has to be run for the rows of the page.
  const spent = (tx.memory.note ??= spendAll(tx, nonces, answerRead, asked)) as readonly Spent[];
  assert(tx.drafts.size === 0, 'a read writes nothing');
  const verdicts = spent as unknown as Json;
  const vocabulary = vocabularies.of(from);
  const listener = vocabulary.listen(tx.primitives.sha256);
  const ask = readAsk(json, listener);
  const limits = {
    records: Math.min(pageLimits.records, LIMITS.redemptionRecords),
    octets: Math.min(pageLimits.octets, LIMITS.redemptionOctets),
  };
  const isDone = spent.every(({ answer }) => answer !== undefined);
  const wanted = isDone ? undefined : ask;
  const page = wanted && serve(tx.instant, viewOf(tx), { ...wanted, listing: null }, limits);
  const speech = vocabulary.speech(tx.primitives.sha256, listener.named);
  const said = listener.isLost ? IN_FULL : page ? pageToJson(page, speech) : null;
  tx.emit({ kind: 'tell', exchange, page: { verdicts, page: said } });
  const peer = { name: from, isAnswer: false };
  if (listener.isLost) return { ...LOST, ...peer };
  if (ask === undefined) return undefined;
  const { vector: seen, clockMs, origin } = ask;
  return { seen, clockMs, origin: origin ?? undefined, followUp: 'rest', ...peer };
}

/** Nothing here waits for rows, so all of it is done in the first run. */
function spendAll(
  tx: Transaction,
  nonces: NonceBook,
  answerRead: AnswerRead,
  asked: Asked,
): readonly Spent[] {
  let octets = 0;
  return asked.nonces.map((nonce, at) => {
    const read = octets < LIMITS.redemptionOctets ? (asked.reads[at] ?? null) : null;
    const { isSpent, answer } = read === null ? LEFT : answerRead(read, nonce);
    if (answer === undefined)
      return isSpent ? spentAt(tx, nonces, nonce) : spend(tx, nonces, nonce);
    octets += answer.body.length;
    return { verdict: 'spent', upTo: null, answer };
  });
}

function spend(tx: Transaction, nonces: NonceBook, nonce: string): Spent {
  const reading = nonces.read(nonce, tx.now.monoMs);
  if (!reading.ok) return { verdict: reading.reason, upTo: null };
  nonces.spend(reading.counter);
  return spentAt(tx, nonces, nonce);
}

function spentAt(tx: Transaction, nonces: NonceBook, nonce: string): Spent {
  // A write that came to nothing was counted ahead, and made no event.
  const seq = Math.min(nonces.positionOf(nonce), tx.replica.seq);
  return { verdict: 'spent', upTo: seq === 0 ? null : [tx.replica.origin, seq] };
}
