// Looks for a seeded defect: seed after seed, until a checker tells of it. A seed counts only when
// the sound build passes it, so a checker that cries wolf proves nothing.
// Invariant: a proof is a function of the defect and the first seed. Never here: which defects.

import { ACTORS, CHECKERS, defaultPlan } from '../cast.ts';
import type { Plan } from '../plan.ts';
import { type Cast, type Result, run } from '../run.ts';
import { WORLD } from './all.ts';
import type { Damage, Mutant } from './mutant.ts';

export interface Proof {
  readonly mutant: Mutant;
  /** Seeds it took, the last one included; undefined: it survived. */
  readonly seeds: number | undefined;
  /** Who told of it first, and everybody who did. */
  readonly first: string | undefined;
  readonly catchers: readonly string[];
  /** Seeds that the sound build fails: none of them proves anything. */
  readonly unsound: readonly number[];
}

/** A run that goes on and on is none. */
const MOST_EVENTS = 1_000_000;

/** How thorough a proof is. */
export interface Effort {
  /** Ends a run at the first violation: quicker, but nobody else is heard. */
  readonly isBrief: boolean;
}

/** Tries seeds from `from` on, at most `most`. A brief proof leaves out the sound build. */
export function prove(
  mutant: Mutant,
  from: number,
  most: number,
  { isBrief }: Effort = { isBrief: false },
): Proof {
  const unsound: number[] = [];
  for (let seed = from; seed < from + most; seed++) {
    const plan = worldOf(mutant, seed);
    const catchers = catchersOf(runDefective(mutant, plan, isBrief ? { mostViolations: 1 } : {}));
    if (catchers.length === 0) continue;
    if (!isBrief && runSound(mutant, plan).verdict !== 'pass') {
      unsound.push(seed);
      continue;
    }
    return { mutant, seeds: seed - from + 1, first: catchers[0], catchers, unsound };
  }
  return { mutant, seeds: undefined, first: undefined, catchers: [], unsound };
}

/** The world of a seed in which a defect is looked for. */
export function worldOf({ options }: Mutant, seed: number): Plan {
  return defaultPlan(seed, { ...WORLD, ...options });
}

function runSound({ basis }: Mutant, plan: Plan): Result {
  return runWith(plan, basis === undefined ? {} : { build: basis });
}

/** Carries a plan out with the defect built in. */
export function runDefective(mutant: Mutant, plan: Plan, cast: Partial<Cast>): Result {
  const { basis, patches = [] } = mutant;
  const build: Damage = (plain) => mutant.build(basis?.(plain) ?? plain);
  const undo = patches.map((exchange) => exchange());
  try {
    return runWith(plan, { ...cast, build });
  } finally {
    for (const restore of undo.reverse()) restore();
  }
}

function runWith(plan: Plan, cast: Partial<Cast>): Result {
  return run(plan, { actors: ACTORS, checkers: CHECKERS, maxEvents: MOST_EVENTS, ...cast });
}

/** A defect may also bring the core to refuse to go on. */
function catchersOf({ violations, failure }: Result): readonly string[] {
  const names = violations.map(({ checker }) => checker);
  return [...new Set(failure === undefined ? names : [...names, 'assertion'])];
}
