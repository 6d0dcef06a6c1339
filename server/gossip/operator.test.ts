// What operators can have a node do through its admin listener, on a node that works alone.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AcmeClient } from './testing/acme-client.ts';
import { Member, until } from './testing/member.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

let directory = '';
let node: Member;

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'akamu-operator-'));
  node = await Member.start({ directory, name: 'node' });
  await node.ready();
});

test.after(async () => {
  await node.close();
  rmSync(directory, { recursive: true });
});

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of every member.
  readonly body: { [member: string]: any };
}

async function post(
  path: string,
  body: string | undefined,
  headers: Readonly<Record<string, string>> = JSON_TYPE,
): Promise<Reply> {
  const init = { method: 'POST', headers, ...(body !== undefined && { body }) };
  const response = await fetch(`${node.url}${path}`, init);
  return { status: response.status, body: (await response.json()) as Reply['body'] };
}

test('a refusal says what is wrong and what to do, whoever is refused', async () => {
  const page = { ...JSON_TYPE, Origin: 'https://evil.test' };
  const refusals: [status: number, path: string, body?: string, headers?: typeof JSON_TYPE][] = [
    [400, '/admin/revoke', ''],
    [400, '/admin/revoke', '{'],
    [400, '/admin/revoke', '[]'],
    [400, '/admin/revoke', '{"serial":1}'],
    [400, '/admin/revoke', '{"serial":"ab","reason":"keyCompromise"}'],
    [400, '/admin/revoke', '{"serial":"ab","reason":1.5}'],
    [400, '/admin/revoke', '{"serial":"ab","reason":8}'],
    [400, '/admin/revoke', '{"serial":"AB"}'],
    [400, '/admin/accounts/%/deactivate'],
    [400, '/admin/accounts/a%2Fb/deactivate'],
    [400, '/admin/eab/%C3%A9/revoke'],
    [403, '/admin/revoke', '{"serial":"ab"}', page],
    [404, '/admin/revoke', '{"serial":"ab"}'],
    [404, '/admin/accounts/nobody/deactivate'],
    [404, '/admin/eab/nothing/revoke'],
    [413, '/admin/revoke', ' '.repeat(70_000)],
    [415, '/admin/revoke', '{"serial":"ab"}', { 'Content-Type': 'text/plain' }],
  ];
  for (const [status, path, body, headers] of refusals) {
    const reply = await post(path, body, headers);
    const what = `${path} ${body?.slice(0, 60)}: ${JSON.stringify(reply)}`;
    assert.is(reply.status, status, what);
    assert.ok(reply.body['error'].length > 8 && reply.body['fix'].length > 8, what);
  }
});

test('what is no route of operators is not found, and another method is refused', async () => {
  const nothing = ['/admin/accounts//deactivate', '/admin/accounts/a', '/admin/eab/a/b/revoke'];
  for (const path of [...nothing, '/admin/revoke/', '/admin/', '/admin']) {
    assert.is((await fetch(`${node.url}${path}`, { method: 'POST' })).status, 404, path);
  }
  for (const path of ['/admin/revoke', '/admin/accounts/a/deactivate', '/admin/eab/a/revoke']) {
    const reply = await fetch(`${node.url}${path}`);
    assert.equal([reply.status, reply.headers.get('allow')], [405, 'POST'], path);
  }
});

test('a certificate is revoked, its account deactivated: logged, counted, and only once', async () => {
  const client = new AcmeClient();
  await client.register(node);
  const { url } = await client.certificate([node], 'a.example.com');
  const serial = url.split('/').at(-1)!;
  const account = client.kid.split('/').at(-1)!;

  const order = JSON.stringify({ serial, reason: 4 });
  const revoked = await post('/admin/revoke', order);
  assert.is(revoked.status, 200);
  const { revokedMs, ...stands } = revoked.body;
  const rest = { serial, names: ['a.example.com'], status: 'revoked', reason: 4 };
  assert.equal(stands, { ...rest, changed: true });
  assert.ok(Math.abs(Date.now() - revokedMs) < 60_000);
  assert.equal((await post('/admin/revoke', order)).body, { ...rest, revokedMs, changed: false });

  const path = `/admin/accounts/${account}/deactivate`;
  const gone = { account, status: 'deactivated' };
  assert.equal((await post(path, undefined)).body, { ...gone, changed: true });
  assert.equal((await post(path, '{}')).body, { ...gone, changed: false });
  assert.is((await client.post(node, client.kid)).status, 401);

  const by = 'by="local operator"';
  await node.logged(new RegExp(`INFO ca: certificate revoked serial="${serial}" reason=4 ${by}`));
  await node.logged(new RegExp(`INFO acme: account deactivated account="${account}" ${by}`));
  const metrics = node.metrics();
  assert.match(metrics, /akamu_operator_commands_total\{command="deactivate"\} \d/);
  assert.match(metrics, /akamu_certificates_revoked_total 1\n/);
});

test('in a cluster any node does it, before anybody told it of the certificate', async () => {
  const start = (name: string, peers: readonly string[]): Promise<Member> => {
    return Member.start({ directory, name, gossip: { peers: [...peers], intervalSecs: 3600 } });
  };
  const a = await start('a', []);
  const b = await start('b', [a.url]);
  try {
    await Promise.all([a.ready(), b.ready()]);
    const client = new AcmeClient();
    await client.register(a);
    const { url } = await client.certificate([a], 'b.example.com');
    const serial = url.split('/').at(-1)!;
    const headers = JSON_TYPE;
    const body = JSON.stringify({ serial, reason: 1 });
    const reply = await fetch(`${b.url}/admin/revoke`, { method: 'POST', headers, body });
    assert.is(reply.status, 200, await reply.text());
    const revokedAtA = async (): Promise<boolean> => {
      const again = await fetch(`${a.url}/admin/revoke`, { method: 'POST', headers, body });
      return ((await again.json()) as { changed: boolean }).changed === false;
    };
    await until(revokedAtA, () => `a never heard of it:\n${a.lines.join('\n')}`);
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
});

test('a node that has stopped says so', async () => {
  const port = node.port;
  await node.engine.close();
  const reply = await post('/admin/revoke', '{"serial":"ab"}');
  assert.equal([reply.status, reply.body['fix']], [503, 'see its log']);
  await node.close();
  node = await Member.start({ directory, name: 'node', port });
});

test.run();
