// Reads that the issuer of their nonce answers in the place of the node that got them.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../crdt/record.ts';
import { LIMITS } from '../limits.ts';
import { Client, path, type Reply, read } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import type { Rig } from '../testing/rig.ts';

const RELAYED = 'a read was answered by the issuer of its nonce';

function started(names: readonly string[] = ['a', 'b', 'c']): Cluster {
  const cluster = new Cluster(names);
  cluster.run(2);
  return cluster;
}

interface Scene {
  readonly cluster: Cluster;
  /** It has an account on `a`, and asks `b` from now on. */
  readonly client: Client;
  /** Targets of an order made on `a`, and of its authorization. */
  readonly order: string;
  readonly authorization: string;
  /** Of `a`. */
  readonly nonces: readonly [string, string, string, string];
}

/** An order that `b` has not heard of. */
function scene(cluster: Cluster = started()): Scene {
  const client = Client.registered(cluster.rig('a'));
  cluster.run(2);
  const reply = client.order(['x.example.com']);
  const nonces = [client.nonce(), client.nonce(), client.nonce(), client.nonce()] as const;
  client.rig = cluster.rig('b');
  const authorization = path((reply.body['authorizations'] as string[])[0]!);
  return { cluster, client, order: path(reply.header('location')!), authorization, nonces };
}

function relays(rig: Rig): number {
  return rig.effects.filter((effect) => effect.kind === 'mark' && effect.name === RELAYED).length;
}

/** What an issuer says in exchange 901. */
function told(rig: Rig): readonly { readonly verdict: string; readonly answer?: Json }[] {
  const tell = rig.effects.find((effect) => effect.kind === 'tell' && effect.exchange === 901);
  assert.ok(tell?.kind === 'tell');
  return ((tell as { readonly page: Json }).page as { readonly verdicts: never }).verdicts;
}

function problemOf(reply: Reply): string {
  return String(reply.body['type'] ?? '').replace('urn:ietf:params:acme:error:', '');
}

test('a read is answered by the issuer of its nonce, and no record travels for it', () => {
  const { cluster, client, authorization, nonces } = scene();
  const before = cluster.messages;
  for (const nonce of nonces.slice(0, 2)) {
    const reply = client.post(authorization, undefined, { nonce });
    assert.is(reply.status, 200);
    assert.is(reply.body['status'], 'pending');
    assert.ok(reply.header('replay-nonce'));
  }
  assert.is(cluster.messages - before, 4, 'two calls and their answers');
  assert.is(relays(cluster.rig('b')), 2);
  assert.not.ok([...cluster.rig('b').database.keys()].some((key) => key.startsWith('auth')));
});

test('the answer is what its issuer would have answered, and its nonce is good', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('a'));
  cluster.run(2);
  const order = client.order(['valid.example.com']);
  client.prove(order.body);
  const valid = client.finalize(order.body);
  const shown = [valid.header('location')!, String(valid.body['certificate'])].map(path);
  for (const target of [...shown, `${shown[1]}/full`]) {
    client.rig = cluster.rig('a');
    const nonce = client.nonce();
    client.rig = cluster.rig('b');
    const relayed = client.post(target, undefined, { nonce });
    client.rig = cluster.rig('a');
    const own = client.post(target, undefined, { nonce: relayed.header('replay-nonce')! });
    assert.is(own.status, 200, target);
    assert.is(relayed.text, own.text);
    for (const name of ['content-type', 'cache-control', 'link', 'location']) {
      assert.is(relayed.header(name), own.header(name), name);
    }
  }
  assert.is(relays(cluster.rig('b')), 3);
});

test('RFC 8555 §6.5: a nonce whose read was answered elsewhere is spent', () => {
  const { cluster, client, authorization, nonces } = scene();
  const [nonce] = nonces;
  assert.is(client.post(authorization, undefined, { nonce }).status, 200);
  assert.is(relays(cluster.rig('b')), 1);
  for (const name of ['a', 'b', 'c']) {
    client.rig = cluster.rig(name);
    assert.is(problemOf(client.post(authorization, undefined, { nonce })), 'badNonce', name);
  }
});

test('an issuer that lacks what is known here of what a read shows leaves it here', () => {
  const { cluster, client, authorization, order, nonces } = scene();
  const [first, second, third] = nonces;
  const change = { status: 'deactivated' };
  assert.is(client.post(authorization, change, { nonce: first }).status, 200);
  const { database } = cluster.rig('a');
  const record = database.get(authorization.replace('/acme/authz', 'authorization'));
  assert.is.not(record?.fields['status'], 'deactivated', 'the issuer has not heard of it');
  const shown = client.post(authorization, undefined, { nonce: second }).body;
  assert.is(shown['status'], 'deactivated');
  assert.is(client.post(order, undefined, { nonce: third }).body['status'], 'invalid');
  assert.is(relays(cluster.rig('b')), 0);
});

