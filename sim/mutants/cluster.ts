// Defects of what nodes do for each other beyond exchanges: nonces of other nodes, work taken over,
// asking before a refusal, and letting go of what is old.
// Invariant and never here: see mutant.ts.

import { CatchUp } from '../../core/cluster/catch-up.ts';
import { ClockVotes } from '../../core/cluster/clock-votes.ts';
import { Leases } from '../../core/cluster/leases.ts';
import type { Json } from '../../core/crdt/record.ts';
import type { EffectOf } from '../../core/effect.ts';
import type { Loaded } from '../../core/input.ts';
import { LIMITS } from '../../core/limits.ts';
import {
  AS_IT_IS,
  type Members,
  type Mutant,
  membersOf,
  onEffect,
  onInput,
  onStep,
  type Patch,
  patch,
  type Step,
} from './mutant.ts';

/** Clients go to any node, so their nonces are those of others. */
const ANYWHERE = { sticky: 0, flowsPerHour: 2400 } as const;
const USED = 'this nonce was used before';

export const CLUSTER: readonly Mutant[] = [
  {
    name: 'a redeemed nonce is not marked spent',
    what: 'whoever asks the issuer for a nonce that was used before gets it again',
    catchers: ['nonce-single-use'],
    seeds: 2,
    options: { ...ANYWHERE, duplicatePpm: 100_000 },
    build: onEffect(() => (effect) => {
      if (effect.kind !== 'tell') return [effect];
      const { verdicts, ...page } = effect.page as Members;
      if (!Array.isArray(verdicts)) return [effect];
      const lenient = verdicts.map((each) => {
        return each.verdict === USED ? { verdict: 'spent', upTo: null } : each;
      });
      return [{ ...effect, page: { ...page, verdicts: lenient } }];
    }),
  },
  {
    name: 'nonces of other nodes are accepted unasked',
    what: 'a node takes every genuine nonce of another one, and asks nobody',
    catchers: ['nonce-single-use', 'sessions'],
    seeds: 2,
    failure: 17,
    options: { ...ANYWHERE, duplicatePpm: 100_000 },
    build: onStep(redeemsAlone),
  },
  {
    name: 'a redemption brings no records',
    what: 'of the answer about a nonce a node keeps the verdict and throws the page away',
    catchers: ['sessions'],
    seeds: 2,
    options: ANYWHERE,
    build: onInput((input) => {
      if (input.kind !== 'redeemed' || membersOf(input.answer) === undefined) return input;
      const answer = input.answer as Members;
      const verdicts = (answer['verdicts'] as readonly Members[]).map((each) => {
        return { ...each, upTo: null };
      });
      return { ...input, answer: { ...answer, verdicts, page: null } };
    }),
  },
  {
    name: 'the answers of one redemption are mixed up',
    what: 'of two reads that the issuer answered in one call each gets the answer to the other',
    catchers: ['answers'],
    seeds: 4,
    options: { ...ANYWHERE, clients: 60, flowsPerHour: 1500 },
    build: onInput((input) => {
      if (input.kind !== 'redeemed' || membersOf(input.answer) === undefined) return input;
      const answer = input.answer as Members;
      const verdicts = answer['verdicts'] as readonly Members[];
      const answers = verdicts.flatMap((each) => each['answer'] ?? []);
      const mixed = verdicts.map((each) => {
        return each['answer'] === undefined ? each : { ...each, answer: answers.pop()! };
      });
      return { ...input, answer: { ...answer, verdicts: mixed } };
    }),
  },
  {
    name: 'nobody is asked before a refusal',
    what: 'a wave of asks is over as soon as a request waits for it, and asks nobody',
    catchers: ['refusals', 'sessions'],
    seeds: 32,
    options: {
      sticky: 0,
      nodes: 4,
      clients: 2,
      flowsPerHour: 20_000,
      safetySecs: 20,
      delayUs: 20_000,
      fanOut: 1,
      gossipIntervalMs: 5000,
    },
    build: AS_IT_IS,
    patches: wavesOfNobody(),
  },
  {
    name: 'the late result of a lost lease is believed',
    what: 'a node writes what came of its work although another one has taken it over',
    catchers: ['leases'],
    seeds: 24,
    options: { ...ANYWHERE, ownershipTtlSecs: 7, serverFailPpm: 950_000 },
    build: AS_IT_IS,
    patches: [patch(Leases, 'isHeld', () => () => true)],
  },
  {
    name: 'what expires goes by one clock',
    what: 'a node asks no other clock before it lets go of what has expired by its own',
    catchers: ['durability'],
    seeds: 4,
    options: {
      nodes: 3,
      clients: 3,
      safetySecs: 200_000,
      livenessSecs: 7200,
      flowsPerHour: 1,
      gossipIntervalMs: 600_000,
      skewMs: 250_000_000,
    },
    build: AS_IT_IS,
    patches: [patch(ClockVotes, 'agreedMs', () => (ownMs) => ownMs)],
  },
  {
    name: 'what is handed over counts as seen whatever it builds on',
    what: 'a page that a peer hands over moves the vector though its base is not covered',
    catchers: ['vector'],
    seeds: 16,
    options: {
      livenessSecs: 900,
      nodes: 5,
      restoresPerHour: 400,
      faultSecs: 1,
      delayUs: 150_000,
      reorderPpm: 500_000,
      ownershipTtlSecs: 10,
    },
    build: onInput((input) => {
      if (input.kind !== 'asked' || input.push === null) return input;
      return { ...input, push: { ...(input.push as Members), base: [] } };
    }),
  },
  {
    name: 'counting skips a page',
    what: 'of a database without a digest the records of one origin are left out of it',
    catchers: ['convergence'],
    seeds: 3,
    options: { crashesPerHour: 600, faultSecs: 1 },
    basis: (sound) => ({
      ...sound,
      createNode: (machine, stage) => {
        const kept = [...machine.disk.facts.keys()].filter((name) => /^replica\/digest/.test(name));
        const facts = new Map(kept.map((name) => [name, null] as const));
        if (machine.boot > 1) machine.disk.apply({ records: [], forget: [], facts });
        return sound.createNode(machine, stage);
      },
    }),
    build: onStep(countsShort),
  },
];

