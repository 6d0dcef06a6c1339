// What the gossip paths do with callers that mean no good, or have lost their way.

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE_ID_HEADER, SEALED_TYPE } from '../../io/channel/channel.ts';
import { callFrame } from '../../io/frames.ts';
import { GOSSIP_PATHS } from './paths.ts';
import { AcmeClient } from './testing/acme-client.ts';
import { Member, until } from './testing/member.ts';
import { StreamPeer } from './testing/stream-peer.ts';
import { startTap, type Tap } from './testing/tap.ts';

interface Reply {
  readonly status: number;
  readonly text: string;
}

let directory = '';
let victim: Member;
let caller: Member;
let tap: Tap;

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'akamu-hostile-'));
  victim = await Member.start({ directory, name: 'victim', gossip: {} });
  tap = await startTap(victim.url);
  caller = await Member.start({ directory, name: 'caller', gossip: { peers: [tap.url] } });
  await until(
    () => tap.passed.some(({ path }) => path === GOSSIP_PATHS.sync.path),
    () => 'the members never spoke',
  );
});

test.after(async () => {
  await Promise.all([caller.close(), victim.close(), tap.close()]);
  rmSync(directory, { recursive: true });
});

test.after.each(async () => {
  assert.is((await ask('GET', '/readyz')).status, 200, 'the node lives');
});

