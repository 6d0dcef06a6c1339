// What becomes of a node that was not there when it was removed, and is started again.

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Member, until } from './testing/member.ts';
import { withMembers } from './testing/members.ts';

/** A node that has served before waits for somebody for two of these. */
const INTERVAL_SECS = 1;

async function remove(at: Member, node: string): Promise<void> {
  const response = await fetch(`${at.url}/admin/gossip/remove`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ node }),
  });
  assert.is(response.status, 200, await response.text());
}

/** Until it serves, and remembers that it did. */
async function served(member: Member): Promise<void> {
  await member.logged(/this node serves from now on/);
  await sleep(1_000 * INTERVAL_SECS);
}

/** It is told, and serves neither now nor when it has waited for long enough. */
async function neverServes(member: Member): Promise<void> {
  await until(
    () => /this node was removed from its cluster/.test(member.engine.fault ?? ''),
    () => `${member.engine.fault}\n${member.lines.join('\n')}`,
  );
  await sleep(3_000 * INTERVAL_SECS);
  assert.match(member.engine.fault ?? '', 'removed');
  assert.not.match(member.lines.join('\n'), 'serves from now on');
}

test('a node that was away when it was removed is told when it is back, and never serves', async () => {
  await withMembers(async (start) => {
    const gossip = { intervalSecs: INTERVAL_SECS };
    const a = await start('a', { gossip });
    const b = await start('b', { gossip: { ...gossip, peers: [a.url] } });
    const c = await start('c', { gossip: { ...gossip, peers: [a.url, b.url] } });
    for (const member of [a, b, c]) {
      await until(
        () => /\nakamu_gossip_members 2\n/.test(member.metrics()) && !member.engine.fault,
        () => member.lines.join('\n'),
      );
    }
    await served(c);
    const { node, port } = c;
    await c.close();
    await remove(a, node);
    await until(
      () => /\nakamu_gossip_members 1\n/.test(b.metrics()),
      () => b.lines.join('\n'),
    );
    const back = await start('c', { port, gossip: { ...gossip, peers: [b.url] } });
    assert.is(back.node, node);
    await neverServes(back);
    await back.close();
    const again = await start('c', { port, gossip: { ...gossip, peers: [b.url] } });
    await neverServes(again);
    assert.equal([a.engine.fault, b.engine.fault], [undefined, undefined]);
  });
});

test('a removed node is told by members that it has never met', async () => {
  await withMembers(async (start) => {
    const gossip = { intervalSecs: INTERVAL_SECS };
    const a = await start('a', { gossip });
    const c = await start('c', { gossip: { ...gossip, peers: [a.url] } });
    await served(c);
    const { node, port } = c;
    await c.close();
    const d = await start('d', { gossip: { ...gossip, peers: [a.url] } });
    await served(d);
    await remove(a, node);
    await until(
      () => /\nakamu_gossip_members 1\n/.test(d.metrics()),
      () => d.lines.join('\n'),
    );
    await a.close();
    const back = await start('c', { port, gossip: { ...gossip, peers: [d.url] } });
    await neverServes(back);
    assert.match(d.metrics(), '\nakamu_gossip_members 1\n', 'a, which may come back');
  });
});

test('a removed node that calls nobody is told by the one that finds it', async () => {
  await withMembers(async (start) => {
    const gossip = { intervalSecs: INTERVAL_SECS };
    const a = await start('a', { gossip });
    const b = await start('b', { gossip: { ...gossip, peers: [a.url] } });
    await served(b);
    await a.ready();
    const { node, port } = a;
    await a.close();
    await remove(b, node);
    const back = await start('a', { port, gossip });
    // Until it is found nobody can tell it.
    await until(
      () => /this node was removed from its cluster/.test(back.engine.fault ?? ''),
      () => `${back.engine.fault}\n${back.lines.join('\n')}`,
    );
  });
});

test.run();
