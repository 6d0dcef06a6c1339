// Fast calls in a cluster of real nodes, over streams and by POST: when there is a stream, when there
// cannot be, and when a node at its end goes or comes back.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE_ID_HEADER } from '../../io/channel/channel.ts';
import { REFUSALS } from '../../io/channel/refusal.ts';
import type { Driver } from '../../io/driver.ts';
import { callFrame } from '../../io/frames.ts';
import { GOSSIP_PATHS, type GossipPathName } from './paths.ts';
import { AcmeClient } from './testing/acme-client.ts';
import { type Member, until } from './testing/member.ts';
import { type Start, withMembers } from './testing/members.ts';
import { StreamPeer } from './testing/stream-peer.ts';
import { startTap } from './testing/tap.ts';

async function pair(start: Start): Promise<readonly [Member, Member]> {
  const a = await start('a', { gossip: {} });
  const b = await start('b', { gossip: { peers: [a.url] } });
  for (const member of [a, b]) {
    await member.ready();
    await until(
      () => /\nakamu_gossip_members 1\n/.test(member.metrics()),
      () => member.lines.join('\n'),
    );
  }
  return [a, b];
}

/** Orders at all members in turn until this holds. */
async function orderUntil(
  client: AcmeClient,
  members: readonly Member[],
  holds: () => boolean,
): Promise<void> {
  for (let n = 0; !holds(); n++) {
    assert.ok(n < 50, members.map(({ lines }) => lines.join('\n')).join('\n'));
    await client.certificate(members, `n${n}.test`);
  }
}

test('behind a proxy that passes no other protocol nonces are redeemed by POST', async () => {
  await withMembers(async (start, atEnd) => {
    const a = await start('a', { gossip: {} });
    const tap = await startTap(a.url);
    atEnd(tap.close);
    const b = await start('b', { gossip: { peers: [tap.url] } });
    for (const member of [a, b]) await member.ready();
    const client = new AcmeClient();
    await client.register(a);
    for (let n = 0; n < 3; n++) await client.certificate([a, b], `n${n}.test`);
    assert.is(client.badNonces, 0);
    const { path } = GOSSIP_PATHS.fast;
    const seen = tap.passed.filter((each) => each.path === path);
    assert.ok(seen.some(({ headers }) => headers['content-type'] === GOSSIP_PATHS.fast.type));
  });
});

test('what is written between two rounds is told by a fast call, or sealed when there is no key', async () => {
  await withMembers(async (start, atEnd) => {
    const a = await start('a', { gossip: { intervalSecs: 600 } });
    const tap = await startTap(a.url);
    atEnd(tap.close);
    const b = await start('b', { gossip: { peers: [tap.url], intervalSecs: 600 } });
    for (const member of [a, b]) await member.ready();
    const calls = (name: GossipPathName): number => {
      return tap.passed.filter(({ path }) => path === GOSSIP_PATHS[name].path).length;
    };
    const toldTo = (member: Member): number => {
      const [, count] =
        /akamu_core_inputs_total\{kind="asked"\} (\d+)/.exec(member.metrics()) ?? [];
      return Number(count ?? 0);
    };
    /** Writes at b until a has been told in this way. */
    const writeUntil = async (holds: () => boolean): Promise<void> => {
      for (let n = 0; !holds(); n++) {
        assert.ok(n < 20, b.lines.join('\n'));
        const before = toldTo(a);
        await new AcmeClient().register(b);
        await until(
          () => toldTo(a) > before,
          () => a.lines.join('\n'),
        );
      }
    };
    await writeUntil(() => calls('fast') > 0);
    const sealed = calls('sync');
    await writeUntil(() => calls('fast') > 3);
    assert.is(calls('sync'), sealed, 'none of them was sealed');
    const view = b.engine.gossip();
    if (typeof view === 'string') throw new Error(view);
    assert.ok(view.channel.heardBoot(a.node, 'A'.repeat(22)), 'it seems to have started anew');
    await writeUntil(() => calls('sync') > sealed);
    const fast = calls('fast');
    await writeUntil(() => calls('fast') > fast);
  });
});

test('a removed member has its calls refused, whatever is open', async () => {
  await withMembers(async (start) => {
    const [a, b] = await pair(start);
    const peer = new StreamPeer(a.port).ask({ headers: { [NODE_ID_HEADER]: b.node } });
    const status = async (number: number): Promise<number> => {
      peer.socket.write(callFrame(number, Buffer.from('no call')));
      await until(
        () => peer.frames.length >= number,
        () => `${peer.head}${peer.isEnded}`,
      );
      return peer.frames.at(-1)!.status;
    };
    assert.is(await status(1), REFUSALS.decryption.status);
    const view = a.engine.gossip();
    if (typeof view === 'string') throw new Error(view);
    // As the core says it, once the farewell is over.
    view.channel.members([], [b.node]);
    assert.is(await status(2), REFUSALS.removed.status);
    assert.match(a.metrics(), 'akamu_gossip_refusals_total{reason="removed"}');
    await a.logged(/names a node that was removed/);
    peer.socket.destroy();
  });
});

test('nonces are redeemed over streams, and no client is told badNonce', async () => {
  await withMembers(async (start) => {
    const [a, b] = await pair(start);
    const client = new AcmeClient();
    await client.register(a);
    await orderUntil(client, [a, b], () => a.streams === 1 && b.streams === 1);
    for (let n = 0; n < 5; n++) await client.certificate([a, b], `more${n}.test`);
    assert.equal([a.streams, b.streams, client.badNonces], [1, 1, 0]);
    assert.match(a.metrics(), /redemptions_total\{outcome="redeemed"\} [1-9]/);
    assert.not.match(a.metrics(), /outcome="unredeemed"/);
  });
});

test('a node that begins anew is believed nothing of before, and its nonces are redeemed', async () => {
  await withMembers(async (start) => {
    const [a, b] = await pair(start);
    const client = new AcmeClient();
    await client.register(a);
    await orderUntil(client, [a, b], () => a.streams === 1 && b.streams === 1);
    const view = b.engine.gossip();
    if (typeof view === 'string') throw new Error(view);
    (view.driver as Driver).fail(new Error('its thread died'));
    await b.logged(/INFO node: recovered/);
    await b.ready();
    const fresh = new AcmeClient();
    await fresh.register(b);
    for (let n = 0; n < 5; n++) await fresh.certificate([a, b], `anew${n}.test`);
    assert.is(fresh.badNonces, 0);
    await orderUntil(fresh, [a, b], () => a.streams === 1 && b.streams === 1);
  });
});

test('a node that is started again at its place gets streams again', async () => {
  await withMembers(async (start) => {
    const [a, b] = await pair(start);
    const client = new AcmeClient();
    await client.register(a);
    await orderUntil(client, [a, b], () => a.streams === 1 && b.streams === 1);
    const { port } = b;
    await b.close();
    await until(
      () => a.streams === 0 && b.streams === 0,
      () => `streams: ${a.streams}, ${b.streams}`,
    );
    const again = await start('b', { port, gossip: { peers: [a.url] } });
    await again.ready();
    const fresh = new AcmeClient();
    await fresh.register(again);
    await orderUntil(fresh, [a, again], () => a.streams === 1 && again.streams === 1);
    assert.is(fresh.badNonces, 0);
  });
});

test.run();
