import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIMITS } from '../limits.ts';
import { Client, type Reply } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { accepted, refused } from '../testing/expect.ts';
import { POLICY, Rig } from '../testing/rig.ts';
import { registerMember } from './records.ts';

const NAMES = ['a', 'b', 'c'];
const SECRET = new TextEncoder().encode('the secret of the first client!!');
const OTHER = new TextEncoder().encode('a secret that somebody mistyped!');
const LONG_KID = 'k'.repeat(255);

/** Puts keys into the configuration of one node. */
function configure(cluster: Cluster, node: string, keys: readonly [string, Uint8Array][]): void {
  const policy = { ...POLICY, externalAccountRequired: true, eabKeys: new Map(keys) };
  cluster.rig(node).submit({ kind: 'configure', policy });
}

/** A cluster in which every account needs a key, and node a alone is configured with some. */
function scene(keys: readonly [string, Uint8Array][] = [['key-1', SECRET]]): Cluster {
  const cluster = new Cluster(NAMES, { policy: { externalAccountRequired: true } });
  configure(cluster, 'a', keys);
  cluster.run(2);
  return cluster;
}

function register(client: Client, kid = 'key-1', secret = SECRET): Reply {
  return client.register({ externalAccountBinding: client.binding(kid, secret) });
}

const warnings = (rig: Rig): readonly string[] => {
  return rig.logs.filter(({ level }) => level === 'warn').map(({ message }) => message);
};

test('upstream failure 19: a key that was used on one node is used up on every node', () => {
  const cluster = scene();
  accepted(register(new Client(cluster.rig('b'))), 201);
  cluster.run(1);
  for (const node of NAMES) {
    const reply = register(new Client(cluster.rig(node)));
    refused(reply, 'unauthorized', /used before/);
  }
});

test('a key in the configuration of one node is good on every node, with its secret only', () => {
  const cluster = scene();
  const client = new Client(cluster.rig('c'));
  refused(register(client, 'key-1', OTHER), 'unauthorized', /does not verify/);
  refused(register(client, 'key-2'), 'unauthorized', /key is unknown/);
  const { body } = accepted(register(client), 201);
  assert.is(body['status'], 'valid');
});

test('the account that used a key may be asked for again with it', () => {
  const cluster = scene();
  const client = new Client(cluster.rig('b'));
  accepted(register(client), 201);
  cluster.run(1);
  client.rig = cluster.rig('c');
  assert.is(register(client).status, 200);
});

test('the secret stands nowhere in clear: not in records, messages, effects or the log', () => {
  const cluster = scene([
    ['key-1', SECRET],
    [LONG_KID, OTHER],
  ]);
  accepted(register(new Client(cluster.rig('b'))), 201);
  cluster.run(2);
  for (const rig of cluster.rigs.values()) {
    assert.is(rig.select({ kind: 'eab', limit: 9 }).length, 2);
    const seen = JSON.stringify([rig.effects, [...rig.database.values()], [...rig.facts]]);
    for (const secret of [SECRET, OTHER]) {
      const bytes = Buffer.from(secret);
      const forms = [bytes.toString(), bytes.toString('base64url'), bytes.toString('base64')];
      for (const form of [...forms, bytes.toString('hex'), [...bytes].join(',')]) {
        assert.not(seen.includes(form), form);
      }
    }
  }
});

test('a key identifier that is too long for a record works all the same', () => {
  const cluster = scene([[LONG_KID, SECRET]]);
  accepted(register(new Client(cluster.rig('b')), LONG_KID), 201);
  cluster.run(1);
  const reply = register(new Client(cluster.rig('c')), LONG_KID);
  refused(reply, 'unauthorized', /used before/);
});

test('another secret for a known key is told in the log, and the first stays in force', () => {
  const cluster = scene();
  configure(cluster, 'b', [['key-1', OTHER]]);
  assert.match(warnings(cluster.rig('b')).join(), /another secret.*choose a new key identifier/);
  const client = new Client(cluster.rig('b'));
  refused(register(client, 'key-1', OTHER), 'unauthorized', /does not verify/);
  accepted(register(client), 201);
  configure(cluster, 'c', [['key-1', SECRET]]);
  assert.equal(warnings(cluster.rig('c')), []);
});

test('used on two sides of a partition: one account stands, the other is revoked everywhere', () => {
  const cluster = scene();
  cluster.split(['a'], ['b', 'c']);
  const one = new Client(cluster.rig('a'));
  accepted(register(one), 201);
  cluster.rig('b').advance(5);
  const other = new Client(cluster.rig('b'));
  accepted(register(other), 201);
  const { body: order } = accepted(other.order(['b.example.com']), 201);
  cluster.mend();
  cluster.run(25);
  for (const node of NAMES) {
    const rig = cluster.rig(node);
    for (const client of [one, other]) client.rig = rig;
    assert.is(accepted(one.post(`/acme/account/${idOf(one)}`, {})).body['status'], 'valid');
    refused(other.order(['x.example.com']), 'unauthorized', /account is revoked/, 401);
    refused(register(other), 'unauthorized', /account is revoked/, 401);
    const used = registerMember(rig.record('eab', 'key-1'), 'used', 'account');
    assert.is(used, idOf(one));
    const kept = rig.select({ kind: 'order', owner: idOf(other), limit: 9 });
    assert.is(kept.length, [order].length, 'nothing of it is lost');
  }
});

test('a revocation of a key is not taken back by a configuration', () => {
  const cluster = scene();
  const rig = cluster.rig('a');
  const key = rig.record('eab', 'key-1');
  const database = new Map(rig.database);
  database.set('eab/key-1', { ...key, fields: { ...key.fields, status: 'revoked' } });
  cluster.restart('a', { database, facts: rig.facts });
  configure(cluster, 'a', [['key-1', SECRET]]);
  cluster.run(2);
  assert.match(warnings(cluster.rig('a')).join(), /was revoked/);
  refused(register(new Client(cluster.rig('a'))), 'unauthorized', /was revoked/);
});

test('more keys than the cache has room for become records', () => {
  const count = 2 * LIMITS.selectionPage + 7;
  const keys = Array.from(
    { length: count },
    (_, i) => [`key-${i}`, SECRET] as [string, Uint8Array],
  );
  const cluster = new Cluster(['a'], { limits: { cacheRecords: LIMITS.selectionPage + 50 } });
  configure(cluster, 'a', keys);
  assert.is(cluster.rig('a').select({ kind: 'eab', limit: 9999 }).length, count);
  const { persists } = cluster.rig('a');
  configure(cluster, 'a', keys);
  assert.is(cluster.rig('a').persists, persists, 'what is known already is not written again');
});

test('a node that works alone goes by its configuration and makes no records of it', () => {
  const rig = new Rig();
  const policy = { ...POLICY, eabKeys: new Map([['key-1', SECRET]]) };
  rig.submit({ kind: 'configure', policy });
  assert.is(rig.select({ kind: 'eab', limit: 9 }).length, 0);
  rig.submit({ kind: 'configure', policy: { ...policy, eabKeys: new Map([['key-1', OTHER]]) } });
  accepted(register(new Client(rig), 'key-1', OTHER), 201);
});

const idOf = (client: Client): string => client.kid.split('/').at(-1)!;

test.run();
