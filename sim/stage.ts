// What the parts of a world (machines, network, faults) share with each other, and the parts of a
// build that a test may exchange to prove that a defect is found.
// Invariant: nothing here decides anything. Never here: what actors may use (world.ts).

import type { IssueRequest, IssueResult } from '../core/acme/issuance.ts';
import type { Effect } from '../core/effect.ts';
import type { Node } from '../core/node.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Observation } from './observation.ts';
import type { Options } from './options.ts';
import type { Draws } from './prng.ts';
import type { Queue } from './queue.ts';
import type { Internet } from './world.ts';

export interface Stage {
  readonly queue: Queue;
  readonly draws: Draws;
  readonly options: Options;
  readonly network: Network;
  readonly build: Build;
  readonly digestKey: readonly [number, number, number, number];
  /** Names and indexes of machines, as peers know each other. */
  nodeName(index: number): string;
  nodeIndex(name: string): number;
  /** The node id that runs at an endpoint. */
  idOf(index: number): string;
  internet(): Internet;
  observe(observation: Observation): void;
  mark(name: string, node: number): void;
  buildCrl(machine: Machine, effect: Extract<Effect, { kind: 'build-crl' }>): Uint8Array;
  /** The core threw: a bug of its own. */
  broken(node: number, occasion: string, error: unknown): void;
  /** A process has ended; somebody starts it after `downUs`, or 0: when they come to it. */
  died(node: number, downUs: number): void;
}

/** What a test build may replace by something defective. */
export interface Build {
  /** A node on what the machine's disk holds. */
  createNode(machine: Machine, stage: Stage): Node;
  issue(request: IssueRequest, node: number): IssueResult;
  /** Whether effects become visible only once the changes before them are durable. */
  readonly waitsForDisk: boolean;
}
