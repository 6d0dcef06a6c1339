// A run: carries a plan out from its first event to its verdict. First the safety phase with all
// that the plan decides; then everything heals, and within a bound all actors must have finished
// and all checkers must find the world settled.
// Invariant: the result is a function of the plan and of who looks on. Never here: reading plans,
// printing results.

import { assert } from '../core/assert.ts';
import { soundBuild } from './build.ts';
import type { CheckerFactory, Violation } from './checker.ts';
import { SECOND } from './clock.ts';
import { cheapCrypto, type SimCrypto } from './crypto.ts';
import { Faults } from './faults.ts';
import { type Decision, type Fault, happens, type Plan } from './plan.ts';
import { Recorder, type TraceSink } from './recorder.ts';
import type { Build } from './stage.ts';
import { Universe } from './universe.ts';
import type { Actor, ActorFactory } from './world.ts';

/** Who takes part in a run and who looks on. */
export interface Cast {
  readonly actors: readonly ActorFactory[];
  readonly checkers: readonly CheckerFactory[];
  readonly traceSink?: TraceSink;
  /** The real thing, for the option `realCrypto`. */
  readonly realCrypto?: () => SimCrypto;
  /** Exchanges parts of the build for defective ones. */
  readonly build?: (sound: Build) => Build;
  /** Stops after so many events, to look at what led there. */
  readonly maxEvents?: number;
  /** Stops after so many violations. */
  readonly mostViolations?: number;
}

