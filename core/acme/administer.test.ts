import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command } from '../input.ts';
import { LIMITS } from '../limits.ts';
import { Client, derOf, type Reply, read } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { accepted, refused } from '../testing/expect.ts';
import { Rig } from '../testing/rig.ts';

const SECRET = new TextEncoder().encode('the secret of the first client!!');
const KEYS = new Map([['key-1', SECRET]]);

function administer(rig: Rig, command: Command): Reply {
  return read(rig.administer(command)!);
}

/** Asserts that a command is refused with what is wrong and what to do. */
function denied(reply: Reply, status: number, error: RegExp, fix: RegExp): void {
  assert.is(reply.status, status, reply.text);
  assert.match(reply.body['error'], error);
  assert.match(reply.body['fix'], fix);
  assert.is(reply.header('content-type'), 'application/json');
}

const serialOf = (url: string): string => url.split('/').at(-1)!;
const idOf = (client: Client): string => client.kid.split('/').at(-1)!;
const lines = (rig: Rig, message: string): readonly object[] => {
  return rig.logs.filter((line) => line.message === message).map(({ fields }) => fields);
};

test('what no node could know is refused in words, and leaves no trace', () => {
  const rig = new Rig();
  for (const serial of ['', '0', 'AB', '0x12', 'ab:cd', 'ab'.repeat(21), '../x']) {
    const reply = administer(rig, { kind: 'revoke', serial });
    denied(reply, 400, /no serial number/, /lower-case hexadecimal/);
  }
  for (const reason of [-1, 7, 8, 11, 1.5, Number.NaN]) {
    const reply = administer(rig, { kind: 'revoke', serial: 'ab', reason });
    denied(reply, 400, /no reason/, /0 to 6, 9 or 10/);
  }
  for (const account of ['', 'a b', 'a/b', 'é', 'x'.repeat(129)]) {
    denied(administer(rig, { kind: 'deactivate', account }), 400, /no id/, /its? .*URL/);
  }
  for (const kid of ['', 'a b', 'é', 'x'.repeat(256)]) {
    denied(administer(rig, { kind: 'revoke-eab', kid }), 400, /no key identifier/, /eab_keys/);
  }
  assert.is(rig.persists, 0);
});

test('what a node that works alone does not know does not exist', () => {
  const rig = new Rig();
  denied(administer(rig, { kind: 'revoke', serial: 'ab' }), 404, /no certificate/, /view/);
  denied(administer(rig, { kind: 'deactivate', account: 'a' }), 404, /no account/, /view/);
  denied(administer(rig, { kind: 'revoke-eab', kid: 'key-1' }), 404, /no external/, /eab_keys/);
  denied(administer(rig, { kind: 'status' }), 409, /works alone/, /\[gossip\]/);
  assert.is(rig.persists, 0);
});

test('a node that does not serve does nothing, and says where it can be done', () => {
  const cluster = new Cluster(['a', 'b']);
  const client = Client.registered(cluster.rig('a'));
  cluster.run(2);
  administer(cluster.rig('a'), { kind: 'remove', node: 'b' });
  cluster.run(2);
  const b = cluster.rig('b');
  const reply = administer(b, { kind: 'deactivate', account: idOf(client) });
  denied(reply, 503, /removed from its cluster/, /another node/);
  assert.is(b.columns('account', idOf(client)).state, 'valid');
});

test('a certificate is revoked for its reason, and the log says who did it', () => {
  const rig = new Rig();
  const serial = serialOf(Client.registered(rig).certificate(['a.example.com']).url);
  const reply = accepted(administer(rig, { kind: 'revoke', serial, reason: 4 }));
  const revokedMs = rig.now.wallMs;
  const stands = { serial, names: ['a.example.com'], status: 'revoked', reason: 4, revokedMs };
  assert.equal(reply.body, { ...stands, changed: true });
  assert.is(rig.columns('certificate', serial).state, 'revoked');
  const said = { serial, reason: 4, by: 'local operator' };
  assert.equal(lines(rig, 'certificate revoked'), [said]);
  rig.advance(5000);
  const again = administer(rig, { kind: 'revoke', serial, reason: 1 });
  assert.equal(accepted(again).body, { ...stands, changed: false });
  assert.is(lines(rig, 'certificate revoked').length, 1);
});

test('what an operator has revoked its owner cannot revoke again, and the list has it', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  const { url, pem } = client.certificate(['a.example.com']);
  accepted(administer(rig, { kind: 'revoke', serial: serialOf(url) }));
  const again = { certificate: derOf(pem), reason: 1 };
  refused(client.post('/acme/revoke-cert', again), 'alreadyRevoked', /revoked before/);
  const { response } = rig.request({ method: 'GET', target: '/ca/crl', contentType: '', body: '' });
  const listed = Buffer.from(response!.body as Uint8Array).toString();
  assert.match(listed, serialOf(url));
});

