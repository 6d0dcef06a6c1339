import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Input } from '../input.ts';
import { LIMITS } from '../limits.ts';
import { Client, path, read } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { EMPTY_ASK, EMPTY_PAGE } from '../testing/empty-page.ts';
import type { Rig } from '../testing/rig.ts';
import { CatchUp } from './catch-up.ts';

/** Of an order that nobody has made. */
const NO_ORDER = '/acme/order/AAAAAAAAAAAAAAAAAAAAAA';

function started(names: readonly string[] = ['a', 'b', 'c']): Cluster {
  const cluster = new Cluster(names);
  cluster.run(2);
  return cluster;
}

/** A client of `b`, which all others have met, and to which nothing is delivered any more. */
function cutOff(names: readonly string[]): { readonly client: Client; readonly rig: Rig } {
  const cluster = started(names);
  const rig = cluster.rig('b');
  const client = Client.registered(rig);
  cluster.run(2);
  rig.settle = () => {};
  return { client, rig };
}

/** A client that made its account on one node and has a nonce of the other. */
function newcomer(cluster: Cluster): { readonly client: Client; readonly nonce: string } {
  const client = Client.registered(cluster.rig('a'));
  client.rig = cluster.rig('b');
  return { client, nonce: client.nonce() };
}

test('what nobody knows is refused once everybody was asked, and only once', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('b'));
  cluster.run(2);
  const before = cluster.messages;
  const reply = client.post(NO_ORDER, undefined);
  assert.is(reply.status, 404);
  assert.is(cluster.messages - before, 4, 'two asks, two answers');
});

test('while a member does not answer nothing is refused for good', () => {
  const { client, rig } = cutOff(['a', 'b', 'c']);
  const { id } = client.begin(NO_ORDER, undefined);
  rig.outbox.length = 0;
  rig.advance(LIMITS.catchUpMs - 100);
  assert.is(rig.response(id), undefined);
  rig.advance(200);
  const reply = read(rig.response(id)!);
  assert.is(reply.status, 503, reply.text);
  assert.match(reply.body['detail'], 'some members of the cluster did not answer');
  assert.is(reply.header('retry-after'), '1');
  assert.ok(reply.header('replay-nonce'));
});

test('members that are known to be away are not waited for', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('b'));
  cluster.split(['b'], ['a', 'c']);
  cluster.run(8);
  const rig = cluster.rig('b');
  rig.settle = () => {};
  const { id } = client.begin(NO_ORDER, undefined);
  assert.is(read(rig.response(id)!).status, 404);
});

test('a member that names what is forgotten here is there all the same, and is asked', () => {
  for (const kind of ['ask', 'push', 'redemption'] as const) {
    const cluster = started();
    const client = Client.registered(cluster.rig('b'));
    cluster.split(['b'], ['a', 'c']);
    cluster.run(8);
    cluster.mend();
    const rig = cluster.rig('b');
    rig.submit(unclear(kind));
    const asks = (): number => rig.effects.filter(({ kind }) => kind === 'ask').length;
    const before = asks();
    rig.settle = () => {};
    client.begin(NO_ORDER, undefined);
    assert.is(asks() - before, 1, kind);
  }
});

/** What comes from a member that builds upon a vector nobody here remembers. */
function unclear(kind: 'ask' | 'push' | 'redemption'): Input {
  const vector = { same: 'x'.repeat(22), but: [] };
  const ask = { ...EMPTY_ASK, origin: 'a.1', vector };
  const page = { ...EMPTY_PAGE, base: vector, isEstablished: false };
  const push = kind === 'push' ? page : null;
  if (kind !== 'redemption') return { kind: 'asked', exchange: 77, from: 'a', ask, push };
  return {
    kind: 'redeem-asked',
    exchange: 77,
    from: 'a',
    nonces: ['nonsense'],
    reads: [null],
    ask,
  };
}

test('an account made elsewhere a moment ago is found, whatever nonce is used', () => {
  const cluster = started();
  const { client, nonce } = newcomer(cluster);
  const identifiers = [{ type: 'dns', value: 'news.example.com' }];
  assert.is(client.post('/acme/new-order', { identifiers }, { nonce }).status, 201);
});

test('an order that became ready elsewhere can be finalized', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('a'));
  const order = client.order(['ready.example.com']).body;
  cluster.run(2);
  client.prove(order);
  client.rig = cluster.rig('b');
  assert.is(client.finalize(order).body['status'], 'valid');
});

test('a key that was changed elsewhere a moment ago opens the account', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('a'));
  cluster.run(2);
  const next = new Client(cluster.rig('a'));
  assert.is(client.post('/acme/key-change', client.keyChange(next)).status, 200);
  next.kid = client.kid;
  next.rig = cluster.rig('b');
  assert.is(next.post(path(client.kid), undefined).status, 200);
});

test('a key that was changed elsewhere a moment ago makes no second account', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('a'));
  cluster.run(2);
  const next = new Client(cluster.rig('a'));
  assert.is(client.post('/acme/key-change', client.keyChange(next)).status, 200);
  next.rig = cluster.rig('b');
  assert.is(next.register().status, 200);
  assert.is(next.kid, client.kid);
});

test('a refused run leaves no trace', () => {
  const cluster = started(['a', 'b']);
  const client = Client.registered(cluster.rig('b'));
  const order = client.order(['pending.example.com']).body;
  const before = cluster.rig('b').persists;
  assert.is(client.finalize(order).status, 403);
  assert.is(cluster.rig('b').persists, before);
});