function ask(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array | string = '',
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { method, headers: { 'Content-Length': String(body.length), ...headers } };
    const asked = request(`${victim.url}${path}`, options, (message) => {
      let text = '';
      message.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      message.on('end', () => resolve({ status: message.statusCode ?? 0, text }));
      message.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const sealed = (header: string): Readonly<Record<string, string>> => ({
  'Content-Type': SEALED_TYPE,
  [NODE_ID_HEADER]: header,
});

function lastSync(): Tap['passed'][number] {
  return tap.passed.filter(({ path }) => path === GOSSIP_PATHS.sync.path).at(-1)!;
}

test('a body that is said to be too large is refused before it comes', async () => {
  const length = String(GOSSIP_PATHS.sync.maxOctets + 1);
  const headers = { ...sealed(caller.node), 'Content-Length': length };
  const reply = await new Promise<Reply>((resolve, reject) => {
    const path = GOSSIP_PATHS.sync.path;
    const asked = request(`${victim.url}${path}`, { method: 'POST', headers }, (message) => {
      message.resume();
      resolve({ status: message.statusCode ?? 0, text: '' });
    });
    asked.on('error', reject);
    asked.flushHeaders();
  });
  assert.is(reply.status, 413);
});

test('a body that turns out too large is refused while it comes', async () => {
  const headers = { 'Content-Type': GOSSIP_PATHS.identity.type, 'Transfer-Encoding': 'chunked' };
  const status = await new Promise<number>((resolve, reject) => {
    const path = GOSSIP_PATHS.identity.path;
    const asked = request(`${victim.url}${path}`, { method: 'POST', headers }, (message) => {
      message.resume();
      resolve(message.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.write(Buffer.alloc(GOSSIP_PATHS.identity.maxOctets));
    asked.write('x');
  });
  assert.is(status, 413);
});

test('another media type is refused', async () => {
  const headers = { 'Content-Type': 'application/json', [NODE_ID_HEADER]: caller.node };
  const { status, text } = await ask('POST', GOSSIP_PATHS.sync.path, headers, '{}');
  assert.is(status, 415);
  assert.match(text, 'application/pkcs7-mime');
});

test('another method is refused', async () => {
  assert.is((await ask('PUT', GOSSIP_PATHS.sync.path)).status, 405);
  assert.is((await ask('GET', '/admin/gossip/remove')).status, 405);
});

test('a message without a node id is refused', async () => {
  const headers = { 'Content-Type': SEALED_TYPE };
  assert.is((await ask('POST', GOSSIP_PATHS.sync.path, headers, 'x')).status, 400);
});

test('a message of a stranger is refused', async () => {
  const headers = sealed('A'.repeat(27));
  const { status, text } = await ask('POST', GOSSIP_PATHS.sync.path, headers, 'x');
  assert.is(status, 403);
  assert.match(text, 'gossip: X-Akamu-Node-Id names no known node');
});

test('garbage in the name of a member is refused', async () => {
  for (const length of [0, 1, 100, 100_000]) {
    const body = new Uint8Array(length).fill(0x30);
    const { status } = await ask('POST', GOSSIP_PATHS.sync.path, sealed(caller.node), body);
    assert.is(status, 401, `${length} octets`);
  }
});

test('a message that was changed is refused wherever it was changed', async () => {
  const { body } = lastSync();
  for (let at = 0; at < body.length; at += Math.ceil(body.length / 40)) {
    const changed = Buffer.from(body);
    changed[at]! ^= 0xff;
    const { status } = await ask('POST', GOSSIP_PATHS.sync.path, sealed(caller.node), changed);
    assert.ok(status >= 400 && status < 500, `octet ${at}: ${status}`);
  }
});

test('a message that was heard before is refused', async () => {
  const { body } = lastSync();
  const { status } = await ask('POST', GOSSIP_PATHS.sync.path, sealed(caller.node), body);
  assert.is(status, 425);
});

test('garbage in place of an introduction is refused', async () => {
  const headers = { 'Content-Type': GOSSIP_PATHS.identity.type };
  for (const body of ['', '{}', '[]', 'null', '{"node":1}', '\u0000', '"'.repeat(100)]) {
    assert.is((await ask('POST', GOSSIP_PATHS.identity.path, headers, body)).status, 404, body);
  }
});

test('garbage in place of a redemption is refused', async () => {
  const headers = { 'Content-Type': GOSSIP_PATHS.fast.type, [NODE_ID_HEADER]: caller.node };
  for (const body of ['', 'x', 'x'.repeat(10_000)]) {
    const { status } = await ask('POST', GOSSIP_PATHS.fast.path, headers, body);
    assert.ok(status >= 400 && status < 500, `${status}`);
  }
});

test('on a stream strangers and garbage are refused as in a POST', async () => {
  const { port } = new URL(victim.url);
  const bodies = ['', 'x', 'x'.repeat(10_000)];
  for (const [node, isStranger] of [
    ['C'.repeat(27), true],
    [caller.node, false],
    ['x', undefined],
  ] as const) {
    const peer = new StreamPeer(Number(port)).ask({ headers: { [NODE_ID_HEADER]: node } });
    for (const [at, body] of bodies.entries()) peer.socket.write(callFrame(at, Buffer.from(body)));
    await until(
      () => peer.frames.length === bodies.length,
      () => `${peer.frames.length} answers`,
    );
    for (const { status } of peer.frames) {
      if (isStranger === undefined) assert.is(status, 400);
      else assert.is(status === 403, isStranger, `${status}`);
      assert.ok(status >= 400 && status < 500, `${status}`);
    }
    peer.socket.destroy();
  }
});

test('a redemption that was heard before is refused on a stream', async () => {
  const { path } = GOSSIP_PATHS.fast;
  const client = new AcmeClient();
  await client.register(caller);
  for (let n = 0; n < 10 && !tap.passed.some((each) => isRedemption(each, path)); n++) {
    await client.certificate([victim, caller], `n${n}.test`);
  }
  const heard = tap.passed.find((each) => isRedemption(each, path))!;
  const { port } = new URL(victim.url);
  const peer = new StreamPeer(Number(port)).ask({ headers: { [NODE_ID_HEADER]: caller.node } });
  for (const number of [1, 2]) peer.socket.write(callFrame(number, heard.body));
  await until(
    () => peer.frames.length === 2,
    () => 'no answers',
  );
  for (const { status } of peer.frames) assert.is(status, 425);
  peer.socket.destroy();
});

function isRedemption({ path, headers }: Tap['passed'][number], wanted: string): boolean {
  return path === wanted && headers['content-type'] === GOSSIP_PATHS.fast.type;
}

test('a flood of streams leaves room for those of other addresses, and for requests', async () => {
  const { port } = new URL(victim.url);
  const peers = Array.from({ length: 300 }, () => new StreamPeer(Number(port)).ask());
  await until(
    () => peers.every(({ head }) => head !== ''),
    () => 'some were not answered',
  );
  assert.is(peers.filter(({ head }) => head.startsWith('HTTP/1.1 101')).length, 256);
  for (const { socket } of peers) socket.destroy();
  await until(
    () => victim.streams === 0,
    () => `${victim.streams} are left`,
  );
});

test('a flood of refusals is counted, and fills no log', async () => {
  const before = victim.lines.length;
  const headers = sealed('B'.repeat(27));
  for (let n = 0; n < 200; n++) await ask('POST', GOSSIP_PATHS.sync.path, headers, 'x');
  assert.ok(victim.lines.length - before <= 10, `${victim.lines.length - before} lines`);
  const [, count] = /refusals_total\{reason="sender"\} (\d+)/.exec(victim.metrics()) ?? [];
  assert.ok(Number(count) >= 200, count);
});

test('a web page of this host cannot command the node', async () => {
  const json = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ node: caller.node });
  const page = { ...json, Origin: 'https://evil.test' };
  assert.is((await ask('POST', '/admin/gossip/remove', page, body)).status, 403);
  const form = { 'Content-Type': 'text/plain' };
  assert.is((await ask('POST', '/admin/gossip/remove', form, body)).status, 415);
});

test('commands that make no sense are refused in words', async () => {
  const json = { 'Content-Type': 'application/json' };
  for (const path of ['/admin/gossip/remove', '/admin/gossip/register']) {
    for (const body of ['', '{', '{}', '{"node":"x"}', '[]']) {
      const { status, text } = await ask('POST', path, json, body);
      assert.is(status, 400, `${path} ${body}`);
      assert.ok(JSON.parse(text).error.length > 10);
    }
  }
});

test.run();
