// Peers behind TLS: a node trusts what its process trusts (NODE_EXTRA_CA_CERTS), and nobody else.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { REFUSALS, refuse } from '../../io/channel/refusal.ts';
import { readConfig } from '../../io/config/index.ts';
import { createLog } from '../../io/log.ts';
import { createMetrics } from '../../io/metrics.ts';
import { openCa } from '../ca/ca.ts';
import { openIdentity } from '../tls.ts';
import { Intake } from './body.ts';
import { Endpoints, type PeerSide } from './endpoints.ts';
import { Notices } from './notices.ts';
import { GOSSIP_PATHS } from './paths.ts';
import { Streams } from './streams.ts';

const CLIENT = new URL('../../io/stream-client.js', import.meta.url).href;

/** What a process that trusts `root` gets from the server at `port`, call by call. */
async function called(port: number, root: string | undefined, calls = 1): Promise<string> {
  const script = `
    const { StreamClient } = await import(${JSON.stringify(CLIENT)});
    const client = new StreamClient();
    const url = 'https://localhost:${port}';
    const request = { url, path: '${GOSSIP_PATHS.fast.path}', headers: {}, maxOctets: 100 };
    const body = new Uint8Array(30_000);
    for (let n = 0; n < ${calls}; n++) {
      await client.post({ ...request, body, timeoutMs: 3000 }).then(
        (answer) => process.stdout.write(\`\${answer.status} \${answer.body}\n\`),
        (error) => process.stdout.write(error.message),
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    client.close();`;
  const env = { ...process.env, ...(root !== undefined && { NODE_EXTRA_CA_CERTS: root }) };
  const args = ['--input-type=module', '-e', script];
  return (await promisify(execFile)(process.execPath, args, { env })).stdout.trim();
}

/** Runs with a TLS server that greets requests, and its root certificate. */
async function withServer(
  run: (server: Server, port: number, root: string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-https-'));
  const text = `[[ca]]\nkey_file = "${directory}/key.pem"\ncert_file = "${directory}/cert.pem"\n`;
  const read = readConfig(text, 'test');
  assert.ok(read.ok);
  const { config } = read;
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const [ca] = config.ca;
  const authority = openCa(ca as Parameters<typeof openCa>[0], { nowMs: Date.now(), random });
  const identity = openIdentity(config.tls, 'https://localhost', authority, 30, Date.now());
  const server = createServer({ cert: identity.cert, key: identity.key }, (_, reply) => {
    reply.end('hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await run(server, port, ca!.rootCertFile);
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  }
}

test('a peer with a certificate that nobody vouches for is refused; else it is answered', async () => {
  await withServer(async (_, port, root) => {
    assert.match(await called(port, undefined), /certificate/);
    assert.is(await called(port, root), '200 hello');
  });
});

test('a stream goes through TLS as requests do', async () => {
  await withServer(async (server, port, root) => {
    const metrics = createMetrics();
    const notices = new Notices(
      createLog({ level: 'error', format: 'text', timestamps: false, now: Date.now, write() {} }),
    );
    const channel = { node: 'n', boot: 'b', openFast: async () => refuse('sender') };
    const side = { channel, driver: {}, calls: {} } as unknown as PeerSide;
    const intake = new Intake();
    const endpoints = new Endpoints(() => side, notices, metrics, intake);
    const streams = new Streams(endpoints, intake, notices);
    server.on('upgrade', streams.upgrade);
    const [first, ...others] = (await called(port, root, 4)).split('\n').filter(Boolean);
    assert.is(first, '200 hello');
    const refused = `${REFUSALS.sender.status} ${REFUSALS.sender.line}`;
    assert.equal(others, [refused, refused, refused]);
  });
});

test.run();