test('a deactivated account is refused from then on; to say it again shows what stands', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  const account = idOf(client);
  const stands = { account, status: 'deactivated' };
  const first = administer(rig, { kind: 'deactivate', account });
  assert.equal(accepted(first).body, { ...stands, changed: true });
  refused(client.order(['a.example.com']), 'unauthorized', /deactivated/, 401);
  const again = administer(rig, { kind: 'deactivate', account });
  assert.equal(accepted(again).body, { ...stands, changed: false });
  assert.equal(lines(rig, 'account deactivated'), [{ account, by: 'local operator' }]);
});

test('a configured key that is withdrawn makes no account, on a node that works alone too', () => {
  const rig = new Rig({ policy: { externalAccountRequired: true, eabKeys: KEYS } });
  const stands = { kid: 'key-1', status: 'revoked', usedBy: null };
  const reply = administer(rig, { kind: 'revoke-eab', kid: 'key-1' });
  assert.equal(accepted(reply).body, { ...stands, changed: true });
  const client = new Client(rig);
  const externalAccountBinding = client.binding('key-1', SECRET);
  refused(client.register({ externalAccountBinding }), 'unauthorized', /was revoked/);
  const again = administer(rig, { kind: 'revoke-eab', kid: 'key-1' });
  assert.equal(accepted(again).body, { ...stands, changed: false });
  const after = new Rig({ database: rig.database, policy: rig.policy });
  const other = new Client(after);
  const binding = other.binding('key-1', SECRET);
  refused(other.register({ externalAccountBinding: binding }), 'unauthorized', /was revoked/);
});

test('a withdrawal names the account that used the key, which stays what it is', () => {
  const rig = new Rig({ policy: { externalAccountRequired: true, eabKeys: KEYS } });
  const client = new Client(rig);
  accepted(client.register({ externalAccountBinding: client.binding('key-1', SECRET) }), 201);
  const reply = administer(rig, { kind: 'revoke-eab', kid: 'key-1' });
  assert.is(accepted(reply).body['usedBy'], idOf(client));
  accepted(client.order(['a.example.com']), 201);
});

test('on any node of a cluster: what another one has just written is asked for first', () => {
  const cluster = new Cluster(['a', 'b', 'c'], { policy: { externalAccountRequired: true } });
  const policy = { ...cluster.rig('a').policy, externalAccountRequired: true, eabKeys: KEYS };
  cluster.rig('a').submit({ kind: 'configure', policy });
  const client = new Client(cluster.rig('a'));
  client.register({ externalAccountBinding: client.binding('key-1', SECRET) });
  const { url } = client.certificate(['a.example.com']);
  const [b, c] = [cluster.rig('b'), cluster.rig('c')];
  assert.is(b.database.has(`certificate/${serialOf(url)}`), false, 'nobody has told b yet');
  const revoked = accepted(administer(b, { kind: 'revoke', serial: serialOf(url) }));
  assert.is(revoked.body['changed'], true);
  const account = idOf(client);
  assert.is(accepted(administer(c, { kind: 'deactivate', account })).body['changed'], true);
  accepted(administer(b, { kind: 'revoke-eab', kid: 'key-1' }));
  cluster.run(2);
  for (const rig of cluster.rigs.values()) {
    assert.is(rig.columns('certificate', serialOf(url)).state, 'revoked');
    assert.is(rig.columns('account', account).state, 'deactivated');
    assert.is(
      accepted(administer(rig, { kind: 'revoke-eab', kid: 'key-1' })).body['changed'],
      false,
    );
  }
});

test('what no member of a cluster knows is refused once all have been asked', () => {
  const cluster = new Cluster(['a', 'b']);
  const a = cluster.rig('a');
  denied(administer(a, { kind: 'revoke', serial: 'ab' }), 404, /no certificate/, /another node/);
  const marks = a.effects.filter((effect) => effect.kind === 'mark').map(({ name }) => name);
  assert.ok(marks.includes('the cluster was asked before a refusal'));
});

test('nothing is refused for good while a member does not answer', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(2);
  const rig = cluster.rig('a');
  // Nothing is delivered while it waits.
  rig.settle = () => rig.advance(LIMITS.catchUpMs);
  const reply = administer(rig, { kind: 'revoke', serial: 'ab' });
  denied(reply, 503, /no certificate.* some members did not answer/, /try again/);
});

test('revoked on both sides of a partition: the first one stands on every node', () => {
  const cluster = new Cluster(['a', 'b']);
  const serial = serialOf(Client.registered(cluster.rig('a')).certificate(['a.example.com']).url);
  cluster.run(2);
  cluster.split(['a'], ['b']);
  const [a, b] = [cluster.rig('a'), cluster.rig('b')];
  accepted(administer(a, { kind: 'revoke', serial, reason: 1 }));
  cluster.run(1);
  accepted(administer(b, { kind: 'revoke', serial, reason: 4 }));
  cluster.mend();
  cluster.run(20);
  for (const rig of [a, b]) {
    const { body } = administer(rig, { kind: 'revoke', serial });
    assert.equal([body['reason'], body['changed']], [1, false]);
  }
});

test.run();
