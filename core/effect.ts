// Everything a node can want done, as plain data. Invariant: effects run in the order given, one
// log for the whole node; what becomes visible outside (respond, later send) waits until every
// persist before it is durable, but for what only asks (`goesAhead`). A load reads at its place in
// the log: after every persist before it, before every one behind it.
// Never here: how they are done.

import type { IssueRequest } from './acme/issuance.ts';
import type { ValidationRequest } from './acme/validation.ts';
import type { NodeDescriptor } from './cluster/descriptor.ts';
import type { Selection } from './crdt/columns.ts';
import type { Facts } from './crdt/facts.ts';
import type { Json, Origin, Record, RecordKey } from './crdt/record.ts';

export interface WebResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Uint8Array;
  /** Name of the route that answered, for metrics. */
  readonly route: string;
  /** Problem type when the answer is a problem document, for metrics. */
  readonly problem?: string;
  /** The node that has answered, where that was another one. */
  readonly from?: string;
}

/** An answer of another node to hand on; it becomes a response with the name of its route. */
export type Relayed = Omit<WebResponse, 'route' | 'problem'>;

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Records of one origin beyond a number, by number. */
export interface RangeQuery {
  readonly origin: Origin;
  readonly afterSeq: number;
  readonly limit: number;
}

export type Effect =
  /** Make these versions durable, and remove the forgotten keys, all or nothing. */
  | {
      readonly kind: 'persist';
      readonly records: readonly Record[];
      readonly forget: readonly RecordKey[];
      /** Small facts to become durable with them: what the replica is, beside its records. */
      readonly facts: Facts;
    }
  | { readonly kind: 'respond'; readonly request: number; readonly response: WebResponse }
  /** Read these from the database; comes back as `loaded`. */
  | {
      readonly kind: 'load';
      readonly load: number;
      readonly keys: readonly RecordKey[];
      readonly selections: readonly Selection[];
      readonly ranges: readonly RangeQuery[];
    }
  /** Probe a challenge; comes back as `validated`. */
  | {
      readonly kind: 'validate';
      readonly authorization: string;
      readonly request: ValidationRequest;
    }
  /** Sign a certificate; comes back as `issued`. */
  | { readonly kind: 'issue'; readonly request: IssueRequest }
  /** Sign a revocation list over all that is durable by now; comes back as `crl-built`. */
  | {
      readonly kind: 'build-crl';
      readonly ca: string;
      readonly number: number;
      /** 32 bits that tell nodes apart: the list's number is `number` followed by these. */
      readonly tag: number;
      readonly thisUpdateMs: number;
      readonly nextUpdateMs: number;
    }
  /**
   * Ask a peer for what we lack, and hand it what it seems to lack; comes back as `told` or
   * `unreachable`.
   */
  | {
      readonly kind: 'ask';
      /** Its node id. */
      readonly peer: string;
      readonly url: string;
      readonly ask: Json;
      /** A page for the peer, to be merged before it answers. */
      readonly push: Json | null;
      /** Between two rounds, and no part of a fetch: it is short, there are many, and they hurry. */
      readonly isBrief: boolean;
    }
  /** Answer a peer's ask, or its wish to redeem a nonce. */
  | { readonly kind: 'tell'; readonly exchange: number; readonly page: Json }
  /** Exchange descriptors with whoever answers there; comes back as introduced or unintroduced. */
  | { readonly kind: 'introduce'; readonly url: string }
  /** Have nonces spent by the node that issued them; comes back as `redeemed` or `unredeemed`. */
  | {
      readonly kind: 'redeem';
      readonly redemption: number;
      readonly peer: string;
      readonly url: string;
      /** As clients sent them. */
      readonly nonces: readonly string[];
      /** The read that came with each, for the issuer to answer, or null. */
      readonly reads: readonly Json[];
      /** What we lack of the issuer's, as in an ask. */
      readonly ask: Json;
    }
  /** From now on messages of exactly these nodes are taken, with these keys. */
  | {
      readonly kind: 'members';
      readonly members: readonly NodeDescriptor[];
      /** Ids that are refused for ever. */
      readonly removed: readonly string[];
      /** Removed ones among the members, that are being told so: they may answer, and say nothing else. */
      readonly farewells: readonly string[];
    }
  /** Something worth reaching in a simulation has happened; means nothing in production. */
  | { readonly kind: 'mark'; readonly name: string }
  /** Send `tick` at this monotonic moment; replaces the wish before. */
  | { readonly kind: 'wake'; readonly monoMs: number }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly target: string;
      readonly message: string;
      readonly fields: { readonly [name: string]: Json };
    };

export type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>;

/**
 * True for an ask for the next page of a fetch, and for a redemption. These need not wait for the
 * disk: they hand nothing over, and the vector and the cursor that they name mean nothing to the
 * peer but what to send. So the next page is on its way while this one becomes durable, and a client
 * does not wait for what others have written.
 */
export function goesAhead(effect: Effect): boolean {
  if (effect.kind === 'redeem') return true;
  if (effect.kind !== 'ask' || effect.push !== null) return false;
  return (effect.ask as { readonly cursor?: Json }).cursor != null;
}
