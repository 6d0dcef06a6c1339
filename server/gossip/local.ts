// Whether a request to the admin listener comes from this very host. In a cluster peers reach that
// listener, and it has no operator login yet, so what only an operator may do is for local callers.
// Invariant: a connection from another host never counts as local, and no browser does.
// Never here: authentication of peers.

import type { IncomingMessage } from 'node:http';

/** Undefined for a local caller, else why not. */
export function notLocal(message: IncomingMessage): string | undefined {
  const { origin, 'sec-fetch-site': site } = message.headers;
  if (origin !== undefined || site !== undefined) return 'browsers may not use this';
  const { remoteAddress, localAddress, localPort } = message.socket;
  // A Unix socket has no addresses: who may open it, its mode has decided.
  if (remoteAddress === undefined && localPort === undefined) return undefined;
  if (remoteAddress === undefined) return 'the connection is gone';
  // A host that calls an address of its own does so from that address.
  if (isLoopback(remoteAddress) || remoteAddress === localAddress) return undefined;
  return 'only callers on this host may do this, through loopback or a Unix socket';
}

function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain === '::1' || /^127\.\d+\.\d+\.\d+$/.test(plain);
}
