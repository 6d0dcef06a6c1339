// The handler of each kind of input that works on records, and what a handler can come to.
// Invariant: a handler sees the node only through its transaction and what is held beside records.
// Never here: running, parking and committing, which are the node's.

import { administerCa } from './acme/administer.ts';
import { concludeValidation } from './acme/challenge.ts';
import { concludeList } from './acme/crl.ts';
import { concludeIssuance } from './acme/finalize.ts';
import type { Held } from './acme/held.ts';
import { doChore, takeOver } from './acme/recovery.ts';
import { LEFT } from './acme/relay.ts';
import { answerRead, handleRequest } from './acme/routes.ts';
import { assert, unreachable } from './assert.ts';
import type { Cluster, PeerResult } from './cluster/cluster.ts';
import {
  answerAsk,
  callPeer,
  preparePage,
  REFUSED,
  takePage,
  takePush,
} from './cluster/exchange.ts';
import { announce, loadMembers, takeIntroduction } from './cluster/introduction.ts';
import { loseRedemption, takeRedemption, toldKey } from './cluster/redemption.ts';
import { type AnswerRead, answerRedemption } from './cluster/spending.ts';
import { administer } from './cluster/status.ts';
import { countPage, purgePage, settleStuck } from './cluster/upkeep.ts';
import type { RecordKey } from './crdt/record.ts';
import { stall } from './crdt/replica.ts';
import type { WebResponse } from './effect.ts';
import {
  type Chore,
  type CLUSTER_CHORES,
  type Command,
  type Input,
  isClusterChore,
  type WebRequest,
} from './input.ts';
import { LIMITS } from './limits.ts';
import type { Transaction } from './transaction.ts';

/** Waited for by chores only, which pause so. */
const INDEXING: RecordKey = { kind: 'index', id: '' };

/** What a handler came to. */
export interface Result {
  readonly response?: WebResponse;
  readonly wait?: { readonly key: RecordKey; readonly ms: number };
  /** What the node is to do after this. */
  readonly next?: Input | undefined;
  /** What follows from an exchange with a peer. */
  readonly peer?: PeerResult | undefined;
}

/** The handler of each kind of input that works on records. `unready`: why the node serves not. */
export function handle(
  tx: Transaction,
  held: Held,
  cluster: Cluster | undefined,
  input: Input,
  unready: string | undefined,
): Result {
  switch (input.kind) {
    case 'request':
      return request(tx, held, input.web);
    case 'validated':
      concludeValidation(tx, held.leases, input.authorization, input.type, input.result);
      return {};
    case 'issued':
      concludeIssuance(tx, held.leases, input);
      return {};
    case 'crl-built':
      concludeList(tx, held.lists, input.ca, input.number, input.der);
      return {};
    case 'administer':
      return command(tx, held, cluster, unready, input.command);
    case 'chore':
      if (mustPause(tx, input)) return { wait: { key: INDEXING, ms: LIMITS.indexPauseMs } };
      return { next: doChoreOf(tx, held, cluster, input) };
    case 'unreachable':
      tx.advance({ state: stall(tx.replica, input.peer), put: [], remove: [] });
      return {};
    case 'lapse':
      takeOver(tx, held, input.record);
      return {};
    case 'call':
    case 'prepare':
    case 'asked':
    case 'told':
    case 'introduced':
    case 'redeem-asked':
    case 'redeemed':
    case 'unredeemed':
      return cluster === undefined ? {} : blamed(tx, handlePeer(tx, held, cluster, unready, input));
    case 'boot':
    case 'loaded':
    case 'abandon':
    case 'configure':
    case 'unintroduced':
    case 'tick':
      throw new Error(`${input.kind} is the node's own`);
    default:
      return unreachable(input);
  }
}

/** What is learned after a start is in no hurry: until it is whole the database is asked. */
function mustPause(tx: Transaction, { chore, afterId }: Chore): boolean {
  const isPaced = chore === 'index' ? afterId !== '' : chore === 'keys' && afterId.includes(' ');
  return isPaced && !tx.memory.waited;
}

function request(tx: Transaction, held: Held, web: WebRequest): Result {
  const outcome = handleRequest(tx, held, web);
  return 'kind' in outcome ? { wait: outcome } : { response: outcome };
}

/** What an operator wants: of the cluster, or of the CA. */
function command(
  tx: Transaction,
  held: Held,
  cluster: Cluster | undefined,
  unready: string | undefined,
  wanted: Command,
): Result {
  switch (wanted.kind) {
    case 'status':
    case 'register':
    case 'remove':
    case 'may-rotate':
    case 'rotated':
      return { response: administer(tx, cluster, unready, wanted) };
    default:
      return { response: administerCa(tx, held.policy, unready, wanted) };
  }
}

