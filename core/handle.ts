// The handler of each kind of input that works on records, and what a handler can come to.
// Invariant: a handler sees the node only through its transaction and what is held beside records.
// Never here: running, parking and committing, which are the node's.

import type { Held } from './acme/call.ts';
import { concludeValidation } from './acme/challenge.ts';
import { concludeList } from './acme/crl.ts';
import { concludeIssuance } from './acme/finalize.ts';
import { doChore, takeOver } from './acme/recovery.ts';
import { handleRequest } from './acme/routes.ts';
import { unreachable } from './assert.ts';
import type { Cluster, PeerResult } from './cluster/cluster.ts';
import { answerAsk, callPeer, REFUSED, takePage, takePush } from './cluster/exchange.ts';
import { announce, loadMembers, takeIntroduction } from './cluster/introduction.ts';
import type { RecordKey } from './crdt/record.ts';
import type { WebResponse } from './effect.ts';
import type { Chore, Input } from './input.ts';
import type { Transaction } from './transaction.ts';

/** What a handler came to. */
export interface Result {
  readonly response?: WebResponse;
  readonly wait?: { readonly key: RecordKey; readonly ms: number };
  /** What the node is to do after this. */
  readonly next?: Input | undefined;
  /** What follows from an exchange with a peer. */
  readonly peer?: PeerResult;
}

/** The handler of each kind of input that works on records. */
export function handle(
  tx: Transaction,
  held: Held,
  gossip: Cluster | undefined,
  input: Input,
): Result {
  switch (input.kind) {
    case 'request': {
      const outcome = handleRequest(tx, held, input.web);
      return 'kind' in outcome ? { wait: outcome } : { response: outcome };
    }
    case 'validated':
      concludeValidation(tx, held.leases, input.authorization, input.type, input.result);
      return {};
    case 'issued':
      concludeIssuance(tx, held.leases, input);
      return {};
    case 'crl-built':
      concludeList(tx, held.lists, input.ca, input.number, input.der);
      return {};
    case 'chore':
      if (gossip === undefined) return { next: doChore(tx, held, input) };
      return { next: doClusterChore(tx, held, gossip, input) };
    case 'introduced':
      if (gossip === undefined) return {};
      takeIntroduction(tx, gossip.membership, input.url, input.descriptor);
      return {};
    case 'call':
      if (gossip !== undefined) callPeer(tx, gossip, input);
      return {};
    case 'lapse':
      takeOver(tx, held, input.record);
      return {};
    case 'asked': {
      if (gossip === undefined || gossip.membership.isRemoved) return {};
      const peer = { name: input.from, isAnswer: false };
      if (input.push === null) {
        return { peer: { ...peer, ...answerAsk(tx, gossip, input.exchange, input.ask) } };
      }
      // What was handed over is merged first; then the answer is made of the state after it.
      if (takePush(tx, gossip, input.from, input.push)) return { next: { ...input, push: null } };
      return { peer: { ...peer, ...REFUSED } };
    }
    case 'told': {
      if (gossip === undefined) return {};
      const exchanged = takePage(tx, gossip, input.from, input.page);
      return { peer: { ...exchanged, name: input.from, isAnswer: true } };
    }
    case 'boot':
    case 'loaded':
    case 'abandon':
    case 'configure':
    case 'unreachable':
    case 'unintroduced':
    case 'redeem-asked':
    case 'redeemed':
    case 'unredeemed':
    case 'administer':
    case 'tick':
      throw new Error(`${input.kind} is the node's own`);
    default:
      return unreachable(input);
  }
}

function doClusterChore(
  tx: Transaction,
  held: Held,
  { membership }: Cluster,
  chore: Chore,
): Chore | undefined {
  if (chore.chore === 'members') return loadMembers(tx, membership, chore);
  if (chore.chore !== 'announce') return doChore(tx, held, chore);
  announce(tx, membership);
  return undefined;
}
