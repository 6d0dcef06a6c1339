// The way to peers: what the driver has done for it, and how each call becomes one input.
// Invariant: every call ends in exactly one input, with the answer or with the reason why there is
// none. Never here: sealing, HTTP.

import type { NodeDescriptor } from '../core/cluster/descriptor.ts';
import type { Json } from '../core/crdt/record.ts';
import type { EffectOf } from '../core/effect.ts';
import type { Input } from '../core/input.ts';

/**
 * The way to peers. Every promise settles within a bound; a rejection is an Error whose message
 * says why there is no answer. `page`, `answer` are what the peer's core told.
 */
export interface PeerPort {
  readonly ask: (effect: EffectOf<'ask'>) => Promise<Json>;
  readonly introduce: (url: string) => Promise<NodeDescriptor>;
  readonly redeem: (effect: EffectOf<'redeem'>) => Promise<Json>;
  /** From now on messages of exactly these nodes are taken. */
  readonly members: (effect: EffectOf<'members'>) => void;
}

type Call = EffectOf<'ask' | 'redeem' | 'introduce'>;

/** What comes of a call, as an input; never rejects. */
export async function answerTo(effect: Call, peers: PeerPort): Promise<Input> {
  try {
    switch (effect.kind) {
      case 'ask':
        return { kind: 'told', from: effect.peer, page: await peers.ask(effect) };
      case 'redeem': {
        const answer = await peers.redeem(effect);
        return { kind: 'redeemed', redemption: effect.redemption, answer };
      }
      case 'introduce': {
        const descriptor = await peers.introduce(effect.url);
        return { kind: 'introduced', url: effect.url, descriptor };
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    switch (effect.kind) {
      case 'ask':
        return { kind: 'unreachable', peer: effect.peer, reason };
      case 'redeem':
        return { kind: 'unredeemed', redemption: effect.redemption, reason };
      case 'introduce':
        return { kind: 'unintroduced', url: effect.url, reason };
    }
  }
}
