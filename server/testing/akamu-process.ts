// The real server as a child process, with a configuration and files of its own in one directory,
// for tests that treat it as operators and clients do. It can be killed and started again.
// Invariant: whatever happens to this process, the child does not outlive it.
// Never here: imports from the product; only its front door is used.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { atExit } from '../../bench/scope.ts';
import { getText } from '../../bench/server-process.ts';
import { freeStablePorts } from './ports.ts';

export interface AkamuOptions {
  /** Made when it is missing; everything the server writes is in here. */
  readonly directory: string;
  /** `address:port` of the DNS server the validators ask. */
  readonly dnsAddress: string;
  readonly httpPort: number;
  readonly tlsAlpnPort: number;
  readonly caKeyType?: string;
  /** Given: new accounts need one of these keys (key identifier to HMAC key in base64url). */
  readonly eabKeys?: Readonly<Record<string, string>>;
  /** Given: what goes through the core's door is recorded here. */
  readonly recordDir?: string;
  /** Absent: an SQLite file in the directory. */
  readonly databaseUrl?: string;
  /** Absent: a free port. */
  readonly adminPort?: number;
  /** Given: the node is part of a cluster. Settings of [gossip] by their TOML names. */
  readonly gossip?: Readonly<Record<string, number | string | readonly string[]>>;
  /** Given: the CA files of this directory are copied, as an operator does for a new node. */
  readonly caFrom?: string;
  /** Given: the server speaks plain HTTP at `listen`, and clients find it at `baseUrl`. */
  readonly behindProxy?: { readonly baseUrl: string; readonly listen: string };
}

const ENTRY_POINT = fileURLToPath(new URL('../main.js', import.meta.url));
const READY_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 8_000;
const POLL_MS = 5;
const LOG_TAIL_CHARACTERS = 3_000;

export class AkamuProcess {
  readonly directory: string;
  readonly baseUrl: string;
  readonly adminUrl: string;
  readonly directoryUrl: string;
  readonly rootFile: string;
  readonly issuerFile: string;
  readonly logFile: string;
  readonly #configFile: string;
  #child: ChildProcess | undefined;

  private constructor(options: AkamuOptions, port: number, adminPort: number) {
    const { directory, behindProxy } = options;
    this.directory = directory;
    this.baseUrl = behindProxy?.baseUrl ?? `https://localhost:${port}`;
    this.adminUrl = `http://127.0.0.1:${adminPort}`;
    this.directoryUrl = `${this.baseUrl}/acme/directory`;
    this.rootFile = join(directory, 'ca', 'root.pem');
    this.issuerFile = join(directory, 'ca', 'cert.pem');
    this.logFile = join(directory, 'akamu.log');
    this.#configFile = join(directory, 'akamu.toml');
    mkdirSync(directory, { recursive: true });
    if (options.caFrom !== undefined)
      cpSync(options.caFrom, join(directory, 'ca'), { recursive: true });
    const listen = behindProxy?.listen ?? `127.0.0.1:${port}`;
    writeFileSync(
      this.#configFile,
      configuration(options, { listen, adminPort, baseUrl: this.baseUrl }),
    );
  }

  /** Chooses addresses and writes the configuration; starts nothing. */
  static async create(options: AkamuOptions): Promise<AkamuProcess> {
    const [port = 0, adminPort = 0] = await freeStablePorts(2);
    return new AkamuProcess(options, port, options.adminPort ?? adminPort);
  }

  /** The same, and starts it. */
  static async start(options: AkamuOptions): Promise<AkamuProcess> {
    const akamu = await AkamuProcess.create(options);
    await akamu.start();
    return akamu;
  }

  get isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** The end of everything it has printed so far. */
  logTail(): string {
    if (!existsSync(this.logFile)) return '';
    return readFileSync(this.logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS);
  }

