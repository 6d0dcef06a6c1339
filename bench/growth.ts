// The growth benchmark: does a server that has issued many certificates need more memory, or more
// time for the next one, than when it was young?
// Invariant: one server process, never restarted; names are distinct; readings of memory are taken
// at rest, readings of cost under the same load.
// Never here: how results look (see growth-report.ts).

import { setTimeout as sleep } from 'node:timers/promises';
import type { AcmeClient } from './acme-client.ts';
import { planAkamu } from './akamu.ts';
import { CsrPool } from './csr-pool.ts';
import { openClients, runFlows } from './load.ts';
import type { GrowthOptions } from './options.ts';
import { planPebble } from './pebble.ts';
import { cpuMsOf, residentBytesOf } from './process-usage.ts';
import { figure, mebibytes, median } from './report.ts';
import type { Target } from './target.ts';
import { openWorld, type World } from './world.ts';

export interface Stretch {
  /** Certificates issued when it ended. */
  readonly issued: number;
  readonly certificates: number;
  readonly elapsedMs: number;
  readonly serverCpuMs: number;
  /** Under load, when it ended. */
  readonly residentBytes: number;
}

export interface GrowthResult {
  readonly options: GrowthOptions;
  readonly server: { readonly name: string; readonly version: string };
  readonly isInMemory: boolean;
  readonly residentBytesAtFirst: number;
  readonly residentBytesAtLast: number;
  readonly stretches: readonly Stretch[];
  readonly badNonces: number;
  readonly failures: readonly string[];
}

interface Growing {
  readonly options: GrowthOptions;
  readonly target: Target;
  readonly clients: readonly AcmeClient[];
  readonly pool: CsrPool;
  readonly say: (line: string) => void;
  readonly endMs: number;
  readonly stretches: Stretch[];
  readonly failures: string[];
  issued: number;
  badNonces: number;
}

const STRETCH_FLOWS = 500;
const PROGRESS_MS = 5_000;
const SETTLE_MS = 5_000;
const SAMPLES = 30;
const SAMPLE_INTERVAL_MS = 100;
const MAX_FAILURES = 20;

/** Issues `from`, takes a reading, issues up to `to`, takes another. */
export async function runGrowth(
  options: GrowthOptions,
  say: (line: string) => void,
): Promise<GrowthResult> {
  const world = await openWorld(options.directory);
  const plan = planOf(world, options);
  const target = await plan.start();
  const load = { name: 'growth', workers: options.workers, accounts: options.workers };
  const known = world.responder.keyAuthorizations;
  let clients: readonly AcmeClient[] = [];
  try {
    clients = await openClients(load, target.directoryUrl, known);
    const endMs = performance.now() + options.maxSeconds * 1000;
    const parts = { options, target, clients, pool: new CsrPool('g'), say, endMs };
    const growing = { ...parts, stretches: [], failures: [], issued: 0, badNonces: 0 };
    await growTo(growing, options.from);
    const residentBytesAtFirst = await restingBytes(growing);
    await growTo(growing, options.to);
    const residentBytesAtLast = await restingBytes(growing);
    const { stretches, badNonces, failures } = growing;
    const server = { name: target.name, version: target.version };
    const readings = { residentBytesAtFirst, residentBytesAtLast, stretches, badNonces };
    return { options, server, isInMemory: world.isInMemory, ...readings, failures };
  } finally {
    for (const client of clients) client.reset();
    await target.process.stop();
    world.close();
  }
}

function planOf(world: World, { peerOnly, isTls }: GrowthOptions): ReturnType<typeof planAkamu> {
  if (peerOnly) return planPebble(world, { rounds: 1, isValidating: true });
  return planAkamu(world, { rounds: 1, isTls });
}

async function growTo(growing: Growing, goal: number): Promise<void> {
  const { options, target, clients, pool, say } = growing;
  let saidMs = performance.now();
  while (growing.issued < goal && growing.failures.length < MAX_FAILURES) {
    if (performance.now() > growing.endMs) {
      growing.failures.push(`stopped at ${growing.issued} after ${options.maxSeconds} s`);
      return;
    }
    const flows = Math.min(STRETCH_FLOWS, goal - growing.issued);
    pool.fill(flows);
    const cpuBefore = cpuMsOf(target.process.pid);
    const run = await runFlows(clients, pool, { flows });
    const serverCpuMs = cpuMsOf(target.process.pid) - cpuBefore;
    const certificates = run.latenciesMs.length;
    growing.issued += certificates;
    growing.badNonces += run.badNonces;
    growing.failures.push(...run.failures);
    const { issued } = growing;
    const residentBytes = residentBytesOf(target.process.pid);
    const { elapsedMs } = run;
    growing.stretches.push({ issued, certificates, elapsedMs, serverCpuMs, residentBytes });
    if (performance.now() - saidMs > PROGRESS_MS) {
      saidMs = performance.now();
      say(progressLine(growing));
    }
  }
}

function progressLine({ issued, stretches }: Growing): string {
  const { certificates, elapsedMs, serverCpuMs, residentBytes } = stretches[stretches.length - 1]!;
  const rate = figure(certificates / (elapsedMs / 1000));
  const cpu = figure(serverCpuMs / certificates);
  const resident = mebibytes(residentBytes);
  return `${issued} issued: ${rate} certs/s, ${cpu} CPU ms each, RSS ${resident} MiB`;
}

/** The median of 30 readings over 3 s, after 5 s without load. */
async function restingBytes({ target, issued, say }: Growing): Promise<number> {
  await sleep(SETTLE_MS);
  const readings: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    readings.push(residentBytesOf(target.process.pid));
    await sleep(SAMPLE_INTERVAL_MS);
  }
  const resident = median(readings);
  say(`${issued} issued, at rest: RSS ${mebibytes(resident)} MiB`);
  return resident;
}
