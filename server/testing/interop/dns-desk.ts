// Where clients hand in the TXT records of dns-01 (RFC 8555 §8.4): an HTTP endpoint in front of the
// DNS server the validators ask, in the form lego's `httpreq` provider speaks and a certbot hook
// can speak with curl. Invariant: one name may have many values; taking one back leaves the others.
// Never here: what a right value is.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DnsServer } from '../../../io/validate/testing/dns-server.ts';

const MAX_BODY_CHARACTERS = 4_096;

export class DnsDesk {
  readonly dns: DnsServer = new DnsServer();
  readonly #texts = new Map<string, readonly string[]>();
  readonly #server: Server;
  #dnsAddress = '';

  constructor() {
    this.#server = createServer((request, response) => {
      this.#take(request).then(
        () => response.end('{}'),
        (error: unknown) => response.writeHead(400).end(String(error)),
      );
    });
  }

  async open(): Promise<void> {
    this.#dnsAddress = await this.dns.listen();
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** `address:port` of the DNS server. */
  get dnsAddress(): string {
    return this.#dnsAddress;
  }

  /** Takes POST `/present` and `/cleanup` with `{"fqdn": …, "value": …}` below it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A name that is this machine. */
  addHost(name: string): void {
    this.dns.set(name, 'A', ['127.0.0.1']);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.dns.close();
  }

  async #take(request: IncomingMessage): Promise<void> {
    let body = '';
    for await (const chunk of request) {
      body += String(chunk);
      if (body.length > MAX_BODY_CHARACTERS) throw new Error('too long');
    }
    const { fqdn, value } = JSON.parse(body) as Record<string, unknown>;
    if (typeof fqdn !== 'string' || typeof value !== 'string') throw new Error('no fqdn or value');
    const name = fqdn.replace(/\.$/, '').toLowerCase();
    const others = (this.#texts.get(name) ?? []).filter((text) => text !== value);
    if (request.url === '/present') this.#set(name, [...others, value]);
    else if (request.url === '/cleanup') this.#set(name, others);
    else throw new Error(`no such path: ${request.url}`);
  }

  #set(name: string, values: readonly string[]): void {
    this.#texts.set(name, values);
    if (values.length > 0) this.dns.set(name, 'TXT', values);
    else this.dns.delete(name, 'TXT');
  }
}
