// A checker asks one question about everything it observes. It is made anew for each run, keeps
// what it needs incrementally, and tells the run of each broken promise with a story.
// Invariant: a checker changes nothing in the world and draws nothing. Never here: any check.

import type { Observation, ObservationKind } from './observation.ts';
import type { WorldView } from './world.ts';

export interface Violation {
  /** The broken promise as a sentence: "nothing acknowledged is lost". */
  readonly promise: string;
  readonly checker: string;
  readonly nodes: readonly number[];
  readonly atUs: number;
  /** How it came about, shortest telling, oldest first. */
  readonly story: readonly string[];
}

/** A violation as a checker tells it; the run adds who and when. */
export interface Finding {
  readonly promise: string;
  readonly nodes: readonly number[];
  readonly story: readonly string[];
}

export interface Checker {
  readonly name: string;
  /** Kinds of observations that `observe` wants to see; others are not shown to it. */
  readonly watches: readonly ObservationKind[];
  /** It takes what peers say to be true, so it cannot judge a world with a liar in it. */
  readonly believesPeers?: boolean;
  observe(observation: Observation, world: WorldView): Finding | undefined;
  /**
   * In the liveness phase: why the world has not settled yet, or undefined when it has. Asked about
   * twice in a virtual second; a reason that is still there at the bound is a liveness violation.
   */
  unsettled?(world: WorldView): string | undefined;
  /** Situations worth reaching that it has seen, with how often; asked once at the end. */
  marks?(): ReadonlyMap<string, number>;
  /** Figures of the run, of which the smallest of a swarm is worth knowing; asked once at the end. */
  figures?(): ReadonlyMap<string, number>;
  /** Asked once, when everything has settled or the bound is over. */
  atEnd(world: WorldView): readonly Finding[];
}

export type CheckerFactory = () => Checker;
