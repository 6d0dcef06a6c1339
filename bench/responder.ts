// The web server that http-01 challenges are validated against (RFC 8555 §8.3), as light as it
// gets: a raw TCP server that reads the request line and nothing else.
// Invariant: it answers a token with exactly the key authorization the load client has noted for
// it.
// Never here: host names. Every name is this machine; the token alone decides.

import { createServer, type Server, type Socket } from 'node:net';

const PATH_PREFIX = 'GET /.well-known/acme-challenge/';
const MAX_REQUEST_BYTES = 8192;

export interface Responder {
  readonly port: number;
  /** Key authorization by token; the load client adds before the challenge and removes after. */
  readonly keyAuthorizations: Map<string, string>;
  /** How many requests found their key authorization. */
  readonly answered: () => number;
  close(): void;
}

/** Listens on a free TCP port of 127.0.0.1. */
export async function startResponder(): Promise<Responder> {
  const keyAuthorizations = new Map<string, string>();
  const sockets = new Set<Socket>();
  let answered = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket, keyAuthorizations, () => answered++);
  });
  await listen(server);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: address.port, keyAuthorizations, answered: () => answered, close };
}

/** The token a request asks for, or undefined when it asks for something else. */
export function tokenOf(request: string): string | undefined {
  if (!request.startsWith(PATH_PREFIX)) return undefined;
  const end = request.indexOf(' ', PATH_PREFIX.length);
  return end < 0 ? undefined : request.slice(PATH_PREFIX.length, end);
}

function serve(socket: Socket, known: ReadonlyMap<string, string>, onAnswer: () => void): void {
  let request = '';
  socket.on('data', (chunk) => {
    request += chunk.toString('latin1');
    if (request.length > MAX_REQUEST_BYTES) socket.destroy();
    if (!request.includes('\r\n\r\n')) return;
    const body = known.get(tokenOf(request) ?? '');
    if (body !== undefined) onAnswer();
    socket.end(body === undefined ? reply('404 Not Found', '') : reply('200 OK', body));
  });
}

function reply(status: string, body: string): string {
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/octet-stream\r\n`;
  return `${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', 1024, resolve);
  });
}