test('an order that is not valid yet is shown where more may be known of its authorizations', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('a'));
  const first = client.order(['reused.example.com']).body;
  client.prove(first);
  cluster.run(4);
  const order = client.order(['reused.example.com']);
  assert.is(order.body['status'], 'ready');
  const [one, two] = [client.nonce(), client.nonce()];
  client.rig = cluster.rig('b');
  const [authorization = ''] = first['authorizations'] as string[];
  const change = { status: 'deactivated' };
  assert.is(client.post(path(authorization), change, { nonce: client.nonce() }).status, 200);
  const shown = client.post(path(order.header('location')!), undefined, { nonce: one });
  assert.is(shown.body['status'], 'invalid');
  assert.is(
    client.post(path(authorization), undefined, { nonce: two }).body['status'],
    'deactivated',
  );
});

test('what is refused is refused by the node that was asked, and its nonce is spent', () => {
  const { cluster, client, order, nonces } = scene();
  const cases = [
    ['/acme/order/nonsense', {}, 404],
    [order, { signature: 'AAAA' }, 400],
    [order, { header: { kid: 'https://ca.test/acme/account/nobody' } }, 400],
  ] as const;
  for (const [at, [target, bend, status]] of cases.entries()) {
    const nonce = nonces[at]!;
    assert.is(client.post(target, undefined, { nonce, ...bend }).status, status, target);
    assert.is(problemOf(client.post(order, undefined, { nonce })), 'badNonce');
  }
  assert.is(relays(cluster.rig('b')), 0);
});

test('a read of another account is refused, whoever looks at it', () => {
  const { cluster, order } = scene();
  const other = Client.registered(cluster.rig('a'));
  const nonce = other.nonce();
  other.rig = cluster.rig('b');
  const reply = other.post(order, undefined, { nonce });
  assert.is(reply.status, 403);
  assert.is(relays(cluster.rig('b')), 0);
});

test('a read that is longer than any honest one is not handed on', () => {
  const { cluster, client, authorization, nonces } = scene();
  const jws = client.jws(authorization, undefined, { nonce: nonces[0] });
  const body = JSON.stringify(jws).padEnd(LIMITS.readLength + 1);
  assert.is(client.post(authorization, undefined, { body }).status, 200);
  assert.is(relays(cluster.rig('b')), 0);
});

test('an issuer that has just started leaves reads to whom they came to', () => {
  const { cluster, client, authorization: target } = scene();
  cluster.run(3);
  const { database, facts } = cluster.rig('a');
  cluster.split(['a'], ['b', 'c']);
  cluster.restart('a', { database, facts });
  const a = cluster.rig('a');
  client.rig = a;
  const nonce = client.nonce();
  const reads: Json[] = [
    { target, body: JSON.stringify(client.jws(target, undefined, { nonce })), known: [] },
  ];
  const ask = null;
  a.submit({ kind: 'redeem-asked', exchange: 901, from: 'b', nonces: [nonce], reads, ask });
  assert.ok(a.node.unready);
  assert.equal(told(a), [{ verdict: 'spent', upTo: null }]);
});

test('reads that make no sense are left alone, and their nonces are spent once', () => {
  const { cluster, client, authorization: target } = scene();
  const a = cluster.rig('a');
  client.rig = a;
  const [nonce, other] = [client.nonce(), client.nonce()];
  const body = JSON.stringify(client.jws(target, undefined, { nonce }));
  const change = JSON.stringify(client.jws(target, { status: 'deactivated' }, { nonce }));
  const otherBody = JSON.stringify(client.jws(target, undefined, { nonce: other }));
  const senseless: readonly Json[] = [
    'order',
    7,
    [],
    {},
    { target, body },
    { target: 7, body, known: [] },
    { target, body: 7, known: [] },
    { target, body, known: 'all' },
    { target, body, known: [['a.boot', -1]] },
    { target, body: '{', known: [] },
    { target: '/acme/new-order', body, known: [] },
    { target: '/nowhere', body, known: [] },
    { target, body: change, known: [] },
    // Of another nonce than it came with, which is not spent either.
    { target, body: otherBody, known: [] },
  ];
  const nonces = senseless.map(() => nonce);
  a.submit({ kind: 'redeem-asked', exchange: 901, from: 'b', nonces, reads: senseless, ask: null });
  const said = told(a);
  assert.equal(
    said.map(({ verdict }) => verdict === 'spent'),
    senseless.map((_, at) => at === 0),
  );
  assert.ok(said.every(({ answer }) => answer === undefined));
  assert.is(client.post(target, undefined, { nonce: other }).status, 200);
  assert.is(client.post(target, undefined).body['status'], 'pending', 'nothing was changed');
});

