// Nodes of a cluster on loopback, one of which is given new keys: the others go on talking to it,
// whether they were there or away, and clients notice nothing.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_ASK } from '../../core/testing/empty-page.ts';
import { AcmeClient } from './testing/acme-client.ts';
import { Liar } from './testing/liar.ts';
import { type Member, until } from './testing/member.ts';
import { receives, withMembers } from './testing/members.ts';

const ROTATE = '/admin/gossip/rotate';
const HEADERS = { 'Content-Type': 'application/json' };

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of every member.
  readonly body: { [member: string]: any };
}

async function post(
  at: Member,
  headers: Readonly<Record<string, string>> = HEADERS,
): Promise<Reply> {
  const response = await fetch(`${at.url}${ROTATE}`, { method: 'POST', headers });
  return { status: response.status, body: (await response.json()) as Reply['body'] };
}

/** Rotates as an operator would: again until it may. The new KEM key. */
async function rotate(at: Member): Promise<string> {
  let reply: Reply;
  await until(
    async () => {
      reply = await post(at);
      return reply.status === 200;
    },
    () => `${at.url} never rotated: ${JSON.stringify(reply)}\n${at.lines.join('\n')}`,
  );
  return reply!.body['kem'];
}

/** What is written at either is had by the other. */
async function exchange(a: Member, b: Member, name: string): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const client = new AcmeClient();
    await client.register(from);
    const { url, pem } = await client.certificate([from], `${name}.test`);
    await receives(client, to, url, pem);
  }
}

function descriptorOf(member: Member): { readonly kem: string; readonly madeMs: number } {
  const view = member.engine.operator();
  if (view === 'stopped') throw new Error(view);
  return view.cluster!.descriptor;
}

