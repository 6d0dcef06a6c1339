// Ports for servers of a test that are stopped and started again on the same address.
// Invariant: below the range the kernel takes ports for outgoing connections from, so that nobody
// gets a port while its server is down, and no client can connect to itself there.
// Never here: servers that can listen on port 0.

import { createServer, type Server } from 'node:net';

const FIRST = 10_000;
/** Linux takes outgoing ports from 32768 up (net.ipv4.ip_local_port_range). */
const END = 32_000;
const MAX_TRIES = 200;

const given = new Set<number>();

/** TCP ports of 127.0.0.1 that nobody listens on; never the same twice in one process. */
export async function freeStablePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freeStablePort());
  return ports;
}

/** One such port. Rejects when 200 tries found none. */
export async function freeStablePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * (END - FIRST));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error('there is no free port');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe: Server = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
