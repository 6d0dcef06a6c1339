// The name server of the benchmark's small world (RFC 1035): every name is this machine.
// Invariant: an A question is answered with 127.0.0.1, any other with NOERROR and no record, so CAA
// and AAAA look-ups of a validating server succeed at once and forbid nothing.
// Never here: a cache, a zone, TCP: answers fit one datagram.

import { createSocket, type Socket } from 'node:dgram';

const HEADER_SIZE = 12;
const TYPE_A = 1;
// RFC 1035 §4.1.3: pointer to the question's name, type A, class IN, 60 s, four bytes: 127.0.0.1.
const loopbackRecord = Uint8Array.of(
  0xc0,
  HEADER_SIZE,
  0,
  1,
  0,
  1,
  0,
  0,
  0,
  60,
  0,
  4,
  127,
  0,
  0,
  1,
);

export interface NameServer {
  readonly port: number;
  close(): void;
}

/** Listens on a free UDP port of 127.0.0.1. */
export async function startNameServer(): Promise<NameServer> {
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const answer = answerTo(query);
    if (answer) socket.send(answer, peer.port, peer.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', resolve);
  });
  return { port: socket.address().port, close: () => closeQuietly(socket) };
}

/** The answer to a query, or undefined when it is not one question in one datagram. */
export function answerTo(query: Uint8Array): Uint8Array | undefined {
  const isQuestion = query.length > HEADER_SIZE && (query[2]! & 0x80) === 0;
  if (!isQuestion || query[4] !== 0 || query[5] !== 1) return undefined;
  const nameEnd = endOfName(query);
  if (nameEnd === undefined || nameEnd + 4 > query.length) return undefined;
  const type = (query[nameEnd]! << 8) | query[nameEnd + 1]!;
  const isAddress = type === TYPE_A;
  const header = Uint8Array.of(query[0]!, query[1]!, 0x84 | (query[2]! & 0x01), 0x80);
  const counts = Uint8Array.of(0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0);
  const question = query.subarray(HEADER_SIZE, nameEnd + 4);
  return Buffer.concat([header, counts, question, ...(isAddress ? [loopbackRecord] : [])]);
}

function endOfName(query: Uint8Array): number | undefined {
  let at = HEADER_SIZE;
  while (at < query.length) {
    const length = query[at]!;
    if (length === 0) return at + 1;
    // A question's name comes first, so there is nothing it could point back to.
    if (length > 63) return undefined;
    at += length + 1;
  }
  return undefined;
}

function closeQuietly(socket: Socket): void {
  socket.removeAllListeners('message');
  socket.close();
}
