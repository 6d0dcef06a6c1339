// What one scenario plays on: a directory and a server of its own, ports its clients answer
// challenges on, and the DNS all scenarios share.
// Invariant: two scenarios share nothing but DNS, where each has a domain of its own.
// Never here: clients, expectations.

import { mkdirSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { type AkamuOptions, AkamuProcess } from '../akamu-process.ts';
import { freeStablePorts } from '../ports.ts';
import type { DnsDesk } from './dns-desk.ts';

export type ServerOptions = Pick<
  AkamuOptions,
  'caKeyType' | 'eabKeys' | 'behindProxy' | 'recordDir'
>;

export class Stage {
  readonly directory: string;
  readonly desk: DnsDesk;
  readonly httpPort: number;
  readonly tlsAlpnPort: number;
  readonly #domain: string;
  readonly #closers: (() => unknown)[] = [];
  readonly #servers: AkamuProcess[] = [];

  private constructor(directory: string, desk: DnsDesk, ports: readonly number[], domain: string) {
    this.directory = directory;
    this.desk = desk;
    this.#domain = domain;
    this.httpPort = ports[0]!;
    this.tlsAlpnPort = ports[1]!;
  }

  /** `name` becomes a directory below `parent` and a domain. */
  static async open(name: string, parent: string, desk: DnsDesk): Promise<Stage> {
    const directory = join(parent, name);
    mkdirSync(directory, { recursive: true });
    return new Stage(directory, desk, await freeStablePorts(2), `${name}.example.test`);
  }

  /** A name of this scenario's domain that resolves to this machine. */
  host(label: string): string {
    const name = `${label}.${this.#domain}`;
    this.desk.addHost(name);
    return name;
  }

  /** A server that validates against this scenario's ports; it ends with the scenario. */
  async server(options: ServerOptions = {}): Promise<AkamuProcess> {
    const akamu = await AkamuProcess.start({
      ...options,
      directory: this.path(`akamu-${this.#servers.length + 1}`),
      dnsAddress: this.desk.dnsAddress,
      httpPort: this.httpPort,
      tlsAlpnPort: this.tlsAlpnPort,
    });
    this.#servers.push(akamu);
    this.#closers.push(() => akamu.stop());
    return akamu;
  }

  /** Closes a listener when the scenario ends. */
  own(server: Server & { closeAllConnections?: () => void }): void {
    this.#closers.push(() => {
      server.close();
      server.closeAllConnections?.();
    });
  }

  /** The end of what the servers of this scenario have printed. */
  serverLogs(): string {
    return this.#servers.map((akamu) => akamu.logTail()).join('\n');
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }
}
