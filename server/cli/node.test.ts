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

test('a node that works alone says what is missing', async () => {
  const alone = await Member.start({ directory, name: 'a' });
  try {
    const { port } = alone;
    const { code, err } = await akamu({ name: 'a', port }, 'node', 'identity');
    assert.is(code, 1);
    assert.match(err, 'its configuration has no [gossip] section');
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
