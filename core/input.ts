// Everything that can happen to a node, as plain data: what comes through the one door of the
// core. Invariant: the same inputs in the same order at the same `now` give the same effects, so
// a recording of inputs is a recording of the node. Never here: how they came about.

import type { IssueResult } from './acme/issuance.ts';
import type { Policy } from './acme/policy.ts';
import type { ChallengeType, ValidationResult } from './acme/validation.ts';
import type { NodeDescriptor } from './cluster/descriptor.ts';
import type { Ask } from './crdt/page.ts';
import type { Json, Record, RecordKey } from './crdt/record.ts';
import type { VersionVector } from './crdt/version-vector.ts';

/** A request to the public listener, with what the HTTP edge already knows about it. */
export interface WebRequest {
  readonly method: string;
  /** Path and query as the client sent them, beginning with a slash. */
  readonly target: string;
  /** Media type without parameters, lower case; empty when there was none. */
  readonly contentType: string;
  /** The body as text, or why there is none. */
  readonly body: string | BodyFault;
}

export const BODY_FAULTS = ['too large', 'not UTF-8'] as const;
export interface BodyFault {
  readonly fault: (typeof BODY_FAULTS)[number];
}

/** What a record lookup or a selection brought, in the order of the request. */
export interface Loaded {
  readonly records: readonly (Record | undefined)[];
  readonly selections: readonly (readonly Record[])[];
  readonly ranges: readonly (readonly Record[])[];
}

/** What an operator can want of the cluster, through the admin listener. */
export type ClusterCommand =
  | { readonly kind: 'status' }
  /** Pin a node by hand. */
  | { readonly kind: 'register'; readonly descriptor: NodeDescriptor }
  /** Refuse a node for ever. */
  | { readonly kind: 'remove'; readonly node: string }
  /** Whether this node may replace its keys now; changes nothing. */
  | { readonly kind: 'may-rotate' }
  /** This node has replaced its keys, and they are durable: the cluster is to know. */
  | { readonly kind: 'rotated'; readonly descriptor: NodeDescriptor };

/** What an operator can want of the CA, on any node: see acme/administer.ts. */
export type CaCommand =
  /** Revoke a certificate. `serial`: lower-case hexadecimal; `reason`: as RFC 5280 §5.3.1 has it. */
  | { readonly kind: 'revoke'; readonly serial: string; readonly reason?: number }
  /** Deactivate an account (RFC 8555 §7.3.6). */
  | { readonly kind: 'deactivate'; readonly account: string }
  /** Withdraw an external account key (§7.3.4). */
  | { readonly kind: 'revoke-eab'; readonly kid: string };

export type Command = ClusterCommand | CaCommand;

export const CHORES = [
  'revalidate',
  'reissue',
  'index',
  'keys',
  'external-accounts',
  'watch-authorization',
  'watch-order',
  'sweep-order',
  'sweep-authorization',
  'members',
  'announce',
  'count',
  'settle',
  'purge',
  'establish',
] as const;
/** Chores that only a node in a cluster has. */
export const CLUSTER_CHORES = ['members', 'announce', 'count', 'settle', 'establish'] as const;
type ClusterChore = Chore & { readonly chore: (typeof CLUSTER_CHORES)[number] };

export function isClusterChore(chore: Chore): chore is ClusterChore {
  return CLUSTER_CHORES.some((name) => name === chore.chore);
}

export interface Chore {
  readonly kind: 'chore';
  readonly chore: (typeof CHORES)[number];
  /** The moment it goes by, Unix ms; the same for all pages. */
  readonly nowMs: number;
  /** Where the last page ended. */
  readonly afterId: string;
}

/** The node's wish to ask a peer. */
export interface Call {
  readonly kind: 'call';
  readonly peer: string;
  readonly url: string;
  /** What the peer was last heard to have seen. */
  readonly seen: VersionVector | null;
  /** The peer was removed, and is told so. */
  readonly isFarewell?: true;
  /** It is the peer's turn, whatever there is to say. */
  readonly isRound?: boolean;
}

/** The node's wish to have a page at hand when a peer asks on. */
export interface Prepare {
  readonly kind: 'prepare';
  readonly peer: string;
  readonly ask: Ask;
}

export type Input =
  /** The first input after construction. */
  | { readonly kind: 'boot' }
  /** `entropy`: 32 unpredictable bytes, from which every id this request makes is drawn. */
  | {
      readonly kind: 'request';
      readonly request: number;
      readonly web: WebRequest;
      readonly entropy: Uint8Array;
    }
  /** The client has gone; nobody waits for the answer any more. */
  | { readonly kind: 'abandon'; readonly request: number }
  | { readonly kind: 'loaded'; readonly load: number; readonly loaded: Loaded }
  | {
      readonly kind: 'validated';
      readonly authorization: string;
      readonly type: ChallengeType;
      readonly result: ValidationResult;
    }
  | {
      readonly kind: 'issued';
      readonly order: string;
      /** What it was made of, as in the request. */
      readonly csr: string;
      readonly result: IssueResult;
    }
  | {
      readonly kind: 'crl-built';
      readonly ca: string;
      readonly number: number;
      readonly der: Uint8Array;
    }
  | {
      readonly kind: 'configure';
      readonly policy: Policy;
      /** The URLs of [gossip] peers; undefined leaves them as they are. */
      readonly peers?: readonly string[] | undefined;
    }
  /** A peer asks for what it lacks; to be answered with a `tell` of the same exchange. */
  | {
      readonly kind: 'asked';
      readonly exchange: number;
      /** Node id of the sender, as its signature proves. */
      readonly from: string;
      readonly ask: Json;
      /** A page it hands us, to be merged before it is answered. */
      readonly push: Json | null;
    }
  /** The answer to our `ask`, or that there is none. */
  | { readonly kind: 'told'; readonly from: string; readonly page: Json }
  | { readonly kind: 'unreachable'; readonly peer: string; readonly reason: string }
  /**
   * A node that holds the CA's key has introduced itself: at this URL, which we called, or, null,
   * by calling us.
   */
  | {
      readonly kind: 'introduced';
      readonly url: string | null;
      readonly descriptor: NodeDescriptor;
    }
  | { readonly kind: 'unintroduced'; readonly url: string; readonly reason: string }
  /** A peer wants nonces of ours spent; to be answered with a `tell` of the same exchange. */
  | {
      readonly kind: 'redeem-asked';
      readonly exchange: number;
      readonly from: string;
      readonly nonces: readonly string[];
      /** The read that came with each, or null. */
      readonly reads: readonly Json[];
      readonly ask: Json;
    }
  /** What the issuer of nonces answered, or that it did not. */
  | { readonly kind: 'redeemed'; readonly redemption: number; readonly answer: Json }
  | { readonly kind: 'unredeemed'; readonly redemption: number; readonly reason: string }
  /** An operator wants something; to be answered with `respond`. */
  | { readonly kind: 'administer'; readonly request: number; readonly command: Command }
  /** A page of work the node gives itself: see recovery.ts. */
  | Chore
  | Call
  | Prepare
  /** The lease on a record has lapsed, and it is for this node to take the work over. */
  | { readonly kind: 'lapse'; readonly record: RecordKey }
  /** The moment asked for by the last `wake` effect has come. */
  | { readonly kind: 'tick' };
