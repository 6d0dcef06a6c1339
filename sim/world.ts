// What actors and checkers may see and do in a world. Checkers get the view, actors the whole.
// Invariant: the only ways to make something happen are these; all of them are deterministic.
// Never here: how the world does it (run.ts and the files it composes).

import type { Policy } from '../core/acme/policy.ts';
import type { ValidationRequest, ValidationResult } from '../core/acme/validation.ts';
import type { KeyedHash } from '../core/crdt/digest.ts';
import type { Command, WebRequest } from '../core/input.ts';
import type { Now } from '../core/time.ts';
import type { SimCrypto } from './crypto.ts';
import type { DiskView } from './disk.ts';
import type { Observation, Phase, Reply } from './observation.ts';
import type { Options } from './options.ts';
import type { Decision } from './plan.ts';
import type { Draws } from './prng.ts';
import type { Timer } from './queue.ts';

/** One machine as it can be seen from outside. */
export interface NodeView {
  readonly index: number;
  /** The node id it runs under. */
  readonly id: string;
  /** A process is running (it may be paused). */
  readonly isUp: boolean;
  readonly isPaused: boolean;
  /** What is durable. */
  readonly disk: DiskView;
  /** Starts of the process so far. */
  readonly boot: number;
  readonly policy: Policy;
  /** The node's own clocks. */
  now(): Now;
}

export interface WorldView {
  readonly options: Options;
  readonly seed: number;
  readonly nowUs: number;
  readonly phase: Phase;
  readonly nodes: readonly NodeView[];
  /** Those that have to keep the promises: neither liars, nor removed, nor still to join. */
  readonly cluster: readonly NodeView[];
  /** The hash of the nodes' state digests. */
  readonly hash: KeyedHash;
  /** The last observations, oldest first, for a story. At most some thousands. */
  recent(isWanted: (observation: Observation) => boolean, limit: number): readonly Observation[];
}

/** A request under way. */
export interface Call {
  readonly call: number;
  /** The client closes the connection: no reply will come. */
  abandon(): void;
}

export interface World extends WorldView {
  readonly draws: Draws;
  readonly crypto: SimCrypto;
  readonly baseUrl: string;
  /** Does something at a moment (a past one counts as now); events of one moment in this order. */
  schedule(atUs: number, action: () => void): Timer;
  /**
   * A client sends a request to a node. The reply may never come: the network loses messages, so a
   * client has a timeout of its own and abandons the call.
   */
  send(client: number, node: number, web: WebRequest, replied: (reply: Reply) => void): Call;
  /** An operator says something at a node's admin listener; may get lost like a request. */
  command(client: number, node: number, command: Command, replied: (reply: Reply) => void): Call;
  /** An operator wants a node to have a new KEM key; as above. */
  rotate(client: number, node: number, replied: (reply: Reply) => void): Call;
  /** A node was removed from the cluster: somebody stops its machine for good. */
  retire(node: number): void;
  /** Writes a line of an actor into the trace. */
  note(text: string, about?: { readonly node?: number; readonly client?: number }): void;
  /** A situation worth reaching has been reached. */
  mark(name: string, node?: number): void;
}

/** The rest of the world that nodes probe: DNS and web servers. One actor plays it. */
export interface Internet {
  /** Calls back once, now or later. `node` is the one that asks. */
  validate(
    node: number,
    request: ValidationRequest,
    answer: (result: ValidationResult) => void,
  ): void;
}

/** Somebody who acts: clients, operators, the internet. */
export interface Actor {
  readonly name: string;
  /** The kinds of decisions this actor carries out. */
  readonly performs: readonly Decision['kind'][];
  perform(decision: Decision): void;
  /** The faults are over: nothing may fail from here on but for what happened before. */
  heal(): void;
  /** What this actor still waits for, or undefined when all it began has ended. */
  unfinished(): string | undefined;
  /** The one actor that answers probes. */
  readonly internet?: Internet;
}

export type ActorFactory = (world: World) => Actor;
