import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIMITS } from './limits.ts';
import { Client, path, type Reply, read } from './testing/client.ts';
import { accepted, refused } from './testing/expect.ts';
import { Rig } from './testing/rig.ts';

/** A rig whose every place to wait is taken, by requests for an authorization being probed. */
function fullRig(): { rig: Rig; client: Client; target: string } {
  const rig = new Rig();
  const client = Client.registered(rig);
  rig.validator = () => undefined;
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  const target = path(order['authorizations'][0]);
  rig.lister = () => undefined;
  const web = { method: 'GET', target: '/ca/crl', contentType: '', body: '' };
  for (let i = 0; i < LIMITS.parkedInputs; i++) rig.request(web);
  return { rig, client, target };
}

test('when too many wait a request is turned away with 503, Retry-After and a nonce', () => {
  const { rig, client, target } = fullRig();
  assert.is(rig.node.gauges.parked, LIMITS.parkedInputs);
  const reply: Reply = refused(client.post(target, undefined), 'serverInternal', /too busy/, 503);
  assert.is(reply.header('retry-after'), String(LIMITS.retryAfterSecs));
  const nonce = reply.header('replay-nonce')!;
  assert.match(nonce, /./);
  accepted(client.post(path(client.kid), undefined, { nonce }));
});

test('when too many wait, what needs no waiting is still answered', () => {
  const { client } = fullRig();
  accepted(client.get('/acme/directory'));
  accepted(client.order(['b.example.com']), 201);
});

test('when too many wait, a request that needs a cold record is turned away', () => {
  const { rig, client } = fullRig();
  const target = '/acme/order/never-seen';
  refused(client.post(target, undefined), 'serverInternal', /too busy/, 503);
  rig.advance(LIMITS.finalizeWaitMs);
  refused(client.post(target, undefined), 'malformed', /no such order/, 404);
});

test('when too many wait, an open resource is turned away without a nonce', () => {
  const { client } = fullRig();
  const reply = refused(client.get('/ca/crl'), 'serverInternal', /too busy/, 503);
  assert.is(reply.header('replay-nonce'), undefined);
});

test('a client that went away during a load is not answered, and leaves nothing behind', () => {
  const rig = new Rig();
  const client = new Client(rig);
  rig.holds = () => true;
  const bend = { header: { jwk: client.jwk } };
  const { id } = client.begin('/acme/new-account', {}, bend);
  rig.submit({ kind: 'abandon', request: id });
  rig.releaseLoads();
  assert.is(rig.response(id), undefined);
  assert.is(rig.select({ kind: 'account', limit: 9 }).length, 0);
  assert.is(rig.node.gauges.parked, 0);
});

test('a client that went away while it waited is not answered', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  rig.validator = () => undefined;
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  const { id } = client.begin(path(order['authorizations'][0]), undefined);
  assert.is(rig.node.gauges.parked, 1);
  rig.submit({ kind: 'abandon', request: id });
  rig.submit({ kind: 'abandon', request: 12_345 });
  rig.advance(LIMITS.longPollMs);
  assert.is(rig.response(id), undefined);
  assert.is(rig.node.gauges.parked, 0);
});

test('everybody who waits for one record is answered when it changes', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  rig.validator = () => undefined;
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  const target = path(order['authorizations'][0]);
  const ids = Array.from({ length: 5 }, () => client.begin(target, undefined).id);
  const { authorization, request } = rig.probes[0]!;
  rig.submit({ kind: 'validated', authorization, type: request.type, result: { ok: true } });
  for (const id of ids) assert.is(read(rig.response(id)!).body['status'], 'valid');
});

test('a load that was not asked for, or is answered twice, is a bug of ours', () => {
  const rig = new Rig();
  const loaded = { records: [], selections: [], ranges: [] };
  assert.throws(() => rig.submit({ kind: 'loaded', load: 999, loaded }), /asked for/);
});

test.run();
