// What travels over the simulated network. Endpoints: node 3 is 3, client 3 is CLIENTS + 3.
// Invariant: plain data; `id` counts every message of a run. Never here: how it travels.

import type { NodeDescriptor } from '../core/cluster/descriptor.ts';
import type { Json } from '../core/crdt/record.ts';
import type { WebResponse } from '../core/effect.ts';
import type { Command, WebRequest } from '../core/input.ts';

export type Endpoint = number;

/** Endpoint of client 0. */
export const CLIENTS = 1000;

export function clientEndpoint(client: number): Endpoint {
  return CLIENTS + client;
}

interface Introduction {
  readonly exchange: number;
  readonly boot: number;
  readonly descriptor: NodeDescriptor;
  /** When the latest key of the other was made that this node knows of, Unix ms. */
  readonly knownMs: number;
}

export type Content =
  /** A gossip exchange, named by the asker; `boot` tells exchanges of two processes apart. */
  | {
      readonly kind: 'ask';
      readonly exchange: number;
      readonly boot: number;
      readonly ask: Json;
      readonly push: Json | null;
      /** By the clock of the sender, as sealed messages say it. */
      readonly issuedMs: number;
      /** The KEM key that the sender knows the receiver by. */
      readonly sealedTo: string;
    }
  | {
      readonly kind: 'page';
      readonly exchange: number;
      readonly boot: number;
      readonly page: Json;
      readonly issuedMs: number;
      /** As above; a redemption is answered with a key that both got from sealed messages. */
      readonly sealedTo: string | null;
    }
  /** A node wants nonces of another spent; it is answered by a page. */
  | {
      readonly kind: 'redeem';
      readonly exchange: number;
      readonly boot: number;
      readonly nonces: readonly string[];
      readonly reads: readonly Json[];
      readonly ask: Json;
      readonly issuedMs: number;
    }
  /** A node introduces itself, and is answered in kind. */
  | ({ readonly kind: 'introduce' } & Introduction)
  | ({ readonly kind: 'introduction' } & Introduction)
  /** Nobody listens there. */
  | { readonly kind: 'unreachable'; readonly exchange: number; readonly boot: number }
  | { readonly kind: 'request'; readonly call: number; readonly web: WebRequest }
  /** An operator at the admin listener. */
  | { readonly kind: 'command'; readonly call: number; readonly command: Command }
  /** An operator wants the node to have a new KEM key: more than its core can do. */
  | { readonly kind: 'rotate'; readonly call: number }
  /** The client has closed the connection. */
  | { readonly kind: 'hangup'; readonly call: number }
  | { readonly kind: 'response'; readonly call: number; readonly response: WebResponse }
  /** The node died, or is not there. */
  | { readonly kind: 'reset'; readonly call: number; readonly refused: boolean };

export interface Message {
  readonly id: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly content: Content;
}

/** `n3` for node 3, `c3` for client 3. */
export function endpointName(endpoint: Endpoint): string {
  return endpoint >= CLIENTS ? `c${endpoint - CLIENTS}` : `n${endpoint}`;
}

/** What the host of a process that is not there answers; undefined: nothing. */
export function refusalOf(content: Content): Content | undefined {
  switch (content.kind) {
    case 'request':
    case 'command':
    case 'rotate':
      return { kind: 'reset', call: content.call, refused: true };
    case 'ask':
    case 'introduce':
    case 'redeem':
      return { kind: 'unreachable', exchange: content.exchange, boot: content.boot };
    default:
      return undefined;
  }
}