type PeerInput = Extract<
  Input,
  {
    kind:
      | 'call'
      | 'prepare'
      | 'asked'
      | 'told'
      | 'introduced'
      | 'redeem-asked'
      | 'redeemed'
      | 'unredeemed';
  }
>;

/** What comes from other nodes, or goes to them. */
function handlePeer(
  tx: Transaction,
  held: Held,
  cluster: Cluster,
  unready: string | undefined,
  input: PeerInput,
): Result {
  const { membership } = cluster;
  // A removed node gossips no more, whatever is still under way.
  if (membership.isRemoved) return {};
  if ('from' in input && membership.removed.has(input.from)) return ignored(input);
  switch (input.kind) {
    case 'call':
      callPeer(tx, cluster, input);
      return {};
    case 'prepare':
      preparePage(tx, cluster, input);
      return {};
    case 'asked':
      return asked(tx, cluster, input);
    case 'told': {
      const exchanged = takePage(tx, cluster, input.from, input.page);
      tx.notify(toldKey(input.from));
      return { peer: { ...exchanged, name: input.from, isAnswer: true } };
    }
    case 'introduced':
      takeIntroduction(tx, membership, input.url, input.descriptor);
      return {};
    case 'redeem-asked':
      return { peer: redeemAsked(tx, held, cluster, unready, input) };
    case 'redeemed':
      return { peer: takeRedemption(tx, cluster, input.redemption, input.answer) };
    case 'unredeemed':
      loseRedemption(tx, cluster, input.redemption);
      return {};
    default:
      return unreachable(input);
  }
}

/** A node that does not know enough leaves the reads to whom they came to. */
function redeemAsked(
  tx: Transaction,
  held: Held,
  cluster: Cluster,
  unready: string | undefined,
  input: Extract<Input, { kind: 'redeem-asked' }>,
): PeerResult | undefined {
  const answer: AnswerRead = (read, nonce) => {
    return unready === undefined ? answerRead(tx, held, read, nonce) : LEFT;
  };
  return answerRedemption(tx, cluster, held.nonces, answer, input);
}

/** Nothing that a removed node says is taken in; a call to it may have ended with this. */
function ignored(input: Extract<PeerInput, { readonly from: string }>): Result {
  if (input.kind !== 'told') return {};
  return { peer: { ...REFUSED, name: input.from, isAnswer: true } };
}

function asked(
  tx: Transaction,
  cluster: Cluster,
  input: Extract<Input, { kind: 'asked' }>,
): Result {
  const peer = { name: input.from, isAnswer: false };
  const { exchange, from, ask, push } = input;
  if (push === null) {
    const answered = answerAsk(tx, cluster, exchange, from, ask);
    const { nextAsk } = answered;
    const next = nextAsk && ({ kind: 'prepare', peer: from, ask: nextAsk } as const);
    return { peer: { ...answered, ...peer }, next };
  }
  // What was handed over is merged first; then the answer is made of the state after it.
  const taken = takePush(tx, cluster, exchange, from, push);
  const isTaken = taken.followUp !== 'refuse' && taken.followUp !== 'lost';
  const next = isTaken ? ({ ...input, push: null } as const) : undefined;
  return { peer: { ...taken, ...peer }, next };
}

/** Who sends what cannot be taken is named, so that operators know whom to look at. */
function blamed(tx: Transaction, result: Result): Result {
  const { peer } = result;
  if (peer?.followUp === 'refuse') {
    tx.log('warn', 'gossip', 'peer sent what is refused', { peer: peer.name });
  }
  return result;
}

function doChoreOf(
  tx: Transaction,
  held: Held,
  cluster: Cluster | undefined,
  chore: Chore,
): Chore | undefined {
  if (chore.chore === 'purge') {
    return purgePage(tx, cluster?.tombstoneTtlMs ?? LIMITS.tombstoneTtlMs, chore);
  }
  if (!isClusterChore(chore)) return doChore(tx, held, chore);
  assert(cluster !== undefined, 'a chore of clusters');
  const name: (typeof CLUSTER_CHORES)[number] = chore.chore;
  switch (name) {
    case 'members':
      return loadMembers(tx, cluster.membership, chore);
    case 'announce':
      announce(tx, cluster.membership);
      return undefined;
    case 'count':
      return countPage(tx, cluster, chore);
    case 'settle':
      settleStuck(tx, cluster.stuck);
      return undefined;
    case 'establish':
      tx.advance({ state: { ...tx.replica, isEstablished: true }, put: [], remove: [] });
      return undefined;
    default:
      return unreachable(name);
  }
}
