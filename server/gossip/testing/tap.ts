// A proxy before a node's admin listener: keeps what passes, and can spoil it.
// Invariant: what is not spoilt passes octet for octet, but no other protocol does: as with most
// proxies, the headers that ask for one end here (RFC 9110 §7.6.1). Never here: opinions about it.

import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { freeStablePort } from '../../testing/ports.ts';

export interface Passed {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Tap {
  readonly url: string;
  /** Requests, oldest first. */
  readonly passed: readonly Passed[];
  /** Changes answers from now on. */
  spoil(change: ((path: string, body: Buffer) => Buffer) | undefined): void;
  /** Sends what comes from now on to another node. */
  aim(url: string): void;
  close(): Promise<void>;
}

export async function startTap(firstUrl: string): Promise<Tap> {
  let targetUrl = firstUrl;
  const passed: Passed[] = [];
  let change: ((path: string, body: Buffer) => Buffer) | undefined;
  const server: Server = createServer(async (incoming, outgoing) => {
    const path = incoming.url ?? '';
    const body = await collect(incoming);
    passed.push({ path, headers: incoming.headers, body });
    const { method } = incoming;
    const { connection: _, upgrade: __, ...headers } = incoming.headers;
    const forwarded = request(`${targetUrl}${path}`, { method: method!, headers });
    forwarded.on('error', () => outgoing.destroy());
    forwarded.on('response', async (answer) => {
      const whole = await collect(answer);
      const told = change?.(path, whole) ?? whole;
      const { 'content-length': _, ...rest } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 500, { ...rest, 'content-length': told.length });
      outgoing.end(told);
    });
    forwarded.end(body);
  });
  const port = await freeStablePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    passed,
    spoil: (wanted) => {
      change = wanted;
    },
    aim: (url) => {
      targetUrl = url;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function collect(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
