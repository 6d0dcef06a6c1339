// Nodes of a cluster under test, configured as an operator would: a database each, the CA's files of
// the first one, and, where somebody wants to know how much nodes say to each other, links that count
// it. A link is a part of the load's process, so without need it would only cost time.
// Invariant: nobody calls a node past its link. Never here: loads, figures.

import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Link } from './link.ts';
import { freePorts, getText, ServerProcess } from './server-process.ts';
import type { World } from './world.ts';

export interface NodeOptions {
  readonly name: string;
  /** Under which the cluster is known to clients; absent: the node's own address. */
  readonly baseUrl?: string;
  /** Absent: an SQLite file. */
  readonly databaseUrl?: string;
  /** Absent: the default of the configuration. */
  readonly intervalSecs?: number;
  /** What others say to it goes through a link. */
  readonly isLinked?: boolean;
}

const ENTRY_POINT = fileURLToPath(new URL('../server/main.js', import.meta.url));
const POLL_MS = 20;
const DEFAULT_INTERVAL_SECS = 15;

export class ClusterNode {
  readonly name: string;
  readonly directory: string;
  /** Where it answers ACME requests itself. */
  readonly origin: string;
  readonly baseUrl: string;
  readonly adminUrl: string;
  /** What others call, and what it says of itself: the near end of its link, if it has one. */
  readonly peerUrl: string;
  readonly #link: Link | undefined;
  readonly #world: World;
  readonly #options: NodeOptions;
  #process: ServerProcess | undefined;

  private constructor(
    world: World,
    options: NodeOptions,
    ports: readonly number[],
    link: Link | undefined,
  ) {
    const [port = 0, adminPort = 0, linkPort = 0] = ports;
    this.name = options.name;
    this.directory = join(world.directory, options.name);
    this.origin = `http://127.0.0.1:${port}`;
    this.baseUrl = options.baseUrl ?? this.origin;
    this.adminUrl = `http://127.0.0.1:${adminPort}`;
    this.#link = link;
    this.peerUrl = link === undefined ? this.adminUrl : `http://127.0.0.1:${linkPort}`;
    this.#world = world;
    this.#options = options;
  }

  /** Chooses addresses; starts nothing. `sameCa`: whose CA files it gets. */
  static async create(
    world: World,
    options: NodeOptions,
    sameCa?: ClusterNode,
  ): Promise<ClusterNode> {
    const ports = await freePorts(3);
    const link = options.isLinked ? await Link.open(ports[2]!, ports[1]!) : undefined;
    const node = new ClusterNode(world, options, ports, link);
    mkdirSync(node.directory, { recursive: true });
    if (sameCa !== undefined) {
      cpSync(sameCa.caDirectory, node.caDirectory, { recursive: true });
    }
    return node;
  }

  get caDirectory(): string {
    return join(this.directory, 'ca');
  }

  get databaseFile(): string {
    return join(this.directory, 'akamu.db');
  }

  /** Octets others and this node have said to each other through its link. */
  get octets(): number {
    return this.#link?.octets ?? 0;
  }

  get pid(): number {
    return this.#running.pid;
  }

  get directoryUrl(): string {
    return `${this.baseUrl}/acme/directory`;
  }

  /** Starts it with these peers and waits for `readyPath`: `/healthz` is there before it is in sync. */
  async start(
    peers: readonly ClusterNode[],
    readyPath: '/readyz' | '/healthz' = '/readyz',
  ): Promise<void> {
    const configFile = join(this.directory, 'akamu.toml');
    writeFileSync(configFile, this.#configuration(peers));
    this.#process = await ServerProcess.start({
      name: this.name,
      command: process.execPath,
      args: [...nodeFlags(this.name), ENTRY_POINT, 'serve', '--config', configFile],
      logFile: join(this.directory, 'akamu.log'),
      readyUrl: `${this.adminUrl}${readyPath}`,
    });
  }

  async isReady(): Promise<boolean> {
    return (await getText(`${this.adminUrl}/readyz`)) !== undefined;
  }

  async untilReady(limitMs: number): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (performance.now() < endMs && !this.#running.hasEnded) {
      if (await this.isReady()) return;
      await sleep(POLL_MS);
    }
    throw new Error(`${this.name} did not get ready; its last output:\n${this.#running.logTail()}`);
  }

  logTail(): string {
    return this.#running.logTail();
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }

  /** Stops it for good. */
  async close(): Promise<void> {
    await this.stop();
    this.#link?.close();
  }

  get #running(): ServerProcess {
    if (this.#process === undefined) throw new Error(`${this.name} is not running`);
    return this.#process;
  }

  #configuration(peers: readonly ClusterNode[]): string {
    const { names, responder } = this.#world;
    const text = (value: string): string => JSON.stringify(value);
    const file = (name: string): string => text(join(this.caDirectory, name));
    return `${[
      `listen_addr = "${this.origin.slice('http://'.length)}"`,
      `base_url = ${text(this.baseUrl)}`,
      '[database]',
      `url = ${text(this.#options.databaseUrl ?? `sqlite://${this.databaseFile}`)}`,
      '[[ca]]',
      'id = "default"',
      `key_file = ${file('key.pem')}`,
      `cert_file = ${file('cert.pem')}`,
      'key_type = "ec:P-256"',
      '[server]',
      `dns_resolver_addr = "127.0.0.1:${names.port}"`,
      `http_validation_port = ${responder.port}`,
      'http_validation_allow_private_ips = true',
      '[admin]',
      `listen_addr = "${this.adminUrl.slice('http://'.length)}"`,
      '[tls]',
      'enabled = false',
      '[gossip]',
      `interval_secs = ${this.#options.intervalSecs ?? DEFAULT_INTERVAL_SECS}`,
      `advertise_url = ${text(this.peerUrl)}`,
      `peers = [${peers.map(({ peerUrl }) => text(peerUrl)).join(', ')}]`,
    ].join('\n')}\n`;
  }
}

/** Arguments of Node.js itself for a node, to profile it: AKAMU_BENCH_NODE_FLAGS="C=--cpu-prof". */
function nodeFlags(name: string): readonly string[] {
  const flags = (process.env['AKAMU_BENCH_NODE_FLAGS'] ?? '').split(';');
  const own = flags.find((text) => text.startsWith(`${name}=`));
  return own === undefined ? [] : own.slice(name.length + 1).split(' ');
}
