// What a newcomer needs to get a first certificate, printed once the server listens.
// Invariant: it names no file that is not there and no port that is not probed; where every line is
// an object for a program, there is none. Never here: events, which are for the log.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../io/config/index.ts';

const HTTP_PORT = 80;

/** The text to print; empty when nobody would read it. */
export function greeting({ baseUrl, ca, log, server }: Config): string {
  if (log.format === 'json') return '';
  const directory = `${baseUrl}/acme/directory`;
  const root = resolve(ca.find(({ isDefault }) => isDefault)!.rootCertFile);
  const hasRoot = existsSync(root);
  const port = server.httpValidationPort;
  const option = port === HTTP_PORT ? '' : `--http-01-port ${port} `;
  return `
  ACME directory    ${directory}
${hasRoot ? `  root certificate  ${root}\n` : ''}
  Get a certificate (on the host that owns the name; it listens on port ${port} for a moment):

    ${hasRoot ? `REQUESTS_CA_BUNDLE=${root} ` : ''}certbot certonly --standalone ${option}\\
      --server ${directory} --agree-tos --register-unsafely-without-email -d NAME

`;
}
