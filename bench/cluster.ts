// The cluster benchmark: what several nodes cost and give when clients choose one at random for
// every request, without a balancer that would take its share of the machine.
// Invariant: one node and several are measured in the same run, rounds interleaved, with the same
// clients and configuration. Never here: how results look (cluster-report.ts).

import { AccountKey } from './account-key.ts';
import { ClusterNode } from './cluster-node.ts';
import { untilEqual } from './cluster-status.ts';
import { Connection, originOf } from './connection.ts';
import { CsrPool } from './csr-pool.ts';
import { type Load, type LoadResult, openClients, runFlows } from './load.ts';
import { startGroup } from './node-group.ts';
import type { ClusterBenchOptions } from './options.ts';
import { cpuMsOf, machineCpuMs, ownCpuMs } from './process-usage.ts';
import { openWorld, type World } from './world.ts';

export interface ClusterPart {
  readonly name: 'one node' | 'cluster' | '1 account, 16 orders';
  readonly nodes: number;
  readonly result: LoadResult;
  readonly serverCpuMs: number;
  readonly clientCpuMs: number;
  readonly othersCpuMs: number;
}

export interface ClusterResult {
  readonly options: ClusterBenchOptions;
  readonly isInMemory: boolean;
  readonly parts: readonly ClusterPart[];
  /** Requests, one after the other, on an idle cluster. */
  readonly ownNonceMs: readonly number[];
  readonly foreignNonceMs: readonly number[];
  /** After the load, until the digests of all nodes were the same. */
  readonly equalMs: number;
  readonly failures: readonly string[];
}

/** So many for each node: code is slow until it has run often. */
const WARMUP_FLOWS = 2_500;
const NONCE_REQUESTS = 500;
const NONCE_WARMUP = 100;
const ONE_ACCOUNT: Load = { name: '1 account, 16 orders', workers: 16, accounts: 1 };
const ONE_ACCOUNT_FLOWS = 64;

export async function runCluster(
  options: ClusterBenchOptions,
  say: (line: string) => void,
): Promise<ClusterResult> {
  const world = await openWorld(options.directory);
  const started: ClusterNode[] = [];
  try {
    const single = await ClusterNode.create(world, { name: 'single' });
    started.push(single);
    await single.start([]);
    const cluster = await startGroup(world, 'node', options.nodes, started);
    return await measureAll(world, options, single, cluster, say);
  } finally {
    for (const node of started) await node.close();
    world.close();
  }
}

async function measureAll(
  world: World,
  options: ClusterBenchOptions,
  single: ClusterNode,
  cluster: readonly ClusterNode[],
  say: (line: string) => void,
): Promise<ClusterResult> {
  const { clients: workers, rounds, seconds } = options;
  const pool = new CsrPool('c');
  const known = world.responder.keyAuthorizations;
  const load = { name: `${workers} clients`, workers, accounts: workers };
  const origins = cluster.map(({ origin }) => origin);
  const alone = await openClients(load, single.directoryUrl, known);
  const spread = await openClients(load, cluster[0]!.directoryUrl, known, origins);
  const shared = await openClients(ONE_ACCOUNT, cluster[0]!.directoryUrl, known, origins);
  const parts: ClusterPart[] = [];
  try {
    await runFlows(alone, pool, { flows: WARMUP_FLOWS });
    await runFlows(spread, pool, { flows: WARMUP_FLOWS * options.nodes });
    for (let round = 1; round <= rounds; round++) {
      const both = [
        { name: 'one node', nodes: [single], clients: alone },
        { name: 'cluster', nodes: cluster, clients: spread },
      ] as const;
      for (const part of round % 2 === 0 ? [...both].reverse() : both) {
        parts.push(
          await measurePart(part.name, part.nodes, () => runFlows(part.clients, pool, { seconds })),
        );
        const { latenciesMs, elapsedMs } = parts.at(-1)!.result;
        const rate = (latenciesMs.length / (elapsedMs / 1000)).toFixed(0);
        say(`round ${round}: ${part.name}, ${rate} certificates/s`);
      }
    }
    const name = '1 account, 16 orders';
    const flows = ONE_ACCOUNT_FLOWS;
    parts.push(await measurePart(name, cluster, () => runFlows(shared, pool, { flows })));
    const equalMs = await untilEqual(cluster);
    const nonces = await measureNonces(cluster);
    const failures = parts.flatMap(({ name, result }) => {
      return result.failures.map((failure) => `${name}: ${failure}`);
    });
    return { options, isInMemory: world.isInMemory, parts, ...nonces, equalMs, failures };
  } finally {
    for (const client of [...alone, ...spread, ...shared]) client.reset();
  }
}

async function measurePart(
  name: ClusterPart['name'],
  nodes: readonly ClusterNode[],
  run: () => Promise<LoadResult>,
): Promise<ClusterPart> {
  const cpuMs = (): number => nodes.reduce((sum, { pid }) => sum + cpuMsOf(pid), 0);
  const [servers, client, machine] = [cpuMs(), ownCpuMs(), machineCpuMs()];
  const result = await run();
  const serverCpuMs = cpuMs() - servers;
  const clientCpuMs = ownCpuMs() - client;
  const othersCpuMs = machineCpuMs() - machine - serverCpuMs - clientCpuMs;
  return { name, nodes: nodes.length, result, serverCpuMs, clientCpuMs, othersCpuMs };
}

/**
 * One request at a time to the first node, in turn with a nonce of its own and with one of another
 * node's. Both nonces were fetched before the clock starts.
 */
async function measureNonces(
  cluster: readonly ClusterNode[],
): Promise<Pick<ClusterResult, 'ownNonceMs' | 'foreignNonceMs'>> {
  const { baseUrl } = cluster[0]!;
  const [own, foreign] = cluster.map(({ origin }) => new Connection(originOf(origin)));
  const key = new AccountKey();
  const nonceOf = async (connection: Connection): Promise<string> => {
    return (await connection.get('/acme/new-nonce')).replayNonce!;
  };
  const times = { ownNonceMs: [] as number[], foreignNonceMs: [] as number[] };
  try {
    const url = `${baseUrl}/acme/new-account`;
    const payload = Buffer.from('{"termsOfServiceAgreed":true}').toString('base64url');
    const post = async (issuer: Connection): Promise<number> => {
      const nonce = await nonceOf(issuer);
      const body = key.sign(`"jwk":${key.jwk}`, url, nonce, payload);
      const sentMs = performance.now();
      const reply = await own!.post('/acme/new-account', body);
      const tookMs = performance.now() - sentMs;
      if (reply.status >= 300) throw new Error(`new-account: ${reply.status} ${reply.body}`);
      return tookMs;
    };
    // The first request makes the account, all others find it.
    for (let i = 0; i < NONCE_WARMUP; i++) await post(i % 2 === 0 ? own! : foreign!);
    for (let i = 0; i < NONCE_REQUESTS; i++) {
      times.ownNonceMs.push(await post(own!));
      times.foreignNonceMs.push(await post(foreign!));
    }
    return times;
  } finally {
    own!.close();
    foreign!.close();
  }
}
