// Makes a failing plan small while the same promise stays broken: delta debugging (Zeller and
// Hildebrandt, 2002) over decisions, nodes, clients, time and options. Keyed randomness makes it
// work: what is taken out shifts nothing else.
// Invariant: the result breaks the promise, breaks none that the original kept, and takes no more
// steps than the original. Never here: what a smaller plan is (shrink-passes.ts), running.

import { happens, type Plan, sorted } from './plan.ts';
import { type Scenario, writeScenario } from './scenario.ts';
import { PASSES } from './shrink-passes.ts';

/** What came of running a plan. */
export interface Outcome {
  /** The promises it broke. */
  readonly promises: readonly string[];
  readonly events: number;
  /** When the first of them broke. */
  readonly brokenAtUs: number;
}

/** Runs a plan; may stop after so many events. */
export type Attempt = (plan: Plan, maxEvents: number) => Outcome;

export interface ShrinkOptions {
  /** Runs that may be made; the smallest plan found by then is the result. */
  readonly maxRuns: number;
  /** Is told of every step down. */
  readonly progress?: (state: { readonly runs: number; readonly events: number }) => void;
}

export interface Shrunk {
  readonly plan: Plan;
  readonly promise: string;
  readonly runs: number;
  readonly eventsBefore: number;
  readonly eventsAfter: number;
}

/** A candidate may take a little longer if it is simpler otherwise. */
const TOLERANCE = 1.02;

/** The smallest failing plan so far, and the runs that are left to find a smaller one. */
export class Search {
  readonly promise: string;
  readonly #attempt: Attempt;
  readonly #options: ShrinkOptions;
  readonly #allowed: ReadonlySet<string>;
  readonly #tried = new Set<string>();
  #plan: Plan;
  #outcome: Outcome;
  #runs = 0;

  constructor(
    start: { readonly plan: Plan; readonly outcome: Outcome; readonly promise: string },
    attempt: Attempt,
    options: ShrinkOptions,
  ) {
    this.promise = start.promise;
    this.#plan = start.plan;
    this.#outcome = start.outcome;
    this.#allowed = new Set(start.outcome.promises);
    this.#attempt = attempt;
    this.#options = options;
  }

  get plan(): Plan {
    return this.#plan;
  }

  get outcome(): Outcome {
    return this.#outcome;
  }

  get runs(): number {
    return this.#runs;
  }

  get isOver(): boolean {
    return this.#runs >= this.#options.maxRuns;
  }

  /** Runs a candidate; takes it when it fails in the same way and is no longer. */
  try(candidate: Plan): boolean {
    const plan = tidied(candidate);
    const text = JSON.stringify(plan);
    if (this.isOver || this.#tried.has(text) || text === JSON.stringify(this.#plan)) return false;
    this.#tried.add(text);
    this.#runs++;
    const maxEvents = Math.ceil(this.#outcome.events * TOLERANCE);
    const outcome = this.#attempt(plan, maxEvents);
    const { promises, events } = outcome;
    const isSame =
      promises.includes(this.promise) && promises.every((one) => this.#allowed.has(one));
    if (!isSame || events > maxEvents) return false;
    this.#plan = plan;
    this.#outcome = outcome;
    this.#options.progress?.({ runs: this.#runs, events });
    return true;
  }
}

/** Shrinks a plan that breaks a promise; undefined when it breaks none. */
export function shrink(given: Plan, attempt: Attempt, options: ShrinkOptions): Shrunk | undefined {
  const plan = tidied(given);
  const outcome = attempt(plan, Number.POSITIVE_INFINITY);
  const [promise] = outcome.promises;
  if (promise === undefined) return undefined;
  const search = new Search({ plan, outcome, promise }, attempt, options);
  for (let before = -1; before !== sizeOf(search) && !search.isOver; ) {
    before = sizeOf(search);
    for (const pass of PASSES) pass(search);
  }
  return {
    plan: search.plan,
    promise,
    runs: search.runs,
    eventsBefore: outcome.events,
    eventsAfter: search.outcome.events,
  };
}

/** By time, without what never happens: a scenario file may not say that. */
function tidied(plan: Plan): Plan {
  const decisions = plan.decisions.filter((decision) => happens(decision, plan.options));
  return { ...plan, decisions: sorted(decisions) };
}

/** The text of a scenario file that shows what a shrunk plan shows; `why` is to be filled in. */
export function shrunkScenario({ plan, promise }: Shrunk): string {
  const scenario: Scenario = {
    why: 'TODO: say in a sentence how this comes about.',
    plan,
    expectation: { kind: 'violates', promise },
    shows: [],
  };
  return writeScenario(scenario);
}

/** `12345 events became 678 (5 %) in 90 runs`. */
export function shrunkText({ eventsBefore, eventsAfter, runs, plan }: Shrunk): string {
  const percent = Math.ceil((100 * eventsAfter) / eventsBefore);
  const world = `${plan.options.nodes} nodes, ${plan.decisions.length} decisions`;
  return `${eventsBefore} events became ${eventsAfter} (${percent} %) in ${runs} runs: ${world}`;
}

/** Changes whenever the plan does: passes are repeated until none of them helps. */
function sizeOf({ plan }: Search): number {
  return JSON.stringify(plan).length * 1_000_003 + plan.decisions.length;
}
