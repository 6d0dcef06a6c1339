// The one place every observation passes: it counts, chains the trace hash with a checkpoint every
// 1,000 events, shows checkers what they watch, and keeps the last events for stories.
// Invariant: the hash covers every observation in order, whoever else looks or not.
// Never here: text (a trace sink renders), what observations mean.

import type { Checker, CheckerFactory, Finding, Violation } from './checker.ts';
import { RunningHash } from './hash.ts';
import type { Observation, ObservationKind } from './observation.ts';
import { foldObservation } from './trace-hash.ts';
import type { WorldView } from './world.ts';

/** Sees each observation with its number, from 0, after it was added to the hash. */
export type TraceSink = (observation: Observation, index: number, hash: RunningHash) => void;

export const CHECKPOINT_EVENTS = 1000;
const RECENT = 4096;
/** A run that breaks its promises this often is stopped. */
const MOST_VIOLATIONS = 10;

export class Recorder {
  readonly hash: RunningHash = new RunningHash();
  readonly checkpoints: string[] = [];
  readonly counts: Map<string, number> = new Map();
  readonly marks: Map<string, number> = new Map();
  readonly violations: Violation[] = [];
  readonly checkers: readonly Checker[];
  readonly #watching = new Map<ObservationKind, Checker[]>();
  readonly #sink: TraceSink | undefined;
  readonly #recent: Observation[] = [];
  #world!: WorldView;
  #events = 0;

  readonly #most: number;

  constructor(
    factories: readonly CheckerFactory[],
    sink: TraceSink | undefined,
    mostViolations: number = MOST_VIOLATIONS,
  ) {
    this.#most = mostViolations;
    this.checkers = factories.map((make) => make());
    this.#sink = sink;
    for (const checker of this.checkers) {
      for (const kind of checker.watches) {
        const others = this.#watching.get(kind);
        if (others === undefined) this.#watching.set(kind, [checker]);
        else others.push(checker);
      }
    }
  }

  /** The world comes after its recorder. */
  attach(world: WorldView): void {
    this.#world = world;
  }

  get events(): number {
    return this.#events;
  }

  /** Broken often enough to know. */
  get isOver(): boolean {
    return this.violations.length >= this.#most;
  }

  observe(observation: Observation): void {
    foldObservation(this.hash, observation);
    this.#recent[this.#events % RECENT] = observation;
    this.count(observation.kind);
    const index = this.#events++;
    if (this.#events % CHECKPOINT_EVENTS === 0) this.checkpoints.push(this.hash.hex());
    this.#sink?.(observation, index, this.hash);
    const watching = this.#watching.get(observation.kind);
    if (watching === undefined) return;
    for (const checker of watching) {
      const finding = checker.observe(observation, this.#world);
      if (finding !== undefined) this.report(checker.name, finding);
    }
  }

  report(checker: string, finding: Finding): void {
    this.violations.push({ ...finding, checker, atUs: this.#world.nowUs });
  }

  count(name: string, by: number = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }

  mark(name: string, by: number = 1): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + by);
  }

  recent(isWanted: (observation: Observation) => boolean, limit: number): readonly Observation[] {
    const found: Observation[] = [];
    const oldest = Math.max(0, this.#events - RECENT);
    for (let index = this.#events - 1; index >= oldest && found.length < limit; index--) {
      const observation = this.#recent[index % RECENT]!;
      if (isWanted(observation)) found.push(observation);
    }
    return found.reverse();
  }
}