function wavesOfNobody(): readonly Patch[] {
  const key = { kind: 'catch-up', id: 'nobody' };
  const entered = new WeakSet<CatchUp>();
  return [
    patch(CatchUp, 'enter', () => {
      return function (this: CatchUp) {
        entered.add(this);
        return key;
      };
    }),
    patch(CatchUp, 'takeEnded', () => {
      return function (this: CatchUp) {
        return entered.delete(this) ? { key, isWhole: true, late: [] } : undefined;
      };
    }),
  ];
}

/** Answers itself in the place of the issuer. */
function redeemsAlone(step: Step): Step {
  const alone: Step = (now, input) => {
    return step(now, input).flatMap((effect) => {
      if (effect.kind !== 'redeem') return [effect];
      const verdicts = effect.nonces.map(() => ({ verdict: 'spent', upTo: null }));
      const answer: Json = { verdicts, page: null };
      return alone(now, { kind: 'redeemed', redemption: effect.redemption, answer });
    });
  };
  return alone;
}

/** What a count reads of the first origin goes missing. */
function countsShort(step: Step): Step {
  const counts = new Set<number>();
  return (now, input) => {
    const isCount = input.kind === 'loaded' && counts.delete(input.load);
    const read = isCount ? { ...input, loaded: withoutFirst(input.loaded) } : input;
    const effects = step(now, read);
    for (const effect of effects) {
      if (effect.kind === 'load' && isOfCount(effect)) counts.add(effect.load);
    }
    return effects;
  };
}

function isOfCount({ keys, ranges }: EffectOf<'load'>): boolean {
  const most = Math.ceil(LIMITS.selectionPage / Math.max(1, ranges.length));
  return keys.length === 0 && ranges.length > 0 && ranges.every(({ limit }) => limit === most);
}

function withoutFirst(loaded: Loaded): Loaded {
  return { ...loaded, ranges: loaded.ranges.map((rows, at) => (at === 0 ? [] : rows)) };
}
