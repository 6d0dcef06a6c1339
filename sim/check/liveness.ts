// Does everything that was begun end? A node answers every request that nobody abandoned, and gets
// back every load, probe and list it asked for; nothing stays parked for ever.
// Sees: a request without an answer once the world has healed, a result that never came in.
// Cannot see: flows of clients and vectors of nodes; the run asks clients and convergence.ts.

import type { Effect } from '../../core/effect.ts';
import type { Input } from '../../core/input.ts';
import type { Checker } from '../checker.ts';
import type { WorldView } from '../world.ts';
import { timeText } from './story.ts';

/** What a process has begun: what it was, and when. */
type Open = Map<string, { readonly what: string; readonly atUs: number }>;

export function liveness(): Checker {
  const nodes: Open[] = [];
  return {
    name: 'liveness',
    watches: ['start', 'step'],
    observe: (observation) => {
      if (observation.kind === 'start') nodes[observation.node] = new Map();
      if (observation.kind !== 'step') return undefined;
      const { node, input, effects, atUs } = observation;
      const open = nodes[node]!;
      take(open, input, atUs);
      for (const effect of effects) emit(open, effect, atUs);
      return undefined;
    },
    unsettled: (world) => oldest(nodes, world),
    atEnd: () => [],
  };
}

function take(open: Open, input: Input, atUs: number): void {
  switch (input.kind) {
    case 'request':
      open.set(`request ${input.request}`, {
        what: `${input.web.method} ${input.web.target}`,
        atUs,
      });
      return;
    case 'abandon':
      open.delete(`request ${input.request}`);
      return;
    case 'loaded':
      open.delete(`load ${input.load}`);
      return;
    case 'validated':
      open.delete(`probe ${input.authorization}`);
      return;
    case 'crl-built':
      open.delete(`list ${input.ca} ${input.number}`);
      return;
    case 'issued':
      open.delete(`issuance ${input.order}`);
  }
}

function emit(open: Open, effect: Effect, atUs: number): void {
  switch (effect.kind) {
    case 'respond':
      open.delete(`request ${effect.request}`);
      return;
    case 'load':
      open.set(`load ${effect.load}`, { what: `load ${effect.load}`, atUs });
      return;
    case 'validate': {
      const what = `the probe of ${effect.request.identifier.value}`;
      open.set(`probe ${effect.authorization}`, { what, atUs });
      return;
    }
    case 'build-crl': {
      const what = `list ${effect.number}`;
      open.set(`list ${effect.ca} ${effect.number}`, { what, atUs });
      return;
    }
    case 'issue':
      open.set(`issuance ${effect.request.order}`, { what: 'an issuance', atUs });
  }
}

function oldest(nodes: readonly Open[], world: WorldView): string | undefined {
  for (const { index, isUp } of world.cluster) {
    const [first] = nodes[index]?.values() ?? [];
    if (isUp && first !== undefined) {
      return `n${index} has not finished ${first.what}, begun at ${timeText(first.atUs)}`;
    }
  }
  return undefined;
}
