// certbot as an operator uses it: one set of its directories, one server.
// Invariant: it trusts only the certificate it is told to and touches only its own directories.
// Never here: expectations.

import { join } from 'node:path';
import type { AkamuProcess } from '../akamu-process.ts';
import type { Issued } from './openssl.ts';
import { fail, succeed } from './program.ts';
import type { Stage } from './stage.ts';

export class Certbot {
  readonly #stage: Stage;
  readonly #akamu: AkamuProcess;
  readonly #home: string;
  readonly #trustFile: string;

  /** `name` tells installations on one stage apart. */
  constructor(stage: Stage, akamu: AkamuProcess, name = 'certbot', trustFile = akamu.rootFile) {
    this.#stage = stage;
    this.#akamu = akamu;
    this.#home = stage.path(name);
    this.#trustFile = trustFile;
  }

  /** Runs a certbot command that has to succeed; what it printed. */
  run(...args: readonly string[]): Promise<string> {
    return succeed('certbot', [...args, ...this.#common()], this.#environment());
  }

  /** Runs a certbot command that has to fail for the given reason. */
  refuses(why: RegExp, ...args: readonly string[]): Promise<void> {
    return fail(why, 'certbot', [...args, ...this.#common()], this.#environment());
  }

  /** Arguments that order a certificate over http-01 with certbot's own web server. */
  http01(names: readonly string[], ...more: readonly string[]): string[] {
    const port = String(this.#stage.httpPort);
    return ['certonly', '--standalone', '--http-01-port', port, ...order(names), ...more];
  }

  /** Arguments that order a certificate over dns-01 with hooks that speak to the DNS desk. */
  dns01(names: readonly string[], ...more: readonly string[]): string[] {
    const hook = (path: string): string =>
      `curl -fsS ${this.#stage.desk.url}/${path} -d ` +
      `'{"fqdn":"_acme-challenge.'"$CERTBOT_DOMAIN"'.","value":"'"$CERTBOT_VALIDATION"'"}'`;
    return [
      ...['certonly', '--manual', '--preferred-challenges', 'dns'],
      ...['--manual-auth-hook', hook('present'), '--manual-cleanup-hook', hook('cleanup')],
      ...order(names),
      ...more,
    ];
  }

  /** The current certificate of a lineage, which certbot names after its first name. */
  issued(lineage: string): Issued {
    return { chainFile: this.file(lineage, 'fullchain.pem'), akamu: this.#akamu };
  }

  /** The `version`th certificate of a lineage, counted from 1. */
  archived(lineage: string, version: number): Issued {
    const file = `fullchain${version}.pem`;
    return { chainFile: join(this.#home, 'config/archive', lineage, file), akamu: this.#akamu };
  }

  file(lineage: string, name: string): string {
    return join(this.#home, 'config/live', lineage, name);
  }

  #common(): string[] {
    return [
      ...['--config-dir', join(this.#home, 'config'), '--work-dir', join(this.#home, 'work')],
      ...['--logs-dir', join(this.#home, 'logs'), '--server', this.#akamu.directoryUrl],
      '--non-interactive',
    ];
  }

  #environment(): Record<string, string> {
    return { HOME: this.#home, REQUESTS_CA_BUNDLE: this.#trustFile };
  }
}

function order(names: readonly string[]): string[] {
  const account = ['--agree-tos', '--register-unsafely-without-email'];
  return [...account, ...names.flatMap((name) => ['-d', name])];
}
