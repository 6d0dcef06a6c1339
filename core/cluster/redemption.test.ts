import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromBase64Url } from '../bytes.ts';
import type { Json } from '../crdt/record.ts';
import { LIMITS } from '../limits.ts';
import { Client, path, type Reply, read } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import type { Rig } from '../testing/rig.ts';

const NAMES = ['a', 'b', 'c'];
const ORDER = { identifiers: [{ type: 'dns', value: 'x.example.com' }] };

function started(names: readonly string[] = NAMES): Cluster {
  const cluster = new Cluster(names);
  cluster.run(2);
  return cluster;
}

function problemOf(reply: Reply): string {
  return String(reply.body['type'] ?? '').replace('urn:ietf:params:acme:error:', '');
}

/** A client of one node, and a nonce of another. */
function traveller(cluster: Cluster): { readonly client: Client; readonly nonce: string } {
  const client = Client.registered(cluster.rig('a'));
  const nonce = client.nonce();
  client.rig = cluster.rig('b');
  return { client, nonce };
}

const SPENT = { verdict: 'spent', upTo: null };

/** What an issuer answers about one nonce. */
function said(verdict: Json, page: Json = null): Json {
  return { verdicts: [verdict], page };
}

function spentCount(rig: Rig): number {
  return rig.effects.filter((effect) => effect.kind === 'mark' && /redeemed/.test(effect.name))
    .length;
}

/** A request at `b` whose redemption a test answers by itself. */
function parked(cluster: Cluster): {
  readonly id: number;
  readonly redemption: number;
  readonly b: Rig;
  readonly reply: () => Reply | undefined;
} {
  const { client, nonce } = traveller(cluster);
  const b = cluster.rig('b');
  b.settle = () => {};
  const { id } = client.begin('/acme/new-order', ORDER, { nonce });
  const redeem = b.outbox.splice(0).find(({ kind }) => kind === 'redeem');
  assert.ok(redeem?.kind === 'redeem' && redeem.peer === 'a', 'the issuer is asked');
  const redemption = redeem?.kind === 'redeem' ? redeem.redemption : -1;
  const reply = (): Reply | undefined => {
    const response = b.response(id);
    return response && read(response);
  };
  return { id, redemption, b, reply };
}

test('a nonce of a node that nobody knows is refused, with a fresh one', () => {
  const { client, nonce } = traveller(started());
  client.rig = started(['x', 'y']).rig('x');
  const reply = client.post('/acme/new-order', ORDER, { nonce });
  assert.is(problemOf(reply), 'badNonce');
  assert.match(reply.header('replay-nonce')!, /^[A-Za-z0-9_-]{60}$/);
});

test('when the issuer cannot be reached the nonce is refused, with a fresh one', () => {
  const cluster = started();
  const { client, nonce } = traveller(cluster);
  cluster.split(['a'], ['b', 'c']);
  const reply = client.post('/acme/new-order', ORDER, { nonce });
  assert.is(problemOf(reply), 'badNonce');
  assert.ok(reply.header('replay-nonce'));
});

test('when the issuer never answers the nonce is refused after a while', () => {
  const { b, reply } = parked(started());
  b.advance(4_000);
  assert.is(reply(), undefined);
  b.advance(2_000);
  assert.is(problemOf(reply()!), 'badNonce');
});

test('what a hostile issuer answers lets no request run', () => {
  const page = { base: [], chain: 7, records: 'many' };
  const hostile: readonly Json[] = [
    null,
    'spent',
    [],
    {},
    said({ verdict: 'spent' }),
    said({ verdict: true, upTo: null }),
    said({ verdict: 'Spent', upTo: null }),
    said({ verdict: ['spent'], upTo: null }),
    said({ verdict: 'spent', upTo: ['a'] }),
    said({ verdict: 'spent', upTo: ['a.boot', -1] }),
    said({ verdict: 'spent', upTo: { origin: 'a.boot', seq: 1 } }),
    said({ verdict: '\u0000\n', upTo: null }, page),
    said({ verdict: 'x'.repeat(100_000), upTo: null }),
    { verdicts: [], page: null },
    { verdicts: [SPENT, SPENT], page: null },
    { verdicts: { 0: SPENT, length: 1 }, page: null },
    { verdicts: [SPENT] },
  ];
  for (const answer of hostile) {
    const { b, redemption, reply } = parked(started(['a', 'b']));
    b.submit({ kind: 'redeemed', redemption, answer });
    assert.is(problemOf(reply()!), 'badNonce', JSON.stringify(answer).slice(0, 80));
    assert.ok(reply()!.text.length < 400, 'it does not speak through us');
  }
});

