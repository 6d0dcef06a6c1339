// Peers behind TLS: a node trusts what its process trusts (NODE_EXTRA_CA_CERTS), and nobody else.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from '../../io/config/index.ts';
import { openCa } from '../ca/ca.ts';
import { openIdentity } from '../tls.ts';

const CLIENT = new URL('../../io/peer-client.js', import.meta.url).href;

/** What a process that trusts `root` gets from the server at `port`. */
async function called(port: number, root: string | undefined): Promise<string> {
  const script = `
    const { PeerClient } = await import(${JSON.stringify(CLIENT)});
    const client = new PeerClient();
    const request = { url: 'https://localhost:${port}', path: '/', headers: {}, maxOctets: 100 };
    const body = new Uint8Array(3);
    await client.post({ ...request, body, timeoutMs: 3000 }).then(
      (answer) => process.stdout.write(\`\${answer.status} \${answer.body}\`),
      (error) => process.stdout.write(error.message),
    );
    client.close();`;
  const env = { ...process.env, ...(root !== undefined && { NODE_EXTRA_CA_CERTS: root }) };
  const args = ['--input-type=module', '-e', script];
  return (await promisify(execFile)(process.execPath, args, { env })).stdout.trim();
}

test('a peer with a certificate that nobody vouches for is refused; else it is answered', async () => {
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
    assert.match(await called(port, undefined), /certificate/);
    assert.is(await called(port, ca!.rootCertFile), '200 hello');
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  }
});

test.run();