test('the members are asked before another key is bound to an account', () => {
  const cluster = started();
  const client = Client.registered(cluster.rig('a'));
  cluster.run(2);
  const next = new Client(cluster.rig('b'));
  assert.is(client.post('/acme/key-change', client.keyChange(next)).status, 200);
  // Elsewhere somebody else wants to have the same key, a moment later.
  const other = Client.registered(cluster.rig('b'));
  assert.is(other.post('/acme/key-change', other.keyChange(next)).status, 409);
});

test('a member whose ask fails has not answered, however old that ask was', () => {
  const { client, rig } = cutOff(['a', 'b']);
  const { id } = client.begin(NO_ORDER, undefined);
  rig.submit({ kind: 'unreachable', peer: 'a', reason: 'reset' });
  assert.is(read(rig.response(id)!).status, 503);
});

test('who never comes to an end leaves every refusal open, and the log says once who it is', () => {
  const { client, rig } = cutOff(['a', 'b']);
  for (let i = 0; i < 3; i++) {
    const { id } = client.begin(NO_ORDER, undefined);
    rig.advance(LIMITS.catchUpMs - 50);
    assert.is(rig.response(id), undefined);
    rig.advance(100);
    assert.is(read(rig.response(id)!).status, 503);
  }
  const said = rig.logs.filter(({ message }) => message === 'a member keeps requests waiting');
  assert.equal(said, [{ ...said[0]!, level: 'warn', target: 'gossip', fields: { peer: 'a' } }]);
});

test('a node that works alone refuses at once', () => {
  const cluster = new Cluster(['a']);
  const client = Client.registered(cluster.rig('a'));
  assert.is(client.post(NO_ORDER, undefined).status, 404);
  assert.is(cluster.messages, 0);
});

test('a hundred requests for nothing cost one wave a pause', () => {
  const cluster = started(['a', 'b']);
  const rig = cluster.rig('b');
  const client = Client.registered(rig);
  cluster.run(2);
  rig.settle = () => {};
  const targets = Array.from({ length: 100 }, (_, i) => `/acme/order/${'A'.repeat(20)}${i}`);
  const pending = targets.map((target) => client.begin(target, undefined));
  const asks = (): number => rig.effects.filter(({ kind }) => kind === 'ask').length;
  const before = asks();
  cluster.deliver();
  for (let i = 0; i < 10; i++) {
    for (const each of cluster.rigs.values()) each.advance(20);
    cluster.deliver();
  }
  assert.ok(pending.every(({ id }) => read(rig.response(id)!).status === 404));
  assert.ok(asks() - before <= 2, `${asks() - before} asks`);
});

test('an answer to an ask from before a wave does not end it', () => {
  const waves = new CatchUp();
  const first = waves.enter();
  assert.is(waves.mayBegin(1_000), true);
  waves.begin(1_000, ['x', 'y'], ['x']);
  assert.is(waves.answered('x', true), true);
  assert.is(waves.takeEnded(1_000), undefined);
  assert.is(waves.answered('y', true), false, 'it has to be asked again');
  assert.is(waves.takeEnded(1_000), undefined);
  assert.is(waves.answered('y', false), true, 'it has more for us');
  assert.is(waves.takeEnded(1_000), undefined);
  assert.is(waves.answered('y', true), true);
  assert.equal(waves.takeEnded(1_000), { key: first, isWhole: true, late: [] });
  assert.is(waves.takeEnded(1_000), undefined);
});

test('who comes during a wave waits for the next one, which keeps its distance', () => {
  const waves = new CatchUp();
  const first = waves.enter();
  assert.equal(waves.enter(), first);
  waves.begin(1_000, ['x'], ['x']);
  const second = waves.enter();
  assert.is.not(second.id, first.id);
  assert.is(waves.mayBegin(2_000), false, 'one at a time');
  waves.failed('x');
  assert.equal(waves.takeEnded(1_010), { key: first, isWhole: false, late: [] });
  assert.is(waves.mayBegin(1_010), false);
  assert.is(waves.nextMonoMs, 1_000 + LIMITS.catchUpPauseMs);
  assert.is(waves.mayBegin(waves.nextMonoMs), true);
});

test('each peer that keeps waves waiting is named when it begins to', () => {
  const waves = new CatchUp();
  const late: (readonly string[])[] = [];
  for (const [begunMonoMs, done] of [
    [10_000, 'y'],
    [20_000, 'x'],
    [30_000, 'x'],
  ] as const) {
    waves.enter();
    waves.begin(begunMonoMs, ['x', 'y'], ['x', 'y']);
    waves.answered(done, true);
    late.push(waves.takeEnded(begunMonoMs + LIMITS.catchUpMs)!.late);
  }
  assert.equal(late, [['x'], ['y'], []]);
});

test('a wave ends by itself', () => {
  const waves = new CatchUp();
  const key = waves.enter();
  waves.begin(1_000, ['x'], ['x']);
  assert.is(waves.nextMonoMs, 1_000 + LIMITS.catchUpMs);
  assert.equal(waves.takeEnded(1_000 + LIMITS.catchUpMs), { key, isWhole: false, late: ['x'] });
  assert.is(waves.nextMonoMs, Number.POSITIVE_INFINITY);
});

test.run();
