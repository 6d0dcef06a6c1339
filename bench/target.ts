// A server under test as the rest of the benchmark sees it.
// Invariant: nothing here tells one server from another but its name and what it can report.
// Never here: how it is configured or started.

import type { ServerProcess } from './server-process.ts';

export interface Target {
  readonly name: string;
  /** The server's version as it states it itself, or as its package does. */
  readonly version: string;
  readonly process: ServerProcess;
  readonly directoryUrl: string;
  /** Records read from the database since the start, or undefined where nobody counts them. */
  storeReads(): Promise<number | undefined>;
}

/** What starts a target; `rounds` limits in how many rounds it takes part. */
export interface TargetPlan {
  readonly name: string;
  readonly rounds: number;
  readonly isPeer: boolean;
  start(): Promise<Target>;
}
