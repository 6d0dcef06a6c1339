// What nodes say to each other, as the HTTP side sees it: bodies in, meaning out, and the reverse.
// `openChannel` in open-channel.ts makes one.
// Invariant: what an `open…` or `conclude…` method returns is authentic, meant for us, fresh, said
// once, and, if it answers, answers just that request; everything else is a ChannelRefusal.
// Never here: HTTP, ACME, and what asks and pages mean.

import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { Json } from '../../core/crdt/record.ts';
import type { NodeKeys } from './node-keys.ts';
import type { RefusalName } from './refusal.ts';

export const NODE_ID_HEADER = 'X-Akamu-Node-Id';
/** Stands, with `Channel.boot`, on every response of the gossip paths, refusals included. */
export const BOOT_HEADER = 'X-Akamu-Boot';
/** Of sealed messages and of their answers. */
export const SEALED_TYPE = 'application/pkcs7-mime';
/** Of calls over the fast channel and of their answers. */
export const FAST_TYPE = 'application/octet-stream';
/** Of introductions and of their answers. */
export const INTRODUCTION_TYPE = 'application/json';

/** Largest body of a fast call and of its answer. */
export const FAST_OCTETS: number = 2 * 1024 * 1024;

export interface ChannelLimits {
  /** How far ahead of our clock a message's issue time may be, ms. */
  readonly skewToleranceMs: number;
  /** How far behind our clock it may be, ms; the tolerance when that is less. */
  readonly maxAgeMs: number;
  /** Largest body, octets. The HTTP side bounds bodies by it as well. */
  readonly sealedOctets: number;
  /** Largest content, octets, after it was decompressed. */
  readonly inflatedOctets: number;
}

export interface ChannelOptions {
  readonly keys: NodeKeys;
  /** 32 octets, the same on every node of the cluster: `deriveSecret(CLUSTER_SECRET_LABEL)`. */
  readonly clusterSecret: Uint8Array;
  /** Names this start, unpredictably: 16 random octets, base64url. Drawn here when left out. */
  readonly boot?: string;
  /** Wall clock, Unix ms. */
  readonly nowMs: () => number;
  readonly limits: ChannelLimits;
  /** Called once if the channel's thread ends by itself: it is of no use any more. */
  readonly died?: (error: Error) => void;
  /** Somebody has shown a later descriptor of this node: its database is older than that. */
  readonly outdated?: (later: NodeDescriptor) => void;
}

/** A question on its way. Keep it until the answer is there; it is good for one answer. */
export interface Sent {
  readonly peer: string;
  readonly body: Uint8Array;
}

/** A question of a peer. Hand it back to answer it, once. */
export interface Asked {
  /** Node id of the sender. */
  readonly from: string;
  readonly ask: Json;
  readonly push: Json | null;
}

/** What is said over the fast channel. */
export type FastCall =
  /** A wish to have nonces spent, and the reads that came with them answered. */
  | {
      readonly kind: 'redeem';
      readonly nonces: readonly string[];
      /** One for each nonce, or null. */
      readonly reads: readonly Json[];
      readonly ask: Json;
    }
  /** An exchange of records between two sealed ones. */
  | { readonly kind: 'sync'; readonly ask: Json; readonly push: Json | null };

/** A fast call of a peer. Hand it back to answer it, once. */
export interface FastAsked {
  readonly from: string;
  readonly call: FastCall;
}

/** A member whose descriptor is not genuine, and in words why. */
export interface Forged {
  readonly node: string;
  readonly fault: string;
}

export interface ChannelStats {
  readonly sealed: number;
  readonly opened: number;
  /** Octets of bodies made and of bodies taken. */
  readonly octetsOut: number;
  readonly octetsIn: number;
  /** Per reason, what was refused; also what was not sent. */
  readonly refused: { readonly [name in RefusalName]: number };
}

/** Methods throw, or reject with, a ChannelRefusal. A body is read while the call lasts. */
export interface Channel {
  /** Own node id: for NODE_ID_HEADER on requests and on answers. */
  readonly node: string;
  /** Names this start of the node, unpredictably: for BOOT_HEADER on every response. */
  readonly boot: string;
  /** As it introduces itself; another one after `renew`. */
  readonly descriptor: NodeDescriptor;

  /**
   * From now on exactly these are talked to. Removed ids are refused, members or not; of `farewells`,
   * members that were removed, answers are taken and nothing else. Descriptors come from anybody, so
   * those that their own key does not vouch for are left out, and returned.
   */
  members(
    members: readonly NodeDescriptor[],
    removed: readonly string[],
    farewells?: readonly string[],
  ): readonly Forged[];

  /** A body for POST …/admin/gossip/sync. Refuses with `no-kem-key`. */
  sealAsk(peer: string, ask: Json, push: Json | null): Promise<Sent>;
  /** `header` is NODE_ID_HEADER as it came, undefined when it was missing. */
  openAsk(header: string | undefined, body: Uint8Array): Promise<Asked>;
  sealAnswer(asked: Asked, page: Json): Promise<Uint8Array>;
  /** `header` is that of the response. The page of the peer that was asked. */
  openAnswer(sent: Sent, header: string | undefined, body: Uint8Array): Promise<Json>;
  /**
   * Notes the BOOT_HEADER of a refusal with status 409 (of `boot`) or 428 (of `no-fast-key`). True
   * when it is news: then sealing the same anew and sending that, once, is worth while.
   */
  heardBoot(peer: string, boot: string | undefined): boolean;

  /**
   * A body for POST …/admin/gossip/fast. Refuses with `no-fast-key` when no sealed message of the
   * peer's present start has come in yet, and with `size`: then an exchange has to be sealed.
   */
  sealFast(peer: string, call: FastCall): Promise<Sent>;
  openFast(header: string | undefined, body: Uint8Array): Promise<FastAsked>;
  sealFastAnswer(asked: FastAsked, answer: Json): Promise<Uint8Array>;
  openFastAnswer(sent: Sent, header: string | undefined, body: Uint8Array): Promise<Json>;

  /** A body for POST …/admin/gossip/identity at this URL. */
  introduce(url: string): Introduction;
  /** At the called side. */
  answerIntroduction(body: Uint8Array): AnsweredIntroduction;
  /** Back at the caller: who answered. */
  concludeIntroduction(introduction: Introduction, body: Uint8Array): NodeDescriptor;

  /**
   * The same node goes by these keys from now on. They must be durable: others hear of them. What is
   * sealed to the KEM key before opens as well, and whatever is under way ends as it would have.
   */
  renew(keys: NodeKeys): Promise<void>;

  stats(): ChannelStats;
  /** Ends the thread. What is under way, and what comes later, rejects with an Error. */
  close(): Promise<void>;
}

/** An introduction of somebody else. */
export interface AnsweredIntroduction {
  /** Who calls. */
  readonly descriptor: NodeDescriptor;
  /** He has said something later, which the answer shows him: this is not to be heeded. */
  readonly isOutdated: boolean;
  /** The answer. */
  readonly body: Uint8Array;
}

/** An introduction on its way; good for one answer. */
export interface Introduction {
  readonly body: Uint8Array;
}
