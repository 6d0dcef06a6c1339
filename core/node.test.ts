import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client, path, read } from './testing/client.ts';
import { Rig } from './testing/rig.ts';

test('a whole flow ends with a certificate and its chain', () => {
  const client = Client.registered(new Rig());
  const { pem } = client.certificate(['www.example.com', 'example.com']);
  assert.is(pem.match(/BEGIN CERTIFICATE/g)?.length, 2);
});

test('a steady flow reads nothing from the database', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  client.certificate(['warm.example.com']);
  const before = rig.loads;
  for (let i = 0; i < 20; i++) client.certificate([`n${i}.example.com`]);
  assert.is(rig.loads, before);
});

test('a tiny cache costs loads and changes nothing else', () => {
  const rig = new Rig({ limits: { cacheRecords: 8 } });
  const client = Client.registered(rig);
  const urls = Array.from({ length: 10 }, (_, i) => client.certificate([`n${i}.example.com`]).url);
  for (const url of urls) assert.is(client.post(path(url), undefined).status, 200);
  assert.ok(rig.loads > 10, `only ${rig.loads} loads with a cache that is too small`);
});

test('every change is in a persist effect before the answer that shows it', () => {
  const rig = new Rig();
  Client.registered(rig).certificate(['order.example.com']);
  const durable = new Set<string>();
  for (const effect of rig.effects) {
    if (effect.kind === 'persist') for (const { id } of effect.records) durable.add(id);
    if (effect.kind !== 'respond' || typeof effect.response.body !== 'string') continue;
    for (const [, id] of effect.response.body.matchAll(/acme\/(?:order|authz|cert)\/([\w-]+)/g)) {
      assert.ok(durable.has(id!), `${id} is shown before it is durable`);
    }
  }
});

test('dots of one node count up without a gap', () => {
  const rig = new Rig();
  Client.registered(rig).certificate(['dots.example.com']);
  const seqs = rig.effects.flatMap((effect) => {
    return effect.kind === 'persist' ? effect.records.map(({ dot }) => dot.seq) : [];
  });
  assert.equal(
    seqs,
    seqs.map((_, index) => index + 1),
  );
});

test('a request for something under way is answered when it changes, or after a moment', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  rig.validator = () => undefined;
  const order = client.order(['slow.example.com']).body;
  client.prove(order);
  const target = path(order['authorizations'][0]);
  const patient = client.begin(target, undefined);
  assert.is(patient.response, undefined);
  const { authorization, request } = rig.probes[0]!;
  rig.submit({ kind: 'validated', authorization, type: request.type, result: { ok: true } });
  assert.is(read(rig.response(patient.id)!).body['status'], 'valid');
});

test('a request that waited its time is answered with what is', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  rig.validator = () => undefined;
  const order = client.order(['slow.example.com']).body;
  client.prove(order);
  const patient = client.begin(path(order['authorizations'][0]), undefined);
  rig.advance(1_500);
  const reply = read(rig.response(patient.id)!);
  assert.is(reply.body['status'], 'pending');
  assert.match(reply.header('retry-after')!, /^\d+$/);
});

test('a probe under way at a crash is made again after the restart', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  rig.validator = () => undefined;
  const order = client.order(['crash.example.com']).body;
  client.prove(order);
  const revived = new Rig({ database: rig.database });
  assert.ok(revived.node.ready);
  const id = order['authorizations'][0].split('/').at(-1);
  assert.is(revived.columns('authorization', id).state, 'valid');
});

test('an issuance under way at a crash is taken up after the restart', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  const order = client.order(['crash.example.com']).body;
  client.prove(order);
  rig.issuer = () => undefined;
  client.begin(path(order['finalize']), {
    csr: Buffer.from(JSON.stringify({ names: order['identifiers'], spkiHash: 'k' })).toString(
      'base64url',
    ),
  });
  const revived = new Rig({ database: rig.database });
  assert.is(revived.select({ kind: 'order', state: 'valid', limit: 9 }).length, 1);
});

test('authorizations validated before a restart are reused after it', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  client.certificate(['again.example.com']);
  client.rig = new Rig({ database: rig.database });
  assert.is(client.order(['again.example.com']).body['status'], 'ready');
});

test('expired orders and authorizations are removed, certificates stay', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  client.certificate(['old.example.com']);
  rig.advance(3 * 86_400_000);
  const kinds = [...rig.database.values()].map(({ kind }) => kind);
  assert.is(kinds.includes('order') || kinds.includes('authorization'), false);
  assert.is(kinds.includes('certificate'), true);
});

test.run();
