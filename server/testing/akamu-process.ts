// The real server as a child process, with a configuration and files of its own in one directory,
// for tests that treat it as operators and clients do. It can be killed and started again.
// Invariant: whatever happens to this process, the child does not outlive it.
// Never here: imports from the product; only its front door is used.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerProcess } from '../../bench/server-process.ts';
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
  /** Given: the server speaks plain HTTP at `listen`, and clients find it at `baseUrl`. */
  readonly behindProxy?: { readonly baseUrl: string; readonly listen: string };
}

const ENTRY_POINT = fileURLToPath(new URL('../main.js', import.meta.url));

export class AkamuProcess {
  readonly directory: string;
  readonly baseUrl: string;
  readonly adminUrl: string;
  readonly directoryUrl: string;
  readonly rootFile: string;
  readonly issuerFile: string;
  readonly logFile: string;
  readonly #configFile: string;
  #process: ServerProcess | undefined;

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
    const listen = behindProxy?.listen ?? `127.0.0.1:${port}`;
    writeFileSync(
      this.#configFile,
      configuration(options, { listen, adminPort, baseUrl: this.baseUrl }),
    );
  }

  /** Chooses addresses and writes the configuration; starts nothing. */
  static async create(options: AkamuOptions): Promise<AkamuProcess> {
    const [port = 0, adminPort = 0] = await freeStablePorts(2);
    return new AkamuProcess(options, port, adminPort);
  }

  /** The same, and starts it. */
  static async start(options: AkamuOptions): Promise<AkamuProcess> {
    const akamu = await AkamuProcess.create(options);
    await akamu.start();
    return akamu;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !this.#process.hasEnded;
  }

  /** The end of everything it has printed so far. */
  logTail(): string {
    return this.#process?.logTail() ?? '';
  }

  /** Starts it, and settles when `/readyz` answers 200: how long that took, ms. */
  async start(): Promise<number> {
    const startedMs = performance.now();
    this.#process = await ServerProcess.start({
      name: 'akamu',
      command: process.execPath,
      args: [ENTRY_POINT, 'serve', '--config', this.#configFile],
      logFile: this.logFile,
      readyUrl: `${this.adminUrl}/readyz`,
    });
    return performance.now() - startedMs;
  }

  /** SIGTERM, and SIGKILL when that does not end it. */
  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
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
    `url = ${text(`sqlite://${join(directory, 'akamu.db')}`)}`,
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
    '[server.eab_keys]',
    ...Object.entries(eabKeys ?? {}).map(([kid, key]) => `${text(kid)} = ${text(key)}`),
  ];
  return `${lines.join('\n')}\n`;
}
