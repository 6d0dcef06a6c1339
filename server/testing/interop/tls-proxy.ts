// A reverse proxy as operators put it in front of the server: TLS towards clients, plain HTTP
// behind, and a Host header that is not the public name.
// Invariant: it changes nothing else, so that whatever clients see of names comes from base_url.
// Never here: caching, more than one server behind.

import { readFileSync } from 'node:fs';
import { request as forward, type RequestOptions } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TlsIdentity } from '../../../bench/tls-identity.ts';

/** Where the server listens: a TCP port of 127.0.0.1, or a Unix socket. */
export type Behind = { readonly port: number } | { readonly socketPath: string };

/** Starts the proxy on `port` of 127.0.0.1. */
export async function startTlsProxy(
  port: number,
  behind: Behind,
  identity: TlsIdentity,
): Promise<Server> {
  const credentials = {
    cert: readFileSync(identity.certificateFile),
    key: readFileSync(identity.keyFile),
  };
  const proxy = createServer(credentials, (incoming, outgoing) => {
    const options: RequestOptions = {
      ...behind,
      host: '127.0.0.1',
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: { ...incoming.headers, host: 'backend.internal', 'x-forwarded-for': '127.0.0.1' },
    };
    const request = forward(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    request.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(request);
  });
  await new Promise<void>((resolve, reject) => {
    proxy.once('error', reject);
    proxy.listen(port, '127.0.0.1', resolve);
  });
  return proxy;
}
