// One measured part: the server's and the client's use of the machine around one load.
// Invariant: only what happens between the two readings counts; accounts, connections, requests
// made in advance and a first flow per worker lie before, shutting down after.
// Never here: averages over rounds.

import { X509Certificate } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { CsrPool, Ingredients } from './csr-pool.ts';
import { type Budget, type Load, openClients, runFlows } from './load.ts';
import {
  cpuMsOf,
  machineCpuMs,
  ownCpuMs,
  peakResidentBytesOf,
  resetPeakResident,
} from './process-usage.ts';
import { percentile } from './report.ts';
import type { Target } from './target.ts';
import type { World } from './world.ts';

export interface Measured {
  readonly server: string;
  readonly load: string;
  readonly certificates: number;
  readonly certsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpuMsPerCert: number;
  readonly clientCpuMsPerCert: number;
  readonly peakResidentBytes: number;
  /** CPU time of everything but the server and the client, as a share of all cores, in percent. */
  readonly othersPercent: number;
  readonly requestsPerCert: number;
  readonly storeReadsPerCert: number | undefined;
  readonly badNonces: number;
  readonly failures: readonly string[];
}

/** Runs `load` against `target` and measures it; rejects with SilentServer when it hangs. */
export async function measure(
  world: World,
  target: Target,
  load: Load,
  pool: CsrPool,
  budget: Budget,
): Promise<Measured> {
  const { pid } = target.process;
  const clients = await openClients(load, target.directoryUrl, world.responder.keyAuthorizations);
  try {
    const first = await runFlows(clients, pool, { flows: load.workers }, checkCertificate);
    resetPeakResident(pid);
    const readsBefore = await target.storeReads();
    const machineBefore = machineCpuMs();
    const clientBefore = ownCpuMs();
    const serverBefore = cpuMsOf(pid);
    const run = await runFlows(clients, pool, budget);
    const serverCpuMs = cpuMsOf(pid) - serverBefore;
    const clientCpuMs = ownCpuMs() - clientBefore;
    const othersCpuMs = machineCpuMs() - machineBefore - serverCpuMs - clientCpuMs;
    const readsAfter = await target.storeReads();
    const certificates = run.latenciesMs.length;
    return {
      server: target.name,
      load: load.name,
      certificates,
      certsPerSecond: certificates / (run.elapsedMs / 1000),
      p50Ms: percentile(run.latenciesMs, 50),
      p99Ms: percentile(run.latenciesMs, 99),
      serverCpuMsPerCert: serverCpuMs / certificates,
      clientCpuMsPerCert: clientCpuMs / certificates,
      peakResidentBytes: peakResidentBytesOf(pid),
      othersPercent: (100 * othersCpuMs) / (run.elapsedMs * availableParallelism()),
      requestsPerCert: run.requests / certificates,
      storeReadsPerCert: perCert(readsBefore, readsAfter, certificates),
      badNonces: first.badNonces + run.badNonces,
      failures: [...first.failures, ...run.failures],
    };
  } finally {
    for (const client of clients) client.reset();
  }
}

/** Throws unless the chain's leaf is a certificate for the name that was asked for. */
export function checkCertificate(chain: string, { name }: Ingredients): void {
  const names = new X509Certificate(chain).subjectAltName;
  if (names !== `DNS:${name}`) throw new Error(`a certificate for ${names} instead of ${name}`);
}

function perCert(
  before: number | undefined,
  after: number | undefined,
  certificates: number,
): number | undefined {
  return before === undefined || after === undefined ? undefined : (after - before) / certificates;
}
