// What a member with valid keys can say that is not true, one lie at a time; sim/lies.ts has more.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../crdt/record.ts';
import { MAX_ORIGINS } from '../crdt/version-vector.ts';
import { LIMITS } from '../limits.ts';
import { Client, path } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { EMPTY_PAGE } from '../testing/empty-page.ts';
import type { Rig } from '../testing/rig.ts';

/** A cluster of two in which something was written. */
function pair(): { cluster: Cluster; rig: Rig } {
  const cluster = new Cluster(['a', 'b']);
  const rig = cluster.rig('a');
  Client.registered(rig);
  cluster.run(2);
  return { cluster, rig };
}

function tell(rig: Rig, lie: { readonly [member: string]: Json }): void {
  rig.submit({ kind: 'told', from: 'b', page: { ...EMPTY_PAGE, ...lie } });
}

/** Log lines that name the peer. */
function blamed(rig: Rig): readonly string[] {
  return rig.effects.flatMap((effect) => {
    return effect.kind === 'log' && effect.fields['peer'] === 'b' ? [effect.message] : [];
  });
}

function origins(rig: Rig): number {
  return [...rig.facts.keys()].filter((name) => name.startsWith('replica/seen/')).length;
}

test('what is no page is refused, and the log names its sender', () => {
  const { rig } = pair();
  tell(rig, { records: 'none' });
  tell(rig, { nonsense: true });
  assert.is(blamed(rig).filter((line) => line === 'peer sent what is refused').length, 2);
});

test('a peer that speaks of own events that never were brings about few incarnations', () => {
  const { cluster, rig } = pair();
  const before = origins(rig);
  const client = Client.registered(rig);
  for (let i = 0; i < 50; i++) {
    client.order([`n${i}.example.com`]);
    tell(rig, { known: [rig.facts.get('replica/origin')!, 1_000_000] });
  }
  assert.ok(origins(rig) - before <= LIMITS.incarnationsPerProcess + 1, `${origins(rig)}`);
  assert.ok(blamed(rig).includes('peer speaks of own events that were never made'));
  cluster.run(4);
  assert.is(cluster.rig('b').database.size, rig.database.size);
});

test('a peer that speaks of too many origins is refused, and gossip goes on', () => {
  const { cluster, rig } = pair();
  const digest = { day: 0, sum: null };
  for (let page = 0; page < 3; page++) {
    const names = Array.from({ length: MAX_ORIGINS * 0.4 }, (_, i) => `z.${page}-${10_000 + i}`);
    tell(rig, { complete: { vector: names.map((name) => [name, 1]), digest } });
  }
  assert.ok(origins(rig) < MAX_ORIGINS, `${origins(rig)} origins`);
  assert.ok(blamed(rig).includes('peer speaks of more origins than there can be'));
  Client.registered(rig).order(['on.example.com']);
  cluster.run(4);
  assert.is(cluster.rig('b').database.size, rig.database.size);
});

/** A record as it travels, such as to win against what is there. */
function lie(kind: string, id: string, fields: { readonly [field: string]: Json }): Json {
  return [kind, id, 'liar.1', ++lies, fields];
}

let lies = 0;
const FIRST = '000000000000-0000-liar';
const LAST = 'ffffffffffff-ffff-liar';

test('a peer that has let go of all days to come is not believed', () => {
  const { cluster, rig } = pair();
  const vector = [...rig.facts].flatMap(([name, seq]): Json[] => {
    const [, origin] = /^replica\/seen\/(.+)$/.exec(name) ?? [];
    return origin === undefined ? [] : [[origin, Number(seq)]];
  });
  const digest = { day: Number.MAX_SAFE_INTEGER, sum: null };
  tell(rig, { complete: { vector, digest } });
  assert.is(rig.facts.get('replica/peer-day'), '0');
  cluster.run(4);
  assert.is(cluster.rig('b').facts.get('replica/peer-day'), '0');
});

test('a record of an unknown kind that says it is under way is nobody’s work', () => {
  const { cluster, rig } = pair();
  tell(rig, { records: [lie('zzz', 'x', { status: 'processing' })] });
  assert.ok(rig.database.has('zzz/x'), 'newer versions have kinds of their own');
  for (let minutes = 0; minutes < 10; minutes++) rig.advance(60_000);
  cluster.run(2);
  assert.is(cluster.rig('b').node.gauges.leases, 0);
  assert.is(rig.node.gauges.leases, 0);
});

test('an order that names an authorization that never was is invalid, and nothing fails', () => {
  const { rig } = pair();
  const client = Client.registered(rig);
  const order = client.order(['a.example.com']);
  const id = order.header('location')!.split('/').at(-1)!;
  const { made } = rig.record('order', id).fields as { made: { value: { [name: string]: Json } } };
  for (const authorizations of [['never-was'], ['../..', '%', `${'x'.repeat(200)}`]]) {
    const value = { ...made.value, authorizations };
    tell(rig, { records: [lie('order', id, { made: { at: FIRST, value }, status: 'pending' })] });
  }
  assert.is(client.post(path(order.header('location')!), undefined).body['status'], 'invalid');
  assert.is(client.finalize(order.body).status, 403);
});

test('numbers and stamps at the end of their ranges freeze what they stand in, and nothing else', () => {
  const { cluster, rig } = pair();
  const client = Client.registered(rig);
  const id = client.kid.split('/').at(-1)!;
  const version = Number.MAX_SAFE_INTEGER;
  const { fields } = rig.record('account', id);
  const key = { ...(fields['key'] as { value: Json }), version, at: LAST };
  const contact = { version, at: LAST, value: ['mailto:liar@example.com'] };
  rig.validator = () => undefined;
  const order = client.order(['slow.example.com']).body;
  client.prove(order);
  const busy = String((order['authorizations'] as string[])[0])
    .split('/')
    .at(-1)!;
  const owner = { epoch: version, renewals: version, claimedAt: FIRST, node: 'b', released: false };
  const authorization = { ...rig.record('authorization', busy).fields, owner };
  tell(rig, {
    records: [
      lie('account', id, { ...fields, key, contact }),
      lie('authorization', busy, authorization),
      lie('crl', 'default', { number: version }),
    ],
    clockMs: version,
  });
  assert.equal(rig.record('authorization', busy).fields['owner'], owner);
  assert.is(client.post(path(client.kid), { contact: [] }).status, 200);
  rig.validator = () => ({ ok: true });
  for (let minutes = 0; minutes < 10; minutes++) {
    rig.advance(60_000);
    cluster.deliver();
  }
  const leftAlone = rig.logs.filter(({ message }) => /left alone/.test(message));
  assert.is(leftAlone.length, 1, 'what is in vain is not tried without end');
  const { pem } = client.certificate(['on.example.com']);
  assert.is(client.revoke(pem).status, 200);
  assert.is(client.get('/ca/crl').status, 200);
  const { database, facts } = rig;
  cluster.restart('a', { database, facts });
  client.rig = cluster.rig('a');
  client.rig.now = rig.now;
  cluster.run(4);
  assert.match(client.certificate(['again.example.com']).pem, /BEGIN CERTIFICATE/);
  assert.is(client.get('/ca/crl').status, 200);
});

test.run();
