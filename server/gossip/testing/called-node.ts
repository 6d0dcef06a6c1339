// A node as its peers' streams meet it, on a channel and a core that do what a test says.
// Invariant: everything between socket and channel is the real thing. Never here: callers.

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Channel, FastAsked } from '../../../io/channel/channel.ts';
import { refuse } from '../../../io/channel/refusal.ts';
import { callFrame } from '../../../io/frames.ts';
import { createLog } from '../../../io/log.ts';
import { createMetrics } from '../../../io/metrics.ts';
import { createServer } from '../../http.ts';
import { Intake } from '../body.ts';
import { Endpoints, type PeerSide, type PeerView } from '../endpoints.ts';
import { Notices } from '../notices.ts';
import type { StreamLimits } from '../stream.ts';
import { Streams } from '../streams.ts';
import { until } from './member.ts';
import { StreamPeer } from './stream-peer.ts';

export interface Called {
  view: PeerView;
  /** What the core does with a call, by what it says. */
  work: (said: string) => Promise<string>;
  readonly lines: readonly string[];
  readonly metrics: () => string;
  readonly streams: Streams;
  readonly port: number;
}

/** A side whose channel opens every call of `member`, and seals nothing. */
export function side(called: () => Called, boot: string): PeerSide {
  const channel = {
    node: 'node',
    boot,
    openFast: async (header: string | undefined, body: Uint8Array): Promise<FastAsked> => {
      if (header !== 'member') refuse(header === 'gone' ? 'removed' : 'sender', header);
      const nonces = [Buffer.from(body).toString()];
      return { from: 'member', call: { kind: 'redeem', nonces, reads: [null], ask: null } };
    },
    sealFastAnswer: async (_: FastAsked, answer: unknown) => Buffer.from(String(answer)),
  } as unknown as Channel;
  const redeemAsked = (_: string, nonces: readonly string[]): Promise<string> => {
    return called().work(nonces[0]!);
  };
  return { channel, driver: { redeemAsked }, calls: {} } as unknown as PeerSide;
}

export const MEMBER = { headers: { 'X-Akamu-Node-Id': 'member' } };

export async function withCalled(
  run: (called: Called, open: (node?: string) => StreamPeer) => Promise<void>,
  limits: Partial<StreamLimits & { checkMs: number }> = {},
  intake = new Intake(),
): Promise<void> {
  const lines: string[] = [];
  const log = createLog({
    level: 'debug',
    format: 'text',
    timestamps: false,
    now: Date.now,
    write: (line) => lines.push(line),
  });
  const notices = new Notices(log);
  const metrics = createMetrics();
  const endpoints = new Endpoints(() => called.view, notices, metrics, intake);
  const streams = new Streams(endpoints, intake, notices, { checkMs: 10, ...limits });
  const server: Server = createServer((_, reply) => reply.end('request'));
  server.on('upgrade', streams.upgrade);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const work = async (said: string): Promise<string> => `re: ${said}`;
  const called: Called = {
    ...{ view: 'stopped', work, lines, streams, port },
    metrics: () => metrics.render(),
  };
  called.view = side(() => called, 'first boot');
  const peers: StreamPeer[] = [];
  try {
    await run(called, (node = 'member') => {
      const peer = new StreamPeer(port).ask({ headers: { 'X-Akamu-Node-Id': node } });
      peers.push(peer);
      return peer;
    });
  } finally {
    for (const { socket } of peers) socket.destroy();
    streams.close(0);
    await new Promise((resolve) => server.close(resolve));
  }
}

export const say = ({ socket }: StreamPeer, number: number, text: string): void => {
  socket.write(callFrame(number, Buffer.from(text)));
};

/** Number, status and words of all answers so far, once there are so many. */
export async function answers(
  peer: StreamPeer,
  count: number,
): Promise<readonly (readonly [number, number, string])[]> {
  await until(
    () => peer.frames.length >= count,
    () => `${peer.frames.length} answers; ${peer.head}; ended: ${peer.isEnded}`,
  );
  return peer.frames.map(({ number, status, body }) => [number, status, body.toString()]);
}

export async function ended(peer: StreamPeer): Promise<void> {
  await until(
    () => peer.isEnded,
    () => 'the connection stays open',
  );
}
