// A cluster as its operators see it: server processes with a database each, links between them that
// can be cut, and one address for clients behind a balancer that picks at random.
// Invariant: nodes reach each other only through the links, clients only through the balancer.
// Never here: what clients do, which faults happen.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Link } from '../../../bench/link.ts';
import { getText } from '../../../bench/server-process.ts';
import { makeTlsIdentity } from '../../../bench/tls-identity.ts';
import { AkamuProcess } from '../akamu-process.ts';
import { freeStablePorts } from '../ports.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { type DatabaseKind, type FreshDatabase, freshDatabase } from './databases.ts';

export interface ClusterOptions {
  readonly directory: string;
  /** One node for each. */
  readonly databases: readonly DatabaseKind[];
  readonly dnsAddress: string;
  readonly httpPort: number;
  readonly tlsAlpnPort: number;
  readonly pick: (below: number) => number;
  readonly gossip?: Readonly<Record<string, number>>;
  /** Every node records what goes through its core's door in `records` of its directory. */
  readonly isRecorded?: boolean;
}

/** What `GET /admin/gossip/status` says of a node, as far as tests need it. */
export interface NodeStatus {
  readonly digest: { readonly day: number; readonly sum: string };
  readonly members: readonly {
    readonly lagEvents: { readonly there: number; readonly here: number } | null;
  }[];
}

const READY_LIMIT_MS = 30_000;
const POLL_MS = 50;

export class TestCluster {
  readonly baseUrl: string;
  readonly trustFile: string;
  readonly nodes: readonly AkamuProcess[];
  /** Where each node itself answers ACME requests. */
  readonly origins: readonly string[];
  readonly balancer: Balancer;
  /** `links[from][to]`; undefined on the diagonal. */
  readonly links: readonly (readonly (Link | undefined)[])[];
  readonly #databases: readonly FreshDatabase[];

  private constructor(
    parts: Omit<TestCluster, 'close' | 'settled' | 'status'>,
    databases: readonly FreshDatabase[],
  ) {
    this.baseUrl = parts.baseUrl;
    this.trustFile = parts.trustFile;
    this.nodes = parts.nodes;
    this.origins = parts.origins;
    this.balancer = parts.balancer;
    this.links = parts.links;
    this.#databases = databases;
  }

  /** Starts all nodes and waits until each is ready. */
  static async start(options: ClusterOptions): Promise<TestCluster> {
    const { databases: kinds, directory } = options;
    const count = kinds.length;
    mkdirSync(directory, { recursive: true });
    const [balancerPort = 0, ...ports] = await freeStablePorts(1 + 2 * count + count * count);
    const acmePorts = ports.slice(0, count);
    const adminPorts = ports.slice(count, 2 * count);
    const linkPort = (from: number, to: number): number => ports[2 * count + from * count + to]!;
    const databases = await Promise.all(kinds.map(freshDatabase));
    const baseUrl = `https://localhost:${balancerPort}`;
    const identity = makeTlsIdentity(directory, Date.now());
    const others = (node: number): number[] => [...kinds.keys()].filter((other) => other !== node);
    const create = (node: number): Promise<AkamuProcess> => {
      const { url } = databases[node]!;
      const nodeDirectory = join(directory, `node-${node}`);
      return AkamuProcess.create({
        directory: nodeDirectory,
        ...(options.isRecorded && { recordDir: join(nodeDirectory, 'records') }),
        dnsAddress: options.dnsAddress,
        httpPort: options.httpPort,
        tlsAlpnPort: options.tlsAlpnPort,
        adminPort: adminPorts[node]!,
        behindProxy: { baseUrl, listen: `127.0.0.1:${acmePorts[node]!}` },
        gossip: {
          interval_secs: 1,
          ...options.gossip,
          peers: others(node).map((to) => `http://127.0.0.1:${linkPort(node, to)}`),
        },
        ...(url !== undefined && { databaseUrl: url }),
        ...(node > 0 && { caFrom: join(directory, 'node-0', 'ca') }),
      });
    };
    const links = await Promise.all(
      [...kinds.keys()].map((from) =>
        Promise.all(
          [...kinds.keys()].map(async (to) => {
            return from === to ? undefined : Link.open(linkPort(from, to), adminPorts[to]!);
          }),
        ),
      ),
    );
    // The first node makes the CA; the others get its files before they start.
    const first = await create(0);
    first.launch();
    await untilMade(first);
    const nodes = [first, ...(await Promise.all(others(0).map(create)))];
    for (const node of nodes.slice(1)) node.launch();
    const balancer = await startBalancer(balancerPort, identity, acmePorts, options.pick);
    const origins = acmePorts.map((port) => `http://127.0.0.1:${port}`);
    const trustFile = identity.certificateFile;
    const cluster = new TestCluster(
      { baseUrl, trustFile, nodes, origins, balancer, links },
      databases,
    );
    await Promise.all(nodes.map(untilReady));
    return cluster;
  }

  /** What each node says of itself. */
  async status(node: number): Promise<NodeStatus | undefined> {
    const text = await getText(`${this.nodes[node]!.adminUrl}/admin/gossip/status`);
    return text === undefined ? undefined : (JSON.parse(text) as NodeStatus);
  }

  /** Waits until all nodes have seen the same and have the same digest; how long that took, ms. */
  async settled(limitMs: number): Promise<number> {
    const startedMs = performance.now();
    for (;;) {
      const all = await Promise.all(this.nodes.map((_, node) => this.status(node)));
      const digests = all.map((one) => JSON.stringify(one?.digest));
      const lags = all.flatMap((one) => one?.members ?? [{ lagEvents: null }]);
      const isSame = digests.every((digest) => digest !== undefined && digest === digests[0]);
      const isCovered = lags.every(({ lagEvents: lag }) => lag?.there === 0 && lag.here === 0);
      if (isSame && isCovered) return performance.now() - startedMs;
      if (performance.now() > startedMs + limitMs) {
        throw new Error(`after ${limitMs} ms the digests are ${digests.join(' ')}`);
      }
      await sleep(POLL_MS);
    }
  }

  async close(): Promise<void> {
    this.balancer.close();
    await Promise.all(this.nodes.map((node) => node.stop()));
    for (const link of this.links.flat()) link?.close();
    for (const database of this.#databases) await database.drop();
  }
}

async function untilMade(akamu: AkamuProcess): Promise<void> {
  await until(akamu, 'make its CA', async () => {
    return (await getText(`${akamu.adminUrl}/healthz`)) !== undefined;
  });
}

export async function untilReady(akamu: AkamuProcess): Promise<void> {
  await until(akamu, 'get ready', async () => {
    return (await getText(`${akamu.adminUrl}/readyz`)) !== undefined;
  });
}

async function until(
  akamu: AkamuProcess,
  what: string,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + READY_LIMIT_MS;
  while (akamu.isRunning && performance.now() < endMs) {
    if (await isDone()) return;
    await sleep(POLL_MS);
  }
  throw new Error(`a node did not ${what}; its last output:\n${akamu.logTail()}`);
}