test('a page that makes no sense does not hold up a request whose nonce was spent', () => {
  const cluster = started();
  const { b, redemption, reply } = parked(cluster);
  b.submit({ kind: 'redeemed', redemption, answer: said(SPENT, []) });
  // The account is not here yet: the members are asked, and have it.
  assert.is(reply(), undefined);
  cluster.deliver();
  assert.is(reply()?.status, 201);
  assert.ok(b.logs.some(({ message }) => /page that came with a nonce/.test(message)));
});

test('an answer to a redemption that nobody asked for changes nothing', () => {
  const { b, redemption, reply } = parked(started());
  const answer = said(SPENT);
  const before = b.effects.length;
  for (const wrong of [redemption + 1, redemption - 1, 0, -1, Number.NaN]) {
    b.submit({ kind: 'redeemed', redemption: wrong, answer });
    b.submit({ kind: 'unredeemed', redemption: wrong, reason: 'no' });
  }
  const done = b.effects.slice(before).filter(({ kind }) => kind !== 'wake');
  assert.equal(done, []);
  assert.is(reply(), undefined);
});

test('an answer that comes twice, or after the client has gone, is taken once', () => {
  const cluster = started();
  const { b, redemption, reply } = parked(cluster);
  const answer = said({ verdict: 'a reason', upTo: null });
  b.submit({ kind: 'redeemed', redemption, answer });
  const first = reply();
  assert.match(first!.text, /a reason/);
  b.submit({ kind: 'redeemed', redemption, answer: said(SPENT) });
  assert.equal(reply()?.text, first?.text);
  const gone = parked(cluster);
  b.submit({ kind: 'abandon', request: gone.id });
  b.submit({ kind: 'redeemed', redemption: gone.redemption, answer });
  assert.is(gone.reply(), undefined);
  assert.is(b.node.gauges.parked, 0);
});

test('RFC 8555 §6.5: one nonce sent to two nodes at once is good at one of them', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('a'));
  cluster.run(2);
  for (let i = 0; i < 10; i++) {
    const nonce = client.nonce();
    const rigs = ['b', 'c', 'a', 'b'].map((name) => cluster.rig(name));
    const pending = rigs.map((rig) => {
      client.rig = rig;
      rig.settle = () => {};
      return { rig, ...client.begin('/acme/new-order', ORDER, { nonce }) };
    });
    cluster.deliver();
    const replies = pending.map(({ rig, id }) => read(rig.response(id)!));
    assert.is(replies.filter(({ status }) => status === 201).length, 1);
    assert.is(replies.filter((reply) => problemOf(reply) === 'badNonce').length, 3);
  }
});

test('a nonce from before its issuer started again is refused', () => {
  const cluster = started();
  const { client, nonce } = traveller(cluster);
  const { database, facts } = cluster.rig('a');
  cluster.restart('a', { database, facts });
  const reply = client.post('/acme/new-order', ORDER, { nonce });
  assert.is(problemOf(reply), 'badNonce');
  assert.match(reply.text, /restarted/);
});

test('a nonce is redeemed once however often its request has to be run', () => {
  const cluster = new Cluster(['a', 'b'], { limits: { cacheRecords: 16 } });
  cluster.run(2);
  const client = Client.registered(cluster.rig('a'));
  const order = client.order(['cold.example.com']).body;
  const nonce = client.nonce();
  client.rig = cluster.rig('b');
  const [, target = ''] = /https:\/\/ca\.test(.*)/.exec(order['authorizations'][0]) ?? [];
  assert.is(client.post(target, undefined, { nonce }).status, 200);
  assert.is(spentCount(cluster.rig('b')), 1);
});

test('with the verdict comes what the client has just written there', () => {
  const cluster = started(['a', 'b']);
  const { client, nonce } = traveller(cluster);
  const before = cluster.messages;
  const reply = client.post('/acme/new-order', ORDER, { nonce });
  assert.is(reply.status, 201);
  assert.is(cluster.messages - before, 2, 'one call and its answer');
});

test('what was written lately is served without a read of the database', () => {
  const cluster = started(['a', 'b']);
  const { client, nonce } = traveller(cluster);
  const a = cluster.rig('a');
  const before = a.effects.length;
  assert.is(client.post('/acme/new-order', ORDER, { nonce }).status, 201);
  const done = a.effects.slice(before);
  assert.ok(done.some(({ kind }) => kind === 'tell'));
  assert.not.ok(done.some(({ kind }) => kind === 'load'));
});

