// How soon a write is on every node: from the answer that acknowledged it to the moment when the
// database of each node has it, read from outside.
// Invariant: the nodes are processes of their own; looking asks nothing of them. A write is an
// account, made on a node at random.
// Never here: how results look (gossip-report.ts).

import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { AccountKey } from './account-key.ts';
import type { ClusterNode } from './cluster-node.ts';
import { untilEqual } from './cluster-status.ts';
import { Connection, originOf } from './connection.ts';
import { CsrPool } from './csr-pool.ts';
import { type LoadResult, openClients, runFlows } from './load.ts';
import { startGroup } from './node-group.ts';
import { cpuMsOf, machineCpuMs, ownCpuMs } from './process-usage.ts';
import type { World } from './world.ts';

export interface Visibility {
  readonly nodes: number;
  readonly load: 'idle' | 'issuance';
  /** One for each write. */
  readonly everywhereMs: readonly number[];
  readonly certsPerSecond: number;
  /** CPU time of everything but these nodes and the client, as a share of all that was used. */
  readonly othersPercent: number;
  readonly failures: readonly string[];
}

const POLL_MS = 2;
/** Longer than a node waits from telling its peers to telling them again. */
const PAUSE_MS = 250;
const LIMIT_MS = 20_000;
const LOAD_CLIENTS = 10;

export async function measureVisibility(
  world: World,
  count: number,
  writes: number,
): Promise<readonly Visibility[]> {
  const started: ClusterNode[] = [];
  try {
    const nodes = await startGroup(world, `of${count}`, count, started);
    const probe = new Probe(nodes);
    try {
      const idle = await measure(nodes, probe, writes, undefined);
      const origins = nodes.map(({ origin }) => origin);
      const load = { name: 'load', workers: LOAD_CLIENTS, accounts: LOAD_CLIENTS };
      const known = world.responder.keyAuthorizations;
      const clients = await openClients(load, nodes[0]!.directoryUrl, known, origins);
      let isOver = false;
      const running = runFlows(clients, new CsrPool(`v${count}x`), { isOver: () => isOver });
      await sleep(1_000);
      const stop = async (): Promise<LoadResult> => {
        isOver = true;
        return await running;
      };
      const loaded = await measure(nodes, probe, writes, stop);
      for (const client of clients) client.reset();
      await untilEqual(nodes);
      return [idle, loaded];
    } finally {
      probe.close();
    }
  } finally {
    for (const node of started) await node.close();
  }
}

async function measure(
  nodes: readonly ClusterNode[],
  probe: Probe,
  writes: number,
  stop: (() => Promise<LoadResult>) | undefined,
): Promise<Visibility> {
  const failures: string[] = [];
  const everywhereMs: number[] = [];
  const ourCpuMs = (): number => nodes.reduce((sum, { pid }) => sum + cpuMsOf(pid), ownCpuMs());
  const [machine, ours] = [machineCpuMs(), ourCpuMs()];
  for (let i = 0; i < writes; i++) {
    try {
      everywhereMs.push(await probe.write());
    } catch (error) {
      failures.push((error as Error).message);
    }
    await sleep(PAUSE_MS + 100 * Math.random());
  }
  const usedMs = machineCpuMs() - machine;
  const othersPercent = (100 * (usedMs - (ourCpuMs() - ours))) / usedMs;
  const run = await stop?.();
  const certsPerSecond = run === undefined ? 0 : run.latenciesMs.length / (run.elapsedMs / 1000);
  const load = stop === undefined ? 'idle' : 'issuance';
  failures.push(...(run?.failures ?? []));
  return { nodes: nodes.length, load, everywhereMs, certsPerSecond, othersPercent, failures };
}

class Probe {
  readonly #nodes: readonly ClusterNode[];
  readonly #connections: readonly Connection[];
  readonly #databases: readonly Database.Database[];
  readonly #lookups: readonly Database.Statement<[string]>[];

  constructor(nodes: readonly ClusterNode[]) {
    this.#nodes = nodes;
    this.#connections = nodes.map(({ origin }) => new Connection(originOf(origin)));
    this.#databases = nodes.map(
      ({ databaseFile }) => new Database(databaseFile, { readonly: true }),
    );
    this.#lookups = this.#databases.map((database) => {
      return database.prepare("SELECT 1 FROM records WHERE kind = 'account' AND id = ?");
    });
  }

  /** Makes an account on a node at random; how long until all have it, ms. */
  async write(): Promise<number> {
    const at = Math.floor(Math.random() * this.#nodes.length);
    const connection = this.#connections[at]!;
    const key = new AccountKey();
    const nonce = (await connection.get('/acme/new-nonce')).replayNonce!;
    const url = `${this.#nodes[0]!.baseUrl}/acme/new-account`;
    const payload = Buffer.from('{"termsOfServiceAgreed":true}').toString('base64url');
    const body = key.sign(`"jwk":${key.jwk}`, url, nonce, payload);
    const reply = await connection.post('/acme/new-account', body);
    const answeredMs = performance.now();
    if (reply.status !== 201) throw new Error(`new-account: ${reply.status} ${reply.body}`);
    const { location = '' } = reply;
    const id = location.slice(location.lastIndexOf('/') + 1);
    let missing = this.#lookups;
    for (;;) {
      missing = missing.filter((lookup) => lookup.get(id) === undefined);
      const tookMs = performance.now() - answeredMs;
      if (missing.length === 0) return tookMs;
      if (tookMs > LIMIT_MS)
        throw new Error(`${missing.length} nodes lack ${id} after ${tookMs} ms`);
      await sleep(POLL_MS);
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
    for (const database of this.#databases) database.close();
  }
}