  /** Why it is not ready, as the admin listener says it; undefined when it is. */
  async unreadiness(): Promise<string | undefined> {
    const reply = await fetch(`${this.adminUrl}/readyz`).catch(() => undefined);
    if (reply === undefined) return 'no answer';
    return reply.ok ? undefined : reply.text();
  }

  /** Starts it and waits until it is ready: how long that took, ms. */
  async start(): Promise<number> {
    const startedMs = performance.now();
    this.launch();
    while (this.isRunning && performance.now() < startedMs + READY_LIMIT_MS) {
      if ((await getText(`${this.adminUrl}/readyz`)) !== undefined) {
        return performance.now() - startedMs;
      }
      await sleep(POLL_MS);
    }
    const what = this.isRunning ? 'did not get ready' : 'ended instead of getting ready';
    throw new Error(`the server ${what}; its last output:\n${this.logTail()}`);
  }

  /** Starts it and does not wait; the arguments are Node.js's own. */
  launch(nodeArguments: readonly string[] = []): void {
    if (this.isRunning) throw new Error('the server runs already');
    const log = openSync(this.logFile, 'a');
    const args = [...nodeArguments, ENTRY_POINT, 'serve', '--config', this.#configFile];
    const child = spawn(process.execPath, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    const forget = atExit(() => child.kill('SIGKILL'));
    child.once('exit', forget);
    this.#child = child;
  }

  /** SIGSTOP: the process stands still and keeps its connections. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** SIGKILL: no chance to finish anything. Settles when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL', STOP_LIMIT_MS);
  }

  /** SIGTERM. Rejects when that does not end it cleanly in time. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const child = this.#child!;
    await this.#end('SIGTERM', STOP_LIMIT_MS);
    if (child.exitCode === 0) return;
    await this.kill();
    throw new Error(`the server did not stop cleanly; its last output:\n${this.logTail()}`);
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM', limitMs: number): Promise<void> {
    if (!this.isRunning) return;
    const child = this.#child!;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await Promise.race([exited, sleep(limitMs, undefined, { ref: false })]);
  }
}

interface Addresses {
  readonly listen: string;
  readonly adminPort: number;
  readonly baseUrl: string;
}

function configuration(options: AkamuOptions, { listen, adminPort, baseUrl }: Addresses): string {
  const { directory, eabKeys } = options;
  const text = (value: string): string => JSON.stringify(value);
  const file = (...names: readonly string[]): string => text(join(directory, ...names));
  const lines = [
    `listen_addr = ${text(listen)}`,
    `base_url = ${text(baseUrl)}`,
    '[database]',
    `url = ${text(options.databaseUrl ?? `sqlite://${join(directory, 'akamu.db')}`)}`,
    '[[ca]]',
    'id = "default"',
    `key_file = ${file('ca', 'key.pem')}`,
    `cert_file = ${file('ca', 'cert.pem')}`,
    `key_type = ${text(options.caKeyType ?? 'ec:P-256')}`,
    '[admin]',
    `listen_addr = "127.0.0.1:${adminPort}"`,
    '[tls]',
    `enabled = ${options.behindProxy === undefined}`,
    '[server]',
    `dns_resolver_addr = ${text(options.dnsAddress)}`,
    `http_validation_port = ${options.httpPort}`,
    `tls_alpn_validation_port = ${options.tlsAlpnPort}`,
    'http_validation_allow_private_ips = true',
    `external_account_required = ${eabKeys !== undefined}`,
    ...(options.recordDir === undefined
      ? []
      : ['[debug]', `record_dir = ${text(options.recordDir)}`]),
    ...gossipLines(options.gossip),
    '[server.eab_keys]',
    ...Object.entries(eabKeys ?? {}).map(([kid, key]) => `${text(kid)} = ${text(key)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function gossipLines(gossip: AkamuOptions['gossip']): readonly string[] {
  if (gossip === undefined) return [];
  const settings = Object.entries(gossip);
  return ['[gossip]', ...settings.map(([name, value]) => `${name} = ${JSON.stringify(value)}`)];
}
