// Replays a capsule: the node that was recorded, made anew, gets the same inputs at the same clock
// readings and must want the same effects.
// Invariant: keyed functions answer what was recorded, in the order of the calls, so a replay needs
// no key; all other functions are the production's own. Never here: files.

import type { Effect } from '../core/effect.ts';
import type { Input } from '../core/input.ts';
import { Node, type NodeOptions } from '../core/node.ts';
import type { Primitives } from '../core/primitives.ts';
import type { Now } from '../core/time.ts';

/** A step of the recording; without an end when the process died in it or was cut off. */
export interface CapsuleStep {
  readonly now: Now;
  readonly input: Input;
  readonly keyed: readonly Uint8Array[];
  readonly end:
    | { readonly kind: 'done'; readonly effects: number; readonly digest: string }
    | { readonly kind: 'threw'; readonly reason: string }
    | undefined;
}

export interface CapsuleReplay {
  readonly steps: number;
  readonly effects: number;
  /** Where the replay first differed from the recording. */
  readonly divergence: { readonly step: number; readonly story: readonly string[] } | undefined;
}

/** Thrown by a keyed function that the recording has no result for. */
class Unrecorded extends Error {}

/** Replays steps one by one; `seen` gets each with the effects it had. */
export function replayCapsule(
  making: Omit<NodeOptions, 'primitives'>,
  steps: Iterable<CapsuleStep>,
  primitives: Primitives,
  digest: (effects: readonly Effect[]) => string,
  seen: (step: CapsuleStep, effects: readonly Effect[]) => void,
): CapsuleReplay {
  let keyed: readonly Uint8Array[] = [];
  let used = 0;
  const next = (): Uint8Array => {
    const result = keyed[used++];
    if (result === undefined) throw new Unrecorded('a keyed function was called once more');
    return result;
  };
  const recorded: Primitives = {
    ...primitives,
    hmac: next,
    seal: next,
    unseal: () => (next()[0] === 1 ? new Uint8Array() : undefined),
  };
  const node = new Node({ ...making, primitives: recorded });
  let effects = 0;
  let count = 0;
  for (const step of steps) {
    keyed = step.keyed;
    used = 0;
    const outcome = attempt(() => node.step(step.now, step.input));
    if (typeof outcome !== 'string') {
      effects += outcome.length;
      seen(step, outcome);
    }
    const story = differences(step, outcome, digest, used);
    if (story.length > 0) return { steps: count, effects, divergence: { step: count, story } };
    count++;
    if (typeof outcome === 'string') break;
  }
  return { steps: count, effects, divergence: undefined };
}

function attempt(act: () => readonly Effect[]): readonly Effect[] | string {
  try {
    return act();
  } catch (error) {
    return String(error);
  }
}

/** In what a step differs from its recording; empty when in nothing that was recorded. */
function differences(
  { end, keyed, input }: CapsuleStep,
  outcome: readonly Effect[] | string,
  digest: (effects: readonly Effect[]) => string,
  used: number,
): readonly string[] {
  if (end === undefined) return [];
  const story: string[] = [];
  if (typeof outcome === 'string') {
    if (end.kind !== 'threw') story.push(`the replay threw: ${outcome}`);
    else if (end.reason !== outcome) story.push(`recorded: ${end.reason}`, `replayed: ${outcome}`);
  } else if (end.kind === 'threw') {
    story.push(`the recorded node threw: ${end.reason}; the replay did not`);
  } else if (digest(outcome) !== end.digest) {
    const kinds = outcome.map(({ kind }) => kind).join(' ');
    story.push(`recorded: ${end.effects} effects, digest ${end.digest}`);
    story.push(`replayed: ${outcome.length} effects, digest ${digest(outcome)}: ${kinds}`);
  } else if (used !== keyed.length) {
    story.push(`keyed functions were called ${used} times, recorded ${keyed.length}`);
  }
  return story.length === 0 ? story : [`input: ${input.kind}`, ...story];
}