/** Messages a node has refused, by reason. */
function refusals(member: Member): readonly string[] {
  return member.metrics().match(/^akamu_gossip_refusals_total\{.*$/gm) ?? [];
}

test('a node that works alone, a browser and another method are refused', async () => {
  await withMembers(async (start) => {
    const [alone, a] = [await start('alone'), await start('a', { gossip: {} })];
    await a.ready();
    const before = descriptorOf(a);
    const none = await post(alone);
    assert.is(none.status, 409);
    assert.match(none.body['error'], 'without a [gossip] section');
    assert.is((await post(a, { ...HEADERS, Origin: 'https://evil.test' })).status, 403);
    assert.is((await post(a, { 'Content-Type': 'text/plain' })).status, 415);
    assert.is((await fetch(`${a.url}${ROTATE}`)).status, 405);
    assert.equal(descriptorOf(a), before);
  });
});

test('who knows only a key that was given up is told who calls, when both know of each other', async () => {
  await withMembers(async (start) => {
    const a = await start('a', { gossip: {} });
    const b = await start('b', { gossip: { peers: [a.url] } });
    const c = await start('c', { gossip: { peers: [a.url] } });
    for (const member of [a, b, c]) await member.ready();
    const areMembers = (): boolean => {
      return [b, c].every((member) => /\nakamu_gossip_members 2\n/.test(member.metrics()));
    };
    await until(areMembers, () => b.lines.join('\n'));
    await exchange(b, c, 'before');
    const ports = [b.port, c.port];
    await b.close();
    await rotate(c);
    await rotate(c);
    // Neither b nor c lists the other one, and whom they list is gone.
    await a.close();
    await c.close();
    const again = { gossip: { peers: [a.url] } };
    const [newB, newC] = [
      await start('b', { port: ports[0]!, ...again }),
      await start('c', { port: ports[1]!, ...again }),
    ];
    for (const member of [newB, newC]) await member.ready();
    await exchange(newB, newC, 'after');
  });
});

test('a second rotation waits for a member that is there and has not heard of the first', async () => {
  await withMembers(async (start) => {
    // Nobody calls anybody, but for what was written.
    const a = await start('a', { gossip: { intervalSecs: 3600 } });
    const b = await start('b', { gossip: { peers: [a.url], intervalSecs: 3600 } });
    await b.ready();
    const rotateAfterNews = (): Promise<void> => {
      return until(
        async () => {
          await new AcmeClient().register(b);
          return (await post(a)).status === 200;
        },
        () => a.lines.join('\n'),
      );
    };
    await rotateAfterNews();
    const early = await post(a);
    assert.is(early.status, 409);
    assert.match(early.body['error'], `present key yet: ${b.node} at ${b.url}`);
    assert.match(early.body['fix'], 'try again in a moment');
    const kem = descriptorOf(a).kem;
    await rotateAfterNews();
    assert.is.not(descriptorOf(a).kem, kem);
    await exchange(a, b, 'twice');
  });
});

test('everybody goes on while one rotates, and no client notices', async () => {
  await withMembers(async (start) => {
    const a = await start('a', { gossip: {} });
    const b = await start('b', { gossip: { peers: [a.url] } });
    const c = await start('c', { gossip: { peers: [a.url, b.url] } });
    a.configure([b.url, c.url]);
    const members = [a, b, c];
    for (const member of members) await member.ready();
    await until(
      () => members.every((member) => /\nakamu_gossip_members 2\n/.test(member.metrics())),
      () => a.lines.join('\n'),
    );
    const before = members.map(refusals);
    let isOver = false;
    const clients = await Promise.all(
      members.map(async (member) => {
        const client = new AcmeClient();
        await client.register(member);
        return client;
      }),
    );
    const load = clients.map(async (client, i) => {
      for (let n = 0; !isOver; n++) await client.certificate(members, `c${i}-${n}.test`);
    });
    const id = a.node;
    const kems = new Set<string>([descriptorOf(a).kem]);
    for (let n = 0; n < 4; n++) {
      kems.add(await rotate(a));
      await sleep(200);
    }
    isOver = true;
    await Promise.all(load);
    assert.is(kems.size, 5);
    assert.is(a.node, id);
    assert.equal(
      clients.map(({ badNonces }) => badNonces),
      [0, 0, 0],
    );
    await exchange(a, b, 'b');
    await exchange(a, c, 'c');
    assert.equal(members.map(refusals), before, 'nothing was refused by anybody');
    const line = `INFO gossip: this node has replaced its KEM key node="${id}"`;
    assert.is(a.lines.filter((each) => each === line).length, 4);
    for (const peer of [b, c]) {
      await peer.logged(new RegExp(`INFO gossip: peer has replaced its KEM key peer="${id}"`));
    }
  });
});

test('what a member seals to the key before the present one is answered', async () => {
  await withMembers(async (start, atEnd, directory) => {
    const a = await start('a', { gossip: {} });
    await a.ready();
    // It never takes in what it is told.
    const deaf = new Liar(directory);
    atEnd(() => deaf.close());
    const id = await deaf.join(a.url);
    const say = (): Promise<unknown> => deaf.say(a.url, id, EMPTY_ASK, null);
    await until(
      async () => typeof (await say()) !== 'number',
      () => a.lines.join('\n'),
    );
    // It says that it has seen nothing, so that it stands in the way until it was silent for long.
    assert.match((await post(a)).body['error'], deaf.node);
    await rotate(a);
    assert.type(await say(), 'object');
    await rotate(a);
    assert.type(await say(), 'number', 'that key is gone');
  });
});

test('a node that was started again after a rotation is met as before', async () => {
  await withMembers(async (start) => {
    const a = await start('a', { gossip: {} });
    const b = await start('b', { gossip: { peers: [a.url] } });
    await b.ready();
    await rotate(a);
    const rotated = descriptorOf(a);
    const { node, port } = a;
    await a.close();
    const again = await start('a', { port, gossip: {} });
    assert.is(again.node, node);
    assert.equal(descriptorOf(again), rotated);
    await exchange(again, b, 'again');
    await rotate(again);
    await exchange(again, b, 'once-more');
  });
});

for (const caller of ['the one that was away', 'the one that rotated'] as const) {
  test(`a node that was down during two rotations is met again: ${caller} calls`, async () => {
    await withMembers(async (start) => {
      const isAwayCaller = caller === 'the one that was away';
      const a = await start('a', { gossip: {} });
      const b = await start('b', { gossip: { peers: isAwayCaller ? [a.url] : [] } });
      if (!isAwayCaller) a.configure([b.url]);
      await exchange(a, b, 'before');
      const { port } = b;
      await b.close();
      for (let n = 0; n < 2; n++) await rotate(a);
      const back = await start('b', {
        port,
        gossip: { peers: isAwayCaller ? [a.url] : [] },
      });
      await exchange(a, back, 'after');
      await back.logged(/peer has replaced its KEM key/);
    });
  });
}

for (const caller of ['it calls', 'it is called'] as const) {
  test(`a node whose database is older than its last rotation gets another key: ${caller}`, async () => {
    await withMembers(async (start, _, directory) => {
      const a = await start('a', { gossip: {} });
      const b = await start('b', { gossip: { peers: [a.url] } });
      await exchange(a, b, 'before');
      const { port } = a;
      await a.close();
      const [file, backup] = [join(directory, 'a.db'), join(directory, 'backup.db')];
      copyFileSync(file, backup);
      const rotated = await start('a', { port, gossip: {} });
      await exchange(rotated, b, 'between');
      await rotate(rotated);
      await b.logged(/peer has replaced its KEM key/);
      await rotated.close();
      copyFileSync(backup, file);
      const peers = caller === 'it calls' ? [b.url] : [];
      const restored = await start('a', { port, gossip: { peers } });
      await restored.logged(/the database is older than the last KEM key of this node/);
      await restored.ready();
      await exchange(restored, b, 'after');
    });
  });
}

test.run();
