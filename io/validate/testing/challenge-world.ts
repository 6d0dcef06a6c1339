// A small internet on loopback for tests: a DNS server, an HTTP and an HTTPS server, and validators
// pointed at them with short times. Invariant: closing the world leaves nothing listening. Never
// here: what a validator is expected to say.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import type {
  ChallengeType,
  ValidationFailure,
  ValidationRequest,
  ValidationResult,
} from '../../../core/acme/validation.ts';
import type { ValidationLimits } from '../limits.ts';
import { createValidator, type Validator, type ValidatorOptions } from '../validator.ts';
import { makeChallengeCertificate } from './certificate.ts';
import { DnsServer } from './dns-server.ts';

export const TOKEN = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
export const KEY_AUTHORIZATION: string = `${TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI`;
export const CHALLENGE_PATH: string = `/.well-known/acme-challenge/${TOKEN}`;

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** No retries and short waits, so that a failure is told at once. */
export const SHORT: Partial<ValidationLimits> = {
  overallMs: 2_000,
  attemptMs: 400,
  connectMs: 200,
  dnsTimeoutMs: 300,
  dnsTries: 1,
  retryDelaysMs: [],
};

/** Throws unless the validation failed with this problem and a detail like this. */
export function expectFailure(
  result: ValidationResult,
  problem: ValidationFailure,
  detail: RegExp,
): void {
  if (result.ok) throw new Error(`succeeded, where ${problem} ${detail} was expected`);
  if (result.problem === problem && detail.test(result.detail)) return;
  throw new Error(`${result.problem}: ${result.detail}\nis not ${problem}: ${detail}`);
}

export class ChallengeWorld {
  readonly dns: DnsServer = new DnsServer();
  /** What the HTTP server does; the HTTPS server does the same. */
  handler: Handler = (_request, response) => response.end(KEY_AUTHORIZATION);
  httpPort = 0;
  httpsPort = 0;
  dnsAddress = '';
  readonly #servers: NetServer[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #validators: Validator[] = [];

  async open(): Promise<void> {
    this.dnsAddress = await this.dns.listen();
    const handle: Handler = (request, response) => this.handler(request, response);
    const plain: Server = createServer(handle);
    const identity = makeChallengeCertificate({ names: [{ type: 'dns', value: 'other.test' }] });
    this.httpPort = await this.listen(plain);
    this.httpsPort = await this.listen(createSecureServer(identity, handle));
  }

  /** Starts a server that closes with the world; its port. */
  async listen(server: NetServer, address = '127.0.0.1'): Promise<number> {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** A validator of this world; `limits` are merged into SHORT. */
  validator(changes: Partial<ValidatorOptions> = {}): Validator {
    const validator = createValidator({
      httpPort: this.httpPort,
      httpsPort: this.httpsPort,
      allowPrivateIps: true,
      dnsServers: [this.dnsAddress],
      ...changes,
      limits: { ...SHORT, ...changes.limits },
    });
    this.#validators.push(validator);
    return validator;
  }

  /** What a validator is asked, for `name` or an IP address. */
  request(
    type: ChallengeType,
    name: string,
    changes: Partial<ValidationRequest> = {},
  ): ValidationRequest {
    const isAddress = name.includes(':') || /^[\d.]+$/.test(name);
    return {
      type,
      identifier: { type: isAddress ? 'ip' : 'dns', value: name },
      wildcard: false,
      token: TOKEN,
      keyAuthorization: KEY_AUTHORIZATION,
      accountUrl: 'https://ca.test/acme/account/1',
      caaIdentities: [],
      ...changes,
    };
  }

  async close(): Promise<void> {
    for (const validator of this.#validators) validator.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.dns.close();
    for (const server of this.#servers) {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  }
}
