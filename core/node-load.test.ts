import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Effect } from './effect.ts';
import { LIMITS } from './limits.ts';
import { Client, path, read } from './testing/client.ts';
import { accepted, refused } from './testing/expect.ts';
import { Rig } from './testing/rig.ts';

const names = (count: number, label = 'n'): string[] => {
  return Array.from({ length: count }, (_, i) => `${label}${i}.example.com`);
};

/** The load that fills the index of reusable authorizations after a start. */
const fillsIndex = ({ selections }: Extract<Effect, { kind: 'load' }>): boolean => {
  return selections.some(({ owner, state }) => owner === undefined && state === 'valid');
};

test('a hundred names whose authorizations are cold are loaded together', () => {
  const rig = new Rig({ limits: { cacheRecords: 1024 } });
  const client = Client.registered(rig);
  client.prove(client.order(names(LIMITS.orderIdentifiers)).body);
  for (let i = 0; i < 12; i++) client.order(names(LIMITS.orderIdentifiers, `other${i}-`));
  const before = rig.loads;
  const reply = accepted(client.order(names(LIMITS.orderIdentifiers)), 201);
  assert.is(reply.body['status'], 'ready');
  assert.ok(rig.loads > before, 'the authorizations were still warm');
  assert.ok(rig.loads - before <= 3, `${rig.loads - before} loads`);
});

test('a hundred names are searched together while the index is being filled', () => {
  const early = new Rig();
  const client = Client.registered(early);
  client.prove(client.order(names(LIMITS.orderIdentifiers)).body);
  client.rig = new Rig({ database: early.database, holds: fillsIndex });
  assert.ok(client.rig.node.ready, 'it serves meanwhile');
  const reply = accepted(client.order(names(LIMITS.orderIdentifiers)), 201);
  assert.is(reply.body['status'], 'ready');
  assert.ok(client.rig.loads < 12, `${client.rig.loads} loads`);
});

test('a hundred cold names of a certificate are loaded together when another revokes it', () => {
  const rig = new Rig({ limits: { cacheRecords: 1024 } });
  const owner = Client.registered(rig);
  const { pem } = owner.certificate(names(LIMITS.orderIdentifiers));
  const other = Client.registered(rig);
  other.prove(other.order(names(LIMITS.orderIdentifiers)).body);
  for (let i = 0; i < 12; i++) owner.order(names(LIMITS.orderIdentifiers, `other${i}-`));
  accepted(other.revoke(pem));
});

test('a start completes although time passes while the database is read', () => {
  const early = new Rig();
  const client = Client.registered(early);
  client.certificate(['old.example.com']);
  const rig = new Rig({ database: early.database, loadMs: 7 });
  assert.ok(rig.node.ready);
  client.rig = rig;
  assert.is(client.order(['old.example.com']).body['status'], 'ready');
  rig.advance(3 * 86_400_000);
  assert.is(rig.select({ kind: 'order', limit: 9 }).length, 0);
});

test('a name is searched once although time passes while the database is read', () => {
  const early = new Rig();
  const client = Client.registered(early);
  client.certificate(['old.example.com']);
  client.rig = new Rig({ database: early.database, holds: fillsIndex, loadMs: 7 });
  assert.is(client.order(['old.example.com']).body['status'], 'ready');
});

test('a request parked while its account is deactivated is refused', () => {
  const early = new Rig();
  const client = Client.registered(early);
  const rig = new Rig({ database: early.database, holds: fillsIndex });
  client.rig = rig;
  client.post(path(client.kid), undefined);
  rig.holds = () => true;
  const identifiers = [{ type: 'dns', value: 'late.example.com' }];
  const parked = client.begin('/acme/new-order', { identifiers });
  assert.is(parked.response, undefined);
  accepted(client.post(path(client.kid), { status: 'deactivated' }));
  rig.releaseLoads();
  refused(read(rig.response(parked.id)!), 'unauthorized', /account is deactivated/, 401);
  assert.is(rig.select({ kind: 'order', limit: 9 }).length, 0);
});

test('of two key changes parked together the second is refused', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  const [first, second] = [new Client(rig), new Client(rig)];
  rig.holds = () => true;
  const one = client.begin('/acme/key-change', client.keyChange(first));
  const two = client.begin('/acme/key-change', client.keyChange(second));
  rig.releaseLoads();
  accepted(read(rig.response(one.id)!));
  refused(read(rig.response(two.id)!), 'malformed', /"oldKey" is not the key/);
  first.kid = client.kid;
  accepted(first.post(path(first.kid), undefined));
});

test('of two registrations of one key parked together one makes the account', () => {
  const rig = new Rig();
  const client = new Client(rig);
  rig.holds = () => true;
  const bend = { header: { jwk: client.jwk } };
  const replies = [1, 2].map(() => client.begin('/acme/new-account', {}, bend));
  rig.releaseLoads();
  const statuses = replies.map(({ id }) => rig.response(id)!.status);
  assert.equal(statuses, [201, 200]);
});

test('an authorization deactivated while it is being searched for is not reused', () => {
  const early = new Rig();
  const client = Client.registered(early);
  const order = client.order(['gone.example.com']).body;
  client.prove(order);
  const rig = new Rig({ database: early.database, holds: fillsIndex });
  client.rig = rig;
  const authorization = path(order['authorizations'][0]);
  client.post(authorization, undefined);
  rig.holds = () => true;
  const { id } = client.begin('/acme/new-order', {
    identifiers: [{ type: 'dns', value: 'gone.example.com' }],
  });
  accepted(client.post(authorization, { status: 'deactivated' }));
  rig.releaseLoads((effect) => !fillsIndex(effect));
  const reply = accepted(read(rig.response(id)!), 201);
  assert.is(reply.body['status'], 'pending');
});

test('a record written while an older version of it is being loaded keeps the new version', () => {
  const early = new Rig();
  const client = Client.registered(early);
  const rig = new Rig({ database: early.database });
  client.rig = rig;
  rig.holds = () => true;
  const looks = [1, 2].map(() => client.begin(path(client.kid), undefined));
  const change = client.begin(path(client.kid), { contact: ['mailto:new@example.com'] });
  rig.releaseLoads();
  for (const { id } of [...looks, change]) assert.is(rig.response(id)!.status, 200);
  const { body } = client.post(path(client.kid), undefined);
  assert.equal(body['contact'], ['mailto:new@example.com']);
});

test.run();
