// The load: a number of workers, each an ACME client of its own on its own connection, that run
// one flow after the other until the budget is spent.
// Invariant: accounts, connections and a first flow per worker come before the clock starts.
// Never here: what the server used meanwhile (see measure.ts).

import { AccountKey } from './account-key.ts';
import { AcmeClient } from './acme-client.ts';
import { SilentServer } from './connection.ts';
import type { CsrPool, Ingredients } from './csr-pool.ts';

/** Whichever is reached first ends a part. */
export interface Budget {
  readonly flows?: number;
  readonly seconds?: number;
  readonly isOver?: () => boolean;
}

export interface Load {
  readonly name: string;
  readonly workers: number;
  readonly accounts: number;
}

export interface LoadResult {
  readonly elapsedMs: number;
  /** One per certificate, from sending new-order to holding the chain. */
  readonly latenciesMs: readonly number[];
  readonly requests: number;
  readonly badNonces: number;
  /** How long each request took. */
  readonly requestMs: readonly number[];
  readonly failures: readonly string[];
}

// A server that fails this often is not being measured any more.
const MAX_FAILURES = 20;

/**
 * The pause before a first poll. Pollers in a hurry cost every server requests that achieve
 * nothing, and Pebble 2.4 deadlocks when it is asked about an order in the moment it changes: at
 * this pace, which leaves hardly a core idle from 10 clients on, it does so less often.
 */
export function firstPollMsFor(workers: number): number {
  return Math.max(2, Math.round(0.8 * workers));
}

/** Clients with fresh accounts. Worker i uses account i modulo the number of accounts. */
export async function openClients(
  load: Load,
  directoryUrl: string,
  keyAuthorizations: Map<string, string>,
  nodes?: readonly string[],
): Promise<readonly AcmeClient[]> {
  const keys = Array.from({ length: load.accounts }, () => new AccountKey());
  const clients: AcmeClient[] = [];
  for (let i = 0; i < load.workers; i++) {
    const key = keys[i % keys.length]!;
    const firstPollMs = firstPollMsFor(load.workers);
    const settings = { directoryUrl, key, keyAuthorizations, firstPollMs };
    const client = new AcmeClient(nodes === undefined ? settings : { ...settings, nodes });
    await client.register();
    clients.push(client);
  }
  return clients;
}

/** Runs flows on all clients at once until the budget is spent; rejects with SilentServer. */
export async function runFlows(
  clients: readonly AcmeClient[],
  pool: CsrPool,
  budget: Budget,
  inspect?: (chain: string, ingredients: Ingredients) => void,
): Promise<LoadResult> {
  const requestMs: number[] = [];
  const tally = { requests: 0, badNonces: 0, requestMs };
  const latenciesMs: number[] = [];
  const failures: string[] = [];
  const startMs = performance.now();
  const endMs = startMs + (budget.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  let left = budget.flows ?? Number.POSITIVE_INFINITY;
  const mayGoOn = (): boolean =>
    left > 0 &&
    failures.length < MAX_FAILURES &&
    performance.now() < endMs &&
    budget.isOver?.() !== true;

  const work = async (client: AcmeClient): Promise<void> => {
    client.tally = tally;
    while (mayGoOn()) {
      left--;
      const ingredients = pool.take();
      const sentMs = performance.now();
      try {
        const chain = await client.issue(ingredients);
        latenciesMs.push(performance.now() - sentMs);
        inspect?.(chain, ingredients);
      } catch (error) {
        client.reset();
        if (error instanceof SilentServer) throw error;
        failures.push((error as Error).message);
      }
    }
  };

  try {
    await Promise.all(clients.map(work));
  } finally {
    left = 0;
  }
  return { elapsedMs: performance.now() - startMs, latenciesMs, failures, ...tally };
}