export const VERDICTS = ['pass', 'crash', 'safety', 'liveness'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Exit code of each verdict; 1 is for usage, 5 for nondeterminism. */
export const EXIT_CODES: { readonly [V in Verdict]: number } = {
  pass: 0,
  crash: 2,
  safety: 3,
  liveness: 4,
};

export interface Result {
  readonly verdict: Verdict;
  readonly violations: readonly Violation[];
  /** 16 hexadecimal digits over every event. */
  readonly traceHash: string;
  /** The hash after every 1,000 events. */
  readonly checkpoints: readonly string[];
  readonly events: number;
  /** Observations by kind and what checkers counted, sorted by name. */
  readonly counts: { readonly [name: string]: number };
  /** How often each situation worth reaching was reached, sorted by name. */
  readonly marks: { readonly [name: string]: number };
  /** The smallest of what checkers measured, sorted by name. */
  readonly figures: { readonly [name: string]: number };
  readonly virtualUs: number;
  /** The core threw: its message and stack. */
  readonly failure?: string;
}

/** How often the liveness phase looks whether it is over. */
const LOOK_US: number = SECOND / 2;
const FAULTS: ReadonlySet<Decision['kind']> = new Set<Fault['kind']>([
  'crash',
  'pause',
  'clock',
  'disk',
  'restore',
  'empty',
  'clone',
  'partition',
  'link',
  'reload',
  'join',
  'return',
]);

export function run(plan: Plan, cast: Cast): Result {
  const { options, seed } = plan;
  const recorder = new Recorder(
    options.liars > 0 ? cast.checkers.filter((make) => !make().believesPeers) : cast.checkers,
    cast.traceSink,
    cast.mostViolations,
  );
  const crypto = cryptoOf(plan, cast);
  const build = cast.build?.(soundBuild(crypto)) ?? soundBuild(crypto);
  const world = new Universe(seed, options, recorder, { crypto, build });
  const faults = new Faults(world);
  const actors = cast.actors.map((make) => make(world));
  world.begin(actors);
  for (const decision of plan.decisions) {
    if (happens(decision, options)) place(world, faults, actors, decision);
  }

  const maxEvents = cast.maxEvents ?? Number.POSITIVE_INFINITY;
  const goesOn = (): boolean => {
    return world.failure === undefined && !recorder.isOver && recorder.events < maxEvents;
  };
  const safetyEndUs = options.safetySecs * SECOND;
  while (goesOn() && world.queue.runNext(safetyEndUs));
  if (goesOn()) {
    world.enter('liveness');
    faults.heal();
    for (const actor of actors) actor.heal();
    settle(world, recorder, safetyEndUs + options.livenessSecs * SECOND, goesOn);
  }
  if (goesOn()) conclude(world, recorder);
  world.enter('end');
  return resultOf(world, recorder);
}

function cryptoOf({ options }: Plan, { realCrypto }: Cast): SimCrypto {
  if (options.realCrypto === 0) return cheapCrypto();
  assert(realCrypto !== undefined, 'the host lends its cryptography');
  return realCrypto();
}

/** A decision goes to the faults or to the actor that knows its kind. */
function place(
  world: Universe,
  faults: Faults,
  actors: readonly Actor[],
  decision: Decision,
): void {
  if (FAULTS.has(decision.kind)) {
    faults.schedule(decision as Fault);
    return;
  }
  const actor = actors.find(({ performs }) => performs.includes(decision.kind));
  if (actor !== undefined) world.schedule(decision.atUs, () => actor.perform(decision));
}

/** Runs the healed world until nobody waits for anything, or the bound is over. */
function settle(world: Universe, recorder: Recorder, boundUs: number, goesOn: () => boolean): void {
  for (let lookUs = world.nowUs + LOOK_US; goesOn(); lookUs += LOOK_US) {
    while (goesOn() && world.queue.runNext(Math.min(lookUs, boundUs)));
    if (!goesOn()) return;
    if (lookUs < boundUs && !isSettled(world, recorder)) continue;
    for (const { who, reason } of unsettled(world, recorder)) {
      recorder.report(`liveness: ${who}`, {
        promise: 'once all faults are over, everything settles',
        nodes: [],
        story: [`after ${world.options.livenessSecs} s without faults: ${reason}`],
      });
    }
    return;
  }
}

/** Looks no further than to the first that waits. */
function isSettled(world: Universe, recorder: Recorder): boolean {
  return unsettled(world, recorder).next().done === true;
}

/** Who still waits for something, and for what. */
function* unsettled(
  world: Universe,
  recorder: Recorder,
): Generator<{ readonly who: string; readonly reason: string }, void> {
  for (const machine of world.cluster) {
    if (machine.isUp && machine.node?.ready === true) continue;
    yield { who: 'nodes', reason: `n${machine.index} is not ready` };
  }
  for (const actor of world.actors) {
    const reason = actor.unfinished();
    if (reason !== undefined) yield { who: actor.name, reason };
  }
  for (const checker of recorder.checkers) {
    const reason = checker.unsettled?.(world);
    if (reason !== undefined) yield { who: checker.name, reason };
  }
}

function conclude(world: Universe, recorder: Recorder): void {
  for (const checker of recorder.checkers) {
    for (const finding of checker.atEnd(world)) recorder.report(checker.name, finding);
    for (const [name, count] of checker.marks?.() ?? []) recorder.mark(name, count);
  }
}

function resultOf(world: Universe, recorder: Recorder): Result {
  const { violations, hash, checkpoints, events } = recorder;
  return {
    verdict: verdictOf(world, violations),
    violations,
    traceHash: hash.hex(),
    checkpoints,
    events,
    counts: sortedObject(recorder.counts),
    marks: sortedObject(recorder.marks),
    figures: sortedObject(
      new Map(recorder.checkers.flatMap((checker) => [...(checker.figures?.() ?? [])])),
    ),
    virtualUs: world.nowUs,
    ...(world.failure !== undefined && { failure: failureText(world.failure) }),
  };
}

function verdictOf(world: Universe, violations: readonly Violation[]): Verdict {
  if (world.failure !== undefined) return 'crash';
  if (violations.length === 0) return 'pass';
  return violations.every(({ checker }) => checker.startsWith('liveness')) ? 'liveness' : 'safety';
}

function failureText({ node, occasion, error }: NonNullable<Universe['failure']>): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `n${node} threw at ${occasion}: ${text}`;
}

function sortedObject(map: ReadonlyMap<string, number>): { readonly [name: string]: number } {
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}
