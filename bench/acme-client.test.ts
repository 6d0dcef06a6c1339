// Tests of the load client against a scripted server: what it sends, what it counts, what it gives
// up on.

import { createPublicKey, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AccountKey } from './account-key.ts';
import { AcmeClient } from './acme-client.ts';
import { CsrPool } from './csr-pool.ts';

const CHAIN = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';

interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  readonly location?: string;
}

interface Seen {
  readonly path: string;
  readonly header: { nonce: string; url: string; kid?: string; jwk?: unknown };
  readonly text: string;
}

/** Answers by path; each array is used up but for its last answer. */
type Script = Record<string, readonly Answer[]>;

const script = (base: string): Script => ({
  '/account': [{ status: 201, body: {}, location: `${base}/account/1` }],
  '/order': [
    {
      status: 201,
      location: `${base}/order/1`,
      body: { status: 'pending', authorizations: [`${base}/authz`], finalize: `${base}/finalize` },
    },
  ],
  '/authz': [
    {
      body: {
        status: 'pending',
        challenges: [{ type: 'http-01', url: `${base}/chall`, token: 't' }],
      },
    },
    { body: { status: 'pending' } },
    { body: { status: 'valid' } },
  ],
  '/chall': [{ body: {} }],
  '/finalize': [{ body: { status: 'processing' } }],
  '/order/1': [
    { body: { status: 'processing' } },
    { body: { status: 'valid', certificate: `${base}/cert` } },
  ],
  '/cert': [{ body: CHAIN }],
});

const badNonce = { status: 400, body: { type: 'urn:ietf:params:acme:error:badNonce' } };

test('an invalid authorization ends the flow with what the server said', async () => {
  await withServer(async ({ client, base, answers }) => {
    answers['/authz'] = [
      script(base)['/authz']![0]!,
      { body: { status: 'invalid', why: 'no A record' } },
    ];
    await client.register();
    await rejects(client.issue(new CsrPool('t').take()), /poll authorization.*no A record/);
  });
});

test('an error answer names the step that failed', async () => {
  await withServer(async ({ client, answers }) => {
    answers['/finalize'] = [{ status: 403, body: { type: 'orderNotReady' } }];
    await client.register();
    await rejects(client.issue(new CsrPool('t').take()), /^finalize: HTTP 403 .*orderNotReady/);
  });
});

test('a chain that is no chain is a failure', async () => {
  await withServer(async ({ client, answers }) => {
    answers['/cert'] = [{ body: 'hello' }];
    await client.register();
    await rejects(client.issue(new CsrPool('t').take()), /^certificate: /);
  });
});

test('RFC 8555 §6.5: a badNonce is counted and retried, three times at most', async () => {
  await withServer(async ({ client, answers, base }) => {
    answers['/order'] = [badNonce, script(base)['/order']![0]!];
    await client.register();
    assert.is(await client.issue(new CsrPool('t').take()), CHAIN);
    assert.is(client.tally.badNonces, 1);
    answers['/order'] = [badNonce];
    await rejects(client.issue(new CsrPool('t').take()), /new-order: HTTP 400/);
    assert.is(client.tally.badNonces, 5);
  });
});

test('RFC 8555 §7.4: a flow takes its steps in order and polls until valid', async () => {
  await withServer(async ({ client, seen }) => {
    await client.register();
    assert.is(await client.issue(new CsrPool('t').take()), CHAIN);
    const paths = '/account /order /authz /chall /authz /authz /finalize /order/1 /order/1 /cert';
    assert.equal(
      seen.map(({ path }) => path),
      paths.split(' '),
    );
    assert.is(client.tally.requests, seen.length);
  });
});

test('RFC 8555 §6.2: requests are signed, name their URL, and use every nonce once', async () => {
  await withServer(async ({ client, seen, base, key }) => {
    await client.register();
    await client.issue(new CsrPool('t').take());
    assert.is(new Set(seen.map(({ header }) => header.nonce)).size, seen.length);
    for (const { path, header, text } of seen) {
      assert.is(header.url, base + path);
      assert.is(header.kid, path === '/account' ? undefined : `${base}/account/1`);
      assert.ok(isSignedBy(key, text), path);
    }
  });
});

interface Scene {
  readonly client: AcmeClient;
  readonly key: AccountKey;
  readonly base: string;
  readonly answers: Script;
  readonly seen: Seen[];
}

async function withServer(use: (scene: Scene) => Promise<void>): Promise<void> {
  const seen: Seen[] = [];
  const answers: Script = {};
  let nonces = 0;
  const server = createServer(async (request, response) => {
    response.setHeader('Replay-Nonce', `nonce-${++nonces}`);
    if (request.url === '/directory') {
      const url = (path: string) => `${base}/${path}`;
      send(response, {
        body: { newNonce: url('nonce'), newAccount: url('account'), newOrder: url('order') },
      });
    } else if (request.url === '/nonce') response.writeHead(204).end();
    else send(response, await answerTo(request, answers, seen));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const base = `http://127.0.0.1:${port}`;
  Object.assign(answers, script(base));
  const key = new AccountKey();
  const settings = { directoryUrl: `${base}/directory`, key, firstPollMs: 1 };
  const client = new AcmeClient({ ...settings, keyAuthorizations: new Map() });
  try {
    await use({ client, key, base, answers, seen });
  } finally {
    client.reset();
    server.close();
  }
}

async function answerTo(request: IncomingMessage, answers: Script, seen: Seen[]): Promise<Answer> {
  let text = '';
  for await (const chunk of request) text += chunk;
  const path = request.url ?? '';
  const header = JSON.parse(Buffer.from(JSON.parse(text).protected, 'base64url').toString());
  seen.push({ path, header, text });
  const [answer = { status: 404 }, ...rest] = answers[path] ?? [];
  if (rest.length > 0) answers[path] = rest;
  return answer;
}

function send(response: ServerResponse, { status = 200, body, location }: Answer): void {
  if (location !== undefined) response.setHeader('Location', location);
  response.statusCode = status;
  response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
}

function isSignedBy(key: AccountKey, text: string): boolean {
  const { protected: header, payload, signature } = JSON.parse(text);
  const publicKey = createPublicKey({ key: JSON.parse(key.jwk), format: 'jwk' });
  const input = Buffer.from(`${header}.${payload}`);
  const options = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  return verify('sha256', input, options, Buffer.from(signature, 'base64url'));
}

async function rejects(promise: Promise<unknown>, pattern: RegExp): Promise<void> {
  const message = await promise.then(
    () => 'no rejection',
    (error: Error) => error.message,
  );
  assert.match(message, pattern);
}

test.run();
