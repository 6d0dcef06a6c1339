// Does new-order get dearer the more pending orders an account has? Elsewhere it does.
// Invariant: one account, 16 connections, orders that are never touched again; every batch is the
// same work, so a later batch may cost more only because of what lies there already.
// Never here: flows.

import type { AcmeClient } from './acme-client.ts';
import { SilentServer } from './connection.ts';
import type { CsrPool } from './csr-pool.ts';
import { openClients } from './load.ts';
import { cpuMsOf } from './process-usage.ts';
import { percentile } from './report.ts';
import type { Target } from './target.ts';
import type { World } from './world.ts';

export interface PendingCost {
  readonly server: string;
  readonly orders: number;
  readonly firstP50Ms: number;
  readonly lastP50Ms: number;
  readonly firstCpuMs: number;
  readonly lastCpuMs: number;
  readonly failures: readonly string[];
}

interface Batch {
  readonly p50Ms: number;
  readonly cpuMs: number;
  readonly failures: readonly string[];
}

const WORKERS = 16;
const BATCHES = 4;
const ORDERS_PER_BATCH = 320;
const MAX_FAILURES = 20;

/** Piles up 1,280 pending orders on one account; the first and the last 320 are compared. */
export async function measurePending(
  world: World,
  target: Target,
  pool: CsrPool,
): Promise<PendingCost> {
  const load = { name: 'pending', workers: WORKERS, accounts: 1 };
  const clients = await openClients(load, target.directoryUrl, world.responder.keyAuthorizations);
  try {
    const batches: Batch[] = [];
    for (let i = 0; i < BATCHES; i++) batches.push(await orderBatch(target, clients, pool));
    const first = batches[0]!;
    const last = batches[BATCHES - 1]!;
    return {
      server: target.name,
      orders: BATCHES * ORDERS_PER_BATCH,
      firstP50Ms: first.p50Ms,
      lastP50Ms: last.p50Ms,
      firstCpuMs: first.cpuMs,
      lastCpuMs: last.cpuMs,
      failures: batches.flatMap((batch) => batch.failures),
    };
  } finally {
    for (const client of clients) client.reset();
  }
}

async function orderBatch(
  target: Target,
  clients: readonly AcmeClient[],
  pool: CsrPool,
): Promise<Batch> {
  const cpuBefore = cpuMsOf(target.process.pid);
  const latenciesMs: number[] = [];
  const failures: string[] = [];
  const work = async (client: AcmeClient): Promise<void> => {
    for (let i = 0; i < ORDERS_PER_BATCH / WORKERS && failures.length < MAX_FAILURES; i++) {
      const startMs = performance.now();
      try {
        await client.newOrder(pool.takeNewOrderPayload());
        latenciesMs.push(performance.now() - startMs);
      } catch (error) {
        client.reset();
        if (error instanceof SilentServer) throw error;
        failures.push((error as Error).message);
      }
    }
  };
  await Promise.all(clients.map(work));
  const cpuMs = (cpuMsOf(target.process.pid) - cpuBefore) / ORDERS_PER_BATCH;
  return { p50Ms: percentile(latenciesMs, 50), cpuMs, failures };
}
