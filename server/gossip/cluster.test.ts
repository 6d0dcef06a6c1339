// Nodes of a cluster on loopback: what operators see when they work together, and when they do not.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Driver } from '../../io/driver.ts';
import { freeStablePort } from '../testing/ports.ts';
import { AcmeClient } from './testing/acme-client.ts';
import { until } from './testing/member.ts';
import { receives, serves, withMembers } from './testing/members.ts';
import { startTap } from './testing/tap.ts';

test('a peer that is not there is skipped, and found once it is', async () => {
  await withMembers(async (start) => {
    const port = await freeStablePort();
    const url = `http://127.0.0.1:${port}`;
    const a = await start('a', { gossip: { peers: [url] } });
    const line = await a.logged(/no KEM key for peer, skipping/);
    assert.match(
      line,
      `INFO gossip: no KEM key for peer, skipping peer="${url}" reason="nobody listens there"`,
    );
    await start('b', { port, gossip: { peers: [] } });
    await a.logged(/peer introduced itself/);
  });
});

test('a peer that has lost its database rejects the header until it knows the node again', async () => {
  await withMembers(async (start, atEnd) => {
    const b = await start('b', { gossip: {} });
    const fresh = await start('fresh', { gossip: {} });
    const tap = await startTap(b.url);
    atEnd(tap.close);
    const a = await start('a', { gossip: { peers: [tap.url] } });
    await until(
      () => /exchanges_total\{[^}]*outcome="told"\} /.test(a.metrics()),
      () => a.lines.join('\n'),
    );
    tap.aim(fresh.url);
    const line = await a.logged(/header rejected/);
    assert.match(line, `WARN gossip: X-Akamu-Node-Id header rejected by peer peer="${tap.url}"`);
    await fresh.logged(/X-Akamu-Node-Id names no known node/);
    assert.match(fresh.metrics(), 'akamu_gossip_refusals_total{reason="sender"}');
    const client = new AcmeClient();
    await client.register(a);
    const { url, pem } = await client.certificate([a], 'after.test');
    await receives(client, fresh, url, pem);
  });
});

test('an answer that was changed on the way is not used', async () => {
  await withMembers(async (start, atEnd) => {
    const b = await start('b', { gossip: {} });
    const tap = await startTap(b.url);
    atEnd(tap.close);
    tap.spoil((path, body) => {
      if (!path.endsWith('/sync') || body.length < 100) return body;
      const changed = Buffer.from(body);
      changed[changed.length >> 1]! ^= 1;
      return changed;
    });
    const a = await start('a', { gossip: { peers: [tap.url] } });
    const line = await a.logged(/verify_and_open/);
    assert.match(line, `WARN gossip: verify_and_open response failed peer="${tap.url}" reason="`);
    assert.match(a.metrics(), /peer_reachable\{[^}]*\} 0/);
    tap.spoil(undefined);
    const client = new AcmeClient();
    await client.register(b);
    const { url, pem } = await client.certificate([b], 'mended.test');
    await receives(client, a, url, pem);
  });
});

test('a node of another CA never becomes a member', async () => {
  await withMembers(async (start) => {
    const b = await start('b', { gossip: {} });
    const caDirectory = mkdtempSync(join(tmpdir(), 'akamu-other-'));
    const stranger = await start('stranger', { caDirectory, gossip: { peers: [b.url] } });
    await stranger.logged(/no KEM key for peer, skipping/);
    await b.logged(/introduction is not authentic/);
    assert.match(b.metrics(), 'akamu_gossip_refusals_total{reason="identity"}');
    assert.match(b.metrics(), '\nakamu_gossip_members 0\n');
    rmSync(caDirectory, { recursive: true });
  });
});

