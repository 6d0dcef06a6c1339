// lego as an operator uses it: one directory, one server.
// Invariant: it trusts only the certificate it is told to and touches only its own directory.
// Never here: expectations.

import { join } from 'node:path';
import type { AkamuProcess } from '../akamu-process.ts';
import type { Issued } from './openssl.ts';
import { fail, succeed } from './program.ts';
import type { Stage } from './stage.ts';

/** Global options that say how control is proven. */
export type Proof = 'http-01' | 'tls-alpn-01' | 'dns-01';

export class Lego {
  readonly #stage: Stage;
  readonly #akamu: AkamuProcess;
  readonly #home: string;
  readonly #trustFile: string;

  /** `name` tells installations on one stage apart. */
  constructor(stage: Stage, akamu: AkamuProcess, name = 'lego', trustFile = akamu.rootFile) {
    this.#stage = stage;
    this.#akamu = akamu;
    this.#home = stage.path(name);
    this.#trustFile = trustFile;
  }

  /** Runs a lego command (its own options last) that has to succeed; what it printed. */
  run(
    names: readonly string[],
    proof: Proof,
    globals: readonly string[],
    ...command: readonly string[]
  ): Promise<string> {
    return succeed('lego', this.#arguments(names, proof, globals, command), this.#environment());
  }

  /** Runs a lego command that has to fail for the given reason. */
  refuses(
    why: RegExp,
    names: readonly string[],
    proof: Proof,
    globals: readonly string[],
    ...command: readonly string[]
  ): Promise<void> {
    return fail(why, 'lego', this.#arguments(names, proof, globals, command), this.#environment());
  }

  /** The current certificate, which lego names after its first name. */
  issued(firstName: string): Issued {
    const file = `${firstName.replace('*', '_').replaceAll(':', '-')}.crt`;
    return { chainFile: join(this.#home, 'certificates', file), akamu: this.#akamu };
  }

  #arguments(
    names: readonly string[],
    proof: Proof,
    globals: readonly string[],
    command: readonly string[],
  ): string[] {
    return [
      ...['--server', this.#akamu.directoryUrl, '--path', this.#home, '--accept-tos'],
      ...['--email', 'operator@example.test', ...this.#proof(proof), ...globals],
      ...names.flatMap((name) => ['--domains', name]),
      ...command,
    ];
  }

  #proof(proof: Proof): string[] {
    switch (proof) {
      case 'http-01':
        return ['--http', '--http.port', `:${this.#stage.httpPort}`];
      case 'tls-alpn-01':
        return ['--tls', '--tls.port', `:${this.#stage.tlsAlpnPort}`];
      case 'dns-01': {
        const resolvers = ['--dns.resolvers', this.#stage.desk.dnsAddress, '--dns.disable-cp'];
        return ['--dns', 'httpreq', ...resolvers];
      }
    }
  }

  #environment(): Record<string, string> {
    return {
      HOME: this.#home,
      LEGO_CA_CERTIFICATES: this.#trustFile,
      HTTPREQ_ENDPOINT: this.#stage.desk.url,
      HTTPREQ_POLLING_INTERVAL: '1',
      HTTPREQ_PROPAGATION_TIMEOUT: '5',
    };
  }
}
