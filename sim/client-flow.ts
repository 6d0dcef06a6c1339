// What the stages of a client's flows have in common: what they get to work with, where they can go
// next, and the reading of answers.
// Invariant: a stage decides by the answer and the client's data alone. Never here: any stage.

import type { WebResponse } from '../core/effect.ts';
import type { Ask } from './client-request.ts';
import type { ClientState, Flow } from './client-state.ts';
import { retryAfterUs } from './client-transport.ts';
import { MS } from './clock.ts';
import type { SimulatedInternet } from './internet.ts';
import type { World } from './world.ts';

export interface Scene {
  readonly world: World;
  readonly internet: SimulatedInternet;
  readonly client: ClientState;
  readonly flow: Flow;
  readonly others: readonly ClientState[];
}

/** The next stage, perhaps after a while; or the end, which is a success or not. */
export type Next =
  | { readonly go: string; readonly afterUs?: number }
  | { readonly end: 'done' | 'refused' | 'lost'; readonly why: string };

export interface Stage {
  /** What to ask; or where to go without asking anything. */
  ask(scene: Scene): Ask | Next;
  take(scene: Scene, response: WebResponse): Next;
}

export type Stages = { readonly [stage: string]: Stage };

export function isNext(outcome: Ask | Next): outcome is Next {
  return 'go' in outcome || 'end' in outcome;
}

export function go(stage: string, afterUs = 0): Next {
  return { go: stage, afterUs };
}

export function done(why: string): Next {
  return { end: 'done', why };
}

export function refused(why: string): Next {
  return { end: 'refused', why };
}

/** Path of one of the server's URLs. */
export function pathOf(world: World, url: string): string {
  return url.slice(world.baseUrl.length);
}

/** How long this client waits before it looks again. */
export function pollUs({ client }: Scene, response: WebResponse): number {
  const ownUs = client.habits.pollMs * MS;
  return client.habits.heedsRetryAfter ? Math.max(ownUs, retryAfterUs(response)) : ownUs;
}