test('what an issuer answers in another form, or to what is no read, is not handed on', () => {
  const good = { headers: [['Content-Type', 'application/json']], body: '{}' };
  const wrong: readonly Json[] = [
    null,
    'yes',
    [],
    {},
    { ...good, body: 7 },
    { ...good, headers: null },
    { ...good, headers: [['Set-Cookie', 'a=b']] },
    { ...good, headers: [['Content-Type', 'text/html\r\nSet-Cookie: a=b']] },
    { ...good, headers: [['Content-Type', 'x'.repeat(2_000)]] },
    { ...good, headers: [['Content-Type']] },
    { ...good, headers: Array.from({ length: 17 }, () => ['Link', 'x']) },
  ];
  const ask = (isRead: boolean, answer: Json): Reply => {
    const { cluster, client, order, nonces } = scene();
    const b = cluster.rig('b');
    b.settle = () => {};
    const [target, payload] = isRead
      ? ([order, undefined] as const)
      : (['/acme/new-order', { identifiers: [{ type: 'dns', value: 'y.example.com' }] }] as const);
    const { id } = client.begin(target, payload, { nonce: nonces[0]! });
    const redeem = b.outbox.splice(0).find(({ kind }) => kind === 'redeem');
    assert.ok(redeem?.kind === 'redeem');
    const verdicts = [{ verdict: 'spent', upTo: null, answer }];
    const { redemption } = redeem as { readonly redemption: number };
    b.submit({ kind: 'redeemed', redemption, answer: { verdicts, page: null } });
    return read(b.response(id)!);
  };
  assert.is(ask(true, good).status, 200);
  for (const answer of wrong) {
    assert.is(problemOf(ask(true, answer)), 'badNonce', JSON.stringify(answer).slice(0, 60));
  }
  assert.is(problemOf(ask(false, good)), 'badNonce');
});

test('reads and writes that go to an issuer in one call get what each needs', () => {
  const { cluster, client, order, authorization, nonces } = scene();
  const b = cluster.rig('b');
  b.settle = () => {};
  // The first call leaves at once; the others gather meanwhile, and go together.
  const begun = [authorization, order, '/acme/new-order', authorization].map((target, at) => {
    const identifiers = [{ type: 'dns', value: 'z.example.com' }];
    const payload = target === '/acme/new-order' ? { identifiers } : undefined;
    return client.begin(target, payload, { nonce: nonces[at]! }).id;
  });
  cluster.deliver();
  const replies = begun.map((id) => read(b.response(id)!));
  assert.equal(
    replies.map(({ status }) => status),
    [200, 200, 201, 200],
  );
  assert.is(relays(b), 2);
});

test('an issuer leaves reads of what it would have to load, however many they are', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('a'));
  const orders = Array.from(
    { length: 65 },
    (_, at) => client.order([`cold${at}.example.com`]).body,
  );
  const targets = orders.map((order) => path((order['authorizations'] as string[])[0]!));
  cluster.run(4);
  const { database, facts } = cluster.rig('a');
  cluster.restart('a', { database, facts });
  cluster.run(4);
  client.rig = cluster.rig('a');
  const nonces = targets.map(() => client.nonce());
  const b = cluster.rig('b');
  client.rig = b;
  b.settle = () => {};
  const begun = targets.map((target, at) => {
    return client.begin(target, undefined, { nonce: nonces[at]! }).id;
  });
  cluster.deliver();
  const statuses = begun.map((id) => b.response(id)?.status);
  assert.equal(new Set(statuses), new Set([200]));
});

test('an issuer asks nobody else about the nonce of a read', () => {
  const { cluster, client, authorization: target } = scene();
  const a = cluster.rig('a');
  client.rig = cluster.rig('c');
  const nonce = client.nonce();
  const reads = [
    { target, body: JSON.stringify(client.jws(target, undefined, { nonce })), known: [] },
  ];
  const before = a.effects.length;
  a.submit({ kind: 'redeem-asked', exchange: 901, from: 'b', nonces: [nonce], reads, ask: null });
  assert.not.ok(a.effects.slice(before).some(({ kind }) => kind === 'redeem'));
  assert.is.not(told(a)[0]!.verdict, 'spent');
});

test.run();
