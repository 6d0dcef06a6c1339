// The dumbest load balancer there is: TLS towards clients, and every request goes to a node picked
// at random, whatever went where before.
// Invariant: it keeps no state about clients. A node that refuses the connection is passed over; a
// connection that breaks after that breaks the client's too, since the request may have been done.
// Never here: health checks, retries of requests that were sent.

import { readFileSync } from 'node:fs';
import { Agent, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TlsIdentity } from '../../../bench/tls-identity.ts';

/** How long a node may keep a request, ms; clients wait about as long. */
const ANSWER_LIMIT_MS = 30_000;

export interface Balancer {
  /** Requests given to each node so far. */
  readonly counts: readonly number[];
  /** Takes a node out, or puts it back: what an operator does before stopping it. */
  readonly use: (node: number, isUsed: boolean) => void;
  readonly close: () => void;
}

/** Listens on `port` of 127.0.0.1; `pick` gives an integer below its argument. */
export async function startBalancer(
  port: number,
  identity: TlsIdentity,
  nodePorts: readonly number[],
  pick: (below: number) => number,
): Promise<Balancer> {
  const counts = nodePorts.map(() => 0);
  const inUse = new Set(nodePorts.keys());
  const agents = nodePorts.map(() => new Agent({ keepAlive: true, maxSockets: 64 }));
  const server: Server = createServer(
    {
      cert: readFileSync(identity.certificateFile),
      key: readFileSync(identity.keyFile),
      keepAlive: true,
    },
    (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => give(incoming, outgoing, Buffer.concat(chunks), [...inUse]));
    },
  );

  function give(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    body: Buffer,
    candidates: readonly number[],
  ): void {
    if (candidates.length === 0) {
      outgoing.destroy();
      return;
    }
    const node = candidates[pick(candidates.length)]!;
    counts[node]!++;
    const request = forward(
      {
        host: '127.0.0.1',
        port: nodePorts[node]!,
        agent: agents[node]!,
        method: incoming.method ?? 'GET',
        path: incoming.url ?? '/',
        headers: { ...incoming.headers, host: 'backend.internal' },
        timeout: ANSWER_LIMIT_MS,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(outgoing);
        answer.on('error', () => outgoing.destroy());
      },
    );
    request.on('timeout', () => request.destroy(new Error('the node took too long')));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isRefused = error.code === 'ECONNREFUSED' && !outgoing.headersSent;
      if (isRefused)
        give(
          incoming,
          outgoing,
          body,
          candidates.filter((other) => other !== node),
        );
      else if (isStale(request, error) && !outgoing.headersSent) {
        give(incoming, outgoing, body, candidates);
      } else outgoing.destroy();
    });
    request.end(body);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    counts,
    use: (node, isUsed) => {
      if (isUsed) inUse.add(node);
      else inUse.delete(node);
    },
    close: () => {
      server.close();
      server.closeAllConnections();
      for (const agent of agents) agent.destroy();
    },
  };
}

/**
 * A kept connection that the node had closed before it saw the request (RFC 9110 §9.2.2: nothing was
 * done yet when a connection that was used before breaks without a single octet of an answer; for a
 * node that dies meanwhile this is a guess, and a client that retries must bear it anyway).
 */
function isStale(request: ReturnType<typeof forward>, error: NodeJS.ErrnoException): boolean {
  return request.reusedSocket && error.code === 'ECONNRESET';
}