test('what was ordered at one node is downloaded at the others', async () => {
  await withMembers(async (start) => {
    const a = await start('a', { gossip: {} });
    const b = await start('b', { gossip: { peers: [a.url] } });
    const c = await start('c', { gossip: { peers: [a.url] } });
    for (const member of [a, b, c]) await member.ready();
    const client = new AcmeClient();
    await client.register(a);
    const { url, pem } = await client.certificate([a], 'shared.test');
    for (const member of [b, c]) await receives(client, member, url, pem);
    const metrics = b.metrics();
    assert.match(metrics, /exchanges_total\{peer="[^"]+",outcome="told"\} [1-9]/);
    assert.match(metrics, new RegExp(`peer_reachable\\{peer="${a.node}"\\} 1\n`));
    assert.match(metrics, new RegExp(`peer_lag_events\\{peer="${a.node}"\\} 0\n`));
    for (const direction of ['in', 'out']) {
      assert.match(metrics, new RegExp(`sealed_bytes_total\\{direction="${direction}"\\} [1-9]`));
    }
  });
});

test('every step of an order can go to another node, and no client is told badNonce', async () => {
  await withMembers(async (start) => {
    const a = await start('a', { gossip: {} });
    const b = await start('b', { gossip: { peers: [a.url] } });
    const c = await start('c', { gossip: { peers: [a.url, b.url] } });
    const members = [a, b, c];
    for (const member of members) {
      await member.ready();
      await until(
        () => /\nakamu_gossip_members 2\n/.test(member.metrics()),
        () => member.lines.join('\n'),
      );
    }
    const clients = await Promise.all(
      members.map(async (member) => {
        const client = new AcmeClient();
        await client.register(member);
        return client;
      }),
    );
    for (let n = 0; n < 5; n++) {
      await Promise.all(clients.map((client, i) => client.certificate(members, `c${i}-${n}.test`)));
    }
    assert.equal(
      clients.map(({ badNonces }) => badNonces),
      [0, 0, 0],
    );
    assert.match(a.metrics(), /redemptions_total\{outcome="redeemed"\} [1-9]/);
    assert.match(a.metrics(), /redemption_seconds_count [1-9]/);
  });
});

test('a node that was alone brings what it has into a cluster', async () => {
  await withMembers(async (start) => {
    const alone = await start('a');
    await alone.ready();
    const client = new AcmeClient();
    await client.register(alone);
    const { url, pem } = await client.certificate([alone], 'early.test');
    await alone.close();
    const a = await start('a', { gossip: {} });
    const b = await start('b', { gossip: { peers: [a.url] } });
    await b.ready();
    await receives(client, b, url, pem);
    assert.ok(await serves(client, a, url, pem));
    const diverged = [...a.lines, ...b.lines].filter((line) => line.includes('digests differ'));
    assert.equal(diverged, []);
  });
});

test('a new node says when it has everything, in the words of the operators', async () => {
  await withMembers(async (start) => {
    const a = await start('a', { gossip: {} });
    await a.ready();
    const client = new AcmeClient();
    await client.register(a);
    await client.certificate([a], 'one.test');
    await client.certificate([a], 'two.test');
    const b = await start('b', { gossip: { peers: [a.url] } });
    const line = await b.logged(/first-contact/);
    assert.is(
      line,
      `INFO gossip: first-contact merge complete peer="${a.url}" ` +
        'accounts=1 orders=2 certificates=2 authorizations=2 cluster_nodes=2',
    );
    await b.ready();
  });
});

test('a new node that meets nobody is not ready', async () => {
  await withMembers(async (start) => {
    const port = await freeStablePort();
    const lonely = await start('lonely', { gossip: { peers: [`http://127.0.0.1:${port}`] } });
    await lonely.logged(/no KEM key/);
    assert.match(lonely.engine.fault ?? '', 'first contact with a peer');
    await start('b', { port, gossip: {} });
    await lonely.ready();
  });
});

test('a node that failed while it ran begins anew, and is heard again', async () => {
  await withMembers(async (start) => {
    const a = await start('a', { gossip: {} });
    const b = await start('b', { gossip: { peers: [a.url] } });
    await b.ready();
    const client = new AcmeClient();
    await client.register(b);
    const view = b.engine.gossip();
    if (typeof view === 'string') throw new Error(view);
    (view.driver as Driver).fail(new Error('its thread died'));
    assert.match(b.engine.fault ?? '', 'a part of this node failed; recovering');
    await b.logged(/INFO node: recovered/);
    await b.ready();
    const { url, pem } = await client.certificate([b], 'anew.test');
    await receives(client, a, url, pem);
    assert.ok(b.lines.some((line) => /reason=".*its thread died/.test(line)));
  });
});

test('a reload brings a new peer', async () => {
  await withMembers(async (start) => {
    const a = await start('a', { gossip: {} });
    const b = await start('b', { gossip: {} });
    const client = new AcmeClient();
    await client.register(a);
    const { url, pem } = await client.certificate([a], 'reload.test');
    assert.not.ok(await serves(client, b, url, pem));
    a.configure([b.url]);
    await receives(client, b, url, pem);
  });
});

test('a node keeps its id over restarts', async () => {
  await withMembers(async (start) => {
    const a = await start('a', { gossip: {} });
    const { node } = a;
    await a.close();
    const again = await start('a', { gossip: {} });
    assert.is(again.node, node);
  });
});

test.run();
