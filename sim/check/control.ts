// Does anybody get an authorization without having shown control of the name (RFC 8555 §8)? What is
// stored as valid was reported valid by a probe before, and wildcards are probed by DNS only.
// Sees: authorizations that become valid of themselves, failed probes that count as passed.
// Cannot see: whether the probe itself looked well (internet.ts plays both sides).
// Excuses: nothing; a probe that any node made counts for all.

import { rung } from '../../core/acme/records.ts';
import { CHALLENGE_TYPES } from '../../core/acme/validation.ts';
import type { Record } from '../../core/crdt/record.ts';
import type { Checker, Finding } from '../checker.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { recordText, storyOf } from './story.ts';

const PROMISE = 'authorizations follow from probes';

export function control(): Checker {
  /** Authorization and challenge type of every probe that succeeded. */
  const proven = new Set<string>();
  return {
    name: 'control',
    believesPeers: true,
    watches: ['step'],
    observe: (observation, world) => {
      return observation.kind === 'step' ? judge(proven, observation, world) : undefined;
    },
    atEnd: () => [],
  };
}

function judge(
  proven: Set<string>,
  { input, effects, node }: Extract<Observation, { kind: 'step' }>,
  world: WorldView,
): Finding | undefined {
  if (input.kind === 'validated' && input.result.ok) {
    proven.add(`${input.authorization} ${input.type}`);
  }
  for (const effect of effects) {
    if (effect.kind === 'persist') {
      const record = effect.records.find((candidate) => isUnproven(proven, candidate));
      if (record !== undefined) {
        const end = `n${node} writes ${recordText(record)}, but no probe had shown it`;
        return found(world, node, record.id, end);
      }
    }
    if (effect.kind !== 'validate') continue;
    const { wildcard, type, identifier } = effect.request;
    if (!wildcard || type === 'dns-01') continue;
    const end = `n${node} probes the wildcard of ${identifier.value} by ${type}`;
    return found(world, node, effect.authorization, end);
  }
  return undefined;
}

function isUnproven(proven: ReadonlySet<string>, record: Record): boolean {
  if (record.kind !== 'authorization') return false;
  const passed = CHALLENGE_TYPES.filter((type) => rung(record, type) === 'valid');
  if (rung(record, 'status') === 'valid' && passed.length === 0) return true;
  return passed.some((type) => !proven.has(`${record.id} ${type}`));
}

function found(world: WorldView, node: number, id: string, end: string): Finding {
  return { promise: PROMISE, nodes: [node], story: storyOf(world, id, end) };
}
