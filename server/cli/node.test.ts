// `akamu node …` against a running member of a cluster, and against one that is down.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Member } from '../gossip/testing/member.ts';
import { freeStablePort } from '../testing/ports.ts';
import { type Outcome, runCommand } from './testing/command.ts';

let directory = '';

test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'akamu-node-'));
});
test.after.each(() => rmSync(directory, { recursive: true }));

/** Runs a command on the configuration of a member. */
async function akamu(member: { name: string; port: number }, ...args: string[]): Promise<Outcome> {
  const file = join(directory, `${member.name}.toml`);
  const database = `[database]\nurl = "sqlite://${join(directory, `${member.name}.db`)}"\n`;
  writeFileSync(file, `[admin]\nlisten_addr = "127.0.0.1:${member.port}"\n[gossip]\n${database}`);
  return runCommand([...args, '--config', file]);
}

test('a node that was never started has no identity, and the fix is named', async () => {
  const port = await freeStablePort();
  const { code, err } = await akamu({ name: 'a', port }, 'node', 'identity');
  assert.is(code, 1);
  assert.match(err, 'akamu node identity: the server does not run');
});

test('a command for a server that is down says how to start it', async () => {
  const port = await freeStablePort();
  const { code, err } = await akamu({ name: 'a', port }, 'node', 'remove', 'x'.repeat(27));
  assert.is(code, 1);
  assert.match(
    err,
    /nobody listens on \[admin\] listen_addr = .* start the server with: akamu serve/,
  );
});

test('the keys of a server that is down are not replaced', async () => {
  const member = await Member.start({ directory, name: 'a', gossip: {} });
  const { port } = member;
  await member.close();
  const before = await akamu({ name: 'a', port }, 'node', 'identity', '--json');
  const { code, out, err } = await akamu({ name: 'a', port }, 'node', 'rotate');
  assert.equal([code, out], [1, '']);
  assert.match(err, /^akamu node rotate: nobody listens on .* start the server with: akamu serve/);
  assert.equal(await akamu({ name: 'a', port }, 'node', 'identity', '--json'), before);
});

test('a node that works alone says what is missing', async () => {
  const alone = await Member.start({ directory, name: 'a' });
  try {
    const { port } = alone;
    for (const what of ['identity', 'rotate']) {
      const { code, err } = await akamu({ name: 'a', port }, 'node', what);
      assert.is(code, 1);
      assert.match(err, 'it was started without a [gossip] section');
    }
  } finally {
    await alone.close();
  }
});

test('an identity is the same from a server that runs and from its database', async () => {
  const member = await Member.start({ directory, name: 'a', gossip: {} });
  const { port } = member;
  const running = await akamu({ name: 'a', port }, 'node', 'identity', '--json');
  const shown = await akamu({ name: 'a', port }, 'node', 'identity');
  const { node } = member;
  await member.close();
  assert.is(running.code, 0, running.err);
  assert.is(JSON.parse(running.out).node, node);
  assert.match(shown.out, new RegExp(`^node +${node}\nurl +${member.url}\n`));
  assert.equal(await akamu({ name: 'a', port }, 'node', 'identity', '--json'), running);
});

test('a rotation shows the identity as it is from then on, also after the server stops', async () => {
  const member = await Member.start({ directory, name: 'a', gossip: {} });
  const at = { name: 'a', port: member.port };
  await member.ready();
  const before = JSON.parse((await akamu(at, 'node', 'identity', '--json')).out);
  const rotated = await akamu(at, 'node', 'rotate', '--json');
  assert.is(rotated.code, 0, rotated.err);
  const { node, kem, madeMs } = JSON.parse(rotated.out);
  assert.is(node, before.node);
  assert.is.not(kem, before.kem);
  assert.ok(madeMs > before.madeMs);
  assert.is((await akamu(at, 'node', 'identity', '--json')).out, rotated.out);
  const { out } = await akamu(at, 'node', 'rotate');
  assert.match(
    out,
    new RegExp(`^node +${node}\nurl +${member.url}\nkeys made .*\nkem +ML-KEM-768`),
  );
  assert.is((await akamu(at, 'node', 'identity')).out, out);
  await member.close();
  assert.is((await akamu(at, 'node', 'identity')).out, out);
});

test('a file that is no descriptor is refused before anybody is asked', async () => {
  const file = join(directory, 'peer.json');
  const member = { name: 'a', port: 1 };
  const missing = await akamu(member, 'node', 'register', file);
  assert.match(missing.err, `${file}: ENOENT`);
  writeFileSync(file, '{');
  assert.match(
    (await akamu(member, 'node', 'register', file)).err,
    'it is not JSON; write it with',
  );
  writeFileSync(file, '{"node":"x"}');
  const { code, err } = await akamu(member, 'node', 'register', file);
  assert.is(code, 1);
  assert.match(err, /is not the descriptor of a node \(.*\); write it on that node with: akamu/);
});

test.run();