test('who has fetched something with a nonce is not handed it again', () => {
  const cluster = started();
  const { client, nonce } = traveller(cluster);
  const a = cluster.rig('a');
  client.post('/acme/new-order', ORDER, { nonce });
  client.rig = a;
  const second = client.nonce();
  client.rig = cluster.rig('b');
  client.post('/acme/new-order', ORDER, { nonce: second });
  a.outbox.splice(0);
  a.advance(300);
  const calls = a.outbox.filter((message) => message.kind === 'ask');
  assert.equal(
    calls.map(({ peer }) => peer),
    ['c'],
  );
});

test('a request waits for what the issuer had written when one page is not enough', () => {
  const cluster = new Cluster(['a', 'b'], {}, { records: 3, octets: 4_000 });
  cluster.run(2);
  const client = Client.registered(cluster.rig('a'));
  for (let i = 0; i < 5; i++) client.certificate([`page${i}.example.com`]);
  const order = client.order(['last.example.com']).body;
  const nonce = client.nonce();
  client.rig = cluster.rig('b');
  const target = path((order['authorizations'] as string[])[0]!);
  const loads = cluster.messages;
  assert.is(client.post(target, { status: 'deactivated' }, { nonce }).status, 200);
  assert.ok(cluster.messages - loads > 4, 'several pages were fetched');
});

test('the nonce of an answer names the write that the answer acknowledges', () => {
  const cluster = started(['a', 'b']);
  const client = Client.registered(cluster.rig('a'));
  const nonce = client.order(['named.example.com']).header('replay-nonce')!;
  const position = fromBase64Url(nonce)!
    .subarray(18, 24)
    .reduce((sum, octet) => sum * 256 + octet, 0);
  assert.is(position, cluster.rig('a').node.gauges.position);
});

/** Clients of `a` with nonces of it, at `b`, whose messages a test delivers. */
function crowd(cluster: Cluster, count: number): readonly (() => number)[] {
  const clients = Array.from({ length: count }, () => traveller(cluster));
  const b = cluster.rig('b');
  b.settle = () => {};
  return clients.map(({ client, nonce }) => {
    const { id } = client.begin('/acme/new-order', ORDER, { nonce });
    return () => read(b.response(id)!).status;
  });
}

function callsOf(rig: Rig): readonly number[] {
  const calls = rig.outbox.filter((message) => message.kind === 'redeem');
  return calls.map(({ nonces }) => nonces.length);
}

test('nonces that come while their issuer is asked go together with the next call', () => {
  const cluster = started(['a', 'b']);
  const statuses = crowd(cluster, 5);
  const b = cluster.rig('b');
  assert.equal(callsOf(b), [1], 'the first one leaves at once');
  const before = b.effects.length;
  cluster.deliver();
  const calls = b.effects.slice(before).filter((effect) => effect.kind === 'redeem');
  assert.equal(
    calls.map(({ nonces }) => nonces.length),
    [4],
  );
  assert.equal(
    statuses.map((status) => status()),
    [201, 201, 201, 201, 201],
  );
});

test('nobody waits for a call that is not answered for long', () => {
  const cluster = started(['a', 'b']);
  const statuses = crowd(cluster, 3);
  const b = cluster.rig('b');
  b.outbox.splice(0);
  b.advance(LIMITS.redemptionGatherMs + LIMITS.waitCheckMs);
  assert.equal(callsOf(b), [2]);
  cluster.deliver();
  assert.equal([statuses[1]!(), statuses[2]!()], [201, 201]);
});

test('a call takes so many nonces, and the next one leaves with those that are too many', () => {
  const cluster = started(['a', 'b']);
  const most = LIMITS.redemptionNonces;
  const statuses = crowd(cluster, 1 + most + 2);
  assert.equal(callsOf(cluster.rig('b')), [1, most]);
  cluster.deliver();
  assert.ok(statuses.every((status) => status() === 201));
});

test('when an issuer cannot be reached all its nonces are refused, and the next ones ask again', () => {
  const cluster = started(['a', 'b']);
  const client = Client.registered(cluster.rig('a'));
  const nonces = [client.nonce(), client.nonce(), client.nonce()];
  cluster.split(['a'], ['b']);
  client.rig = cluster.rig('b');
  client.rig.settle = () => {};
  const pending = nonces.map((nonce) => client.begin('/acme/new-order', ORDER, { nonce }));
  cluster.deliver();
  for (const { id } of pending) {
    assert.is(problemOf(read(client.rig.response(id)!)), 'badNonce');
  }
});

test('a nonce of its own costs a node no word with anybody', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('a'));
  const before = cluster.messages;
  client.order(['own.example.com']);
  assert.is(cluster.messages, before);
});

test.run();
