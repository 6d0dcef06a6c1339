// Opening and closing listening sockets: TCP or Unix, with errors an operator can act on.
// Invariant: a Unix socket is private to its owner and group, and a stale one is replaced only
// when nobody answers on it; a file of any other kind is never touched. Never here: requests.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server, ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type ListenAddress, parseListenAddress } from '../io/config/address.ts';
import { InFlight } from '../io/in-flight.ts';
import { OperatorError } from '../io/operator-error.ts';

const FIXES: { readonly [code: string]: string } = {
  EADDRINUSE: 'another process listens there; stop it or choose another address',
  EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE; choose another port or grant it',
  EADDRNOTAVAIL: 'this host does not have that address',
};

/** How often a server that is draining looks for connections without a request. */
const IDLE_CHECK_MS = 50;

/** Answers not yet given, by server. */
const underWay = new WeakMap<Server, InFlight<ServerResponse>>();

/** Starts listening and returns the address in use, as text. */
export async function listen(server: Server, text: string, key: string): Promise<string> {
  const address = parseListenAddress(text);
  if (address === undefined)
    throw new OperatorError(`${key}: "${text}" is no address to listen on`);
  follow(server);
  try {
    if (address.kind === 'unix') await removeStaleSocket(address.path);
    await bind(server, address);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new OperatorError(`${key} = "${text}": ${FIXES[code] ?? message}`);
  }
  if (address.kind === 'unix') {
    chmodSync(address.path, 0o660);
    return text;
  }
  const { address: host, port } = server.address() as AddressInfo;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Takes no new connections, lets requests under way finish, and ends the rest after `graceMs`. A
 * client that goes on asking on its connection is told to leave it with its next answer.
 */
export function drain(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    const sweeper = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    const makeLast = (reply: ServerResponse): void => {
      reply.shouldKeepAlive = false;
    };
    underWay.get(server)?.members().forEach(makeLast);
    server.prependListener('request', (_, reply: ServerResponse) => makeLast(reply));
    server.close(() => {
      clearTimeout(timer);
      clearInterval(sweeper);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** Keeps count of what is not answered yet, for `drain`. */
function follow(server: Server): void {
  const replies = new InFlight<ServerResponse>();
  underWay.set(server, replies);
  server.prependListener('request', (_, reply: ServerResponse) => {
    const ticket = replies.add(reply);
    reply.once('close', () => replies.take(ticket));
  });
}

function bind(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.kind === 'unix' ? { path: address.path } : address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * A socket file left by a crash would keep us from listening; one in use must not be taken. Linux
 * refuses connections to files of every kind alike, so the kind is looked at first.
 */
async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error('a file that is no socket is there; choose another path');
  const isStale = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
  if (isStale) unlinkSync(path);
}
