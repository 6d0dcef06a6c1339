// The join benchmark: a new, empty node meets a cluster that holds much, while clients get
// certificates. How long until it holds the same, and what it costs everybody.
// Invariant: the new node is a process of its own, in its default configuration, and what counts as
// in sync is what the nodes themselves say to operators.
// Never here: how results look (join-report.ts).

import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterNode } from './cluster-node.ts';
import { statusOf, untilEqual } from './cluster-status.ts';
import { CsrPool } from './csr-pool.ts';
import { fillDatabase } from './fill.ts';
import { type LoadResult, openClients, runFlows } from './load.ts';
import { hashOf, issueOnce } from './model-database.ts';
import type { JoinOptions } from './options.ts';
import {
  cpuMsOf,
  machineCpuMs,
  ownCpuMs,
  peakResidentBytesOf,
  resetPeakResident,
  residentBytesOf,
} from './process-usage.ts';
import { openWorld, type World } from './world.ts';

export interface JoinResult {
  readonly options: JoinOptions;
  readonly isInMemory: boolean;
  /** Records the first node held when the new one was started. */
  readonly records: number;
  /** From the start of the new process. */
  readonly listeningMs: number;
  readonly readyMs: number;
  readonly inSyncMs: number;
  /** After the load had ended, until both digests were the same. */
  readonly equalMs: number;
  readonly octets: number;
  readonly server: Usage;
  readonly joiner: Usage;
  readonly clientCpuMs: number;
  readonly othersCpuMs: number;
  readonly before: LoadResult;
  readonly during: LoadResult;
  readonly failures: readonly string[];
}

interface Usage {
  readonly beforeBytes: number;
  readonly peakBytes: number;
  readonly cpuMs: number;
}

const POLL_MS = 50;
/** A node reads all authorizations that can be used again before it serves. */
const READY_MS = 600_000;
/** Behind by less than this, a node has had its first contact and follows. */
const NEARLY = 2_000;
const SEED = 1;

export async function runJoin(
  options: JoinOptions,
  say: (line: string) => void,
): Promise<JoinResult> {
  const world = await openWorld(options.directory);
  const nodes: ClusterNode[] = [];
  try {
    const first = await ClusterNode.create(world, { name: 'first', isLinked: true });
    nodes.push(first);
    await prepare(world, first, options, say);
    const databaseUrl = options.databaseUrl;
    const database = databaseUrl === undefined ? {} : { databaseUrl };
    const joiner = await ClusterNode.create(
      world,
      { name: 'joiner', isLinked: true, ...database },
      first,
    );
    nodes.push(joiner);
    return await measureJoin(world, first, joiner, options, say);
  } finally {
    for (const node of nodes) await node.close();
    world.close();
  }
}

/** A first node that has issued one certificate for real and holds copies of it. */
async function prepare(
  world: World,
  node: ClusterNode,
  { records }: JoinOptions,
  say: (line: string) => void,
): Promise<void> {
  await issueOnce(world, node);
  const startMs = performance.now();
  const file = node.databaseFile;
  fillDatabase({ file, count: records, seed: SEED, hash: hashOf(node) });
  const filledMs = performance.now();
  say(`${records} records written in ${((filledMs - startMs) / 1000).toFixed(1)} s`);
  await node.start([], '/healthz');
  await node.untilReady(READY_MS);
  say(`the first node was ready ${((performance.now() - filledMs) / 1000).toFixed(1)} s after`);
}

async function measureJoin(
  world: World,
  first: ClusterNode,
  joiner: ClusterNode,
  options: JoinOptions,
  say: (line: string) => void,
): Promise<JoinResult> {
  const { clients: workers, seconds } = options;
  const pool = new CsrPool('j');
  const known = world.responder.keyAuthorizations;
  const load = { name: 'join', workers, accounts: workers };
  const clients = await openClients(load, first.directoryUrl, known);
  try {
    await runFlows(clients, pool, { seconds });
    const before = await runFlows(clients, pool, { seconds });
    say(`without a join: ${(before.latenciesMs.length / seconds).toFixed(0)} certificates/s`);
    resetPeakResident(first.pid);
    const beforeBytes = residentBytesOf(first.pid);
    const cpuBefore = cpuMsOf(first.pid);
    const clientBefore = ownCpuMs();
    const machineBefore = machineCpuMs();
    let isOver = false;
    const running = runFlows(clients, pool, { isOver: () => isOver });
    const startMs = performance.now();
    await joiner.start([first], '/healthz');
    const listeningMs = performance.now() - startMs;
    resetPeakResident(joiner.pid);
    const joinerBytes = residentBytesOf(joiner.pid);
    const times = await untilInSync(joiner, startMs, options.maxSeconds * 1000);
    say(`in sync after ${(times.inSyncMs / 1000).toFixed(1)} s`);
    const octets = first.octets + joiner.octets;
    const serverCpuMs = cpuMsOf(first.pid) - cpuBefore;
    const joinerCpuMs = cpuMsOf(joiner.pid);
    const clientCpuMs = ownCpuMs() - clientBefore;
    const othersCpuMs = machineCpuMs() - machineBefore - serverCpuMs - joinerCpuMs - clientCpuMs;
    isOver = true;
    const during = await running;
    const equalMs = await untilEqual([first, joiner]);
    return {
      options,
      isInMemory: world.isInMemory,
      records: options.records,
      listeningMs,
      ...times,
      equalMs,
      octets,
      server: { beforeBytes, peakBytes: peakResidentBytesOf(first.pid), cpuMs: serverCpuMs },
      joiner: {
        beforeBytes: joinerBytes,
        peakBytes: peakResidentBytesOf(joiner.pid),
        cpuMs: joinerCpuMs,
      },
      clientCpuMs,
      othersCpuMs,
      before,
      during,
      failures: [...before.failures, ...during.failures],
    };
  } finally {
    for (const client of clients) client.reset();
  }
}

async function untilInSync(
  joiner: ClusterNode,
  startMs: number,
  limitMs: number,
): Promise<{ readonly readyMs: number; readonly inSyncMs: number }> {
  let readyMs: number | undefined;
  while (performance.now() < startMs + limitMs) {
    if (readyMs === undefined && (await joiner.isReady())) readyMs = performance.now() - startMs;
    const lag = (await statusOf(joiner))?.members[0]?.lagEvents;
    if (readyMs !== undefined && lag != null && lag.here < NEARLY) {
      return { readyMs, inSyncMs: performance.now() - startMs };
    }
    await sleep(POLL_MS);
  }
  throw new Error(`not in sync after ${limitMs} ms:\n${joiner.logTail()}`);
}
