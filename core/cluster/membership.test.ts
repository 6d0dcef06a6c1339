import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toHex } from '../bytes.ts';
import { last } from '../crdt/lattice.ts';
import type { Json, Record } from '../crdt/record.ts';
import type { Command } from '../input.ts';
import { LIMITS } from '../limits.ts';
import { Client, type JsonBody, read } from '../testing/client.ts';
import { Cluster, descriptorOf, urlOf } from '../testing/cluster.ts';
import type { Rig } from '../testing/rig.ts';
import { issuerOf, type NodeDescriptor, readDescriptor } from './descriptor.ts';
import { Membership } from './membership.ts';

function administer(rig: Rig, command: Command): { readonly status: number; body: JsonBody } {
  const { status, body } = read(rig.administer(command)!);
  return { status, body };
}

function membersOf(rig: Rig): readonly string[] {
  const told = rig.effects.filter((effect) => effect.kind === 'members');
  const newest = told.at(-1);
  return newest?.kind === 'members' ? newest.members.map(({ node }) => node).sort() : [];
}

function logged(rig: Rig, message: RegExp): readonly string[] {
  const lines = rig.logs.filter((line) => message.test(line.message));
  return lines.map(({ level }) => level);
}

function nodeRecord(descriptor: NodeDescriptor, status = 'member'): Record {
  const register = last(undefined, '000000000001-0000-liar', { ...descriptor });
  const fields = { descriptor: register as unknown as Json, status };
  return { kind: 'node', id: descriptor.node, fields, dot: { origin: 'liar.1', seq: 1 } };
}

function membership(peers: readonly string[] = []): Membership {
  const made = new Membership({ self: descriptorOf('self'), peers, intervalMs: 1000 }, 7);
  made.markLoaded();
  made.takeNews();
  return made;
}

test('what is not a descriptor is refused', () => {
  const good = descriptorOf('a');
  assert.equal(readDescriptor(good), good);
  const bad: readonly unknown[] = [
    null,
    'a',
    [],
    {},
    { ...good, node: '' },
    { ...good, node: 'a b' },
    { ...good, node: 'x'.repeat(65) },
    { ...good, node: 7 },
    { ...good, url: 'ftp://a' },
    { ...good, url: 'http://a/' },
    { ...good, url: 'http://' },
    { ...good, url: 'http://a\nb' },
    { ...good, url: `http://${'a'.repeat(LIMITS.nodeUrlLength)}` },
    { ...good, kem: '' },
    { ...good, kem: 'a=' },
    { ...good, kem: 'a'.repeat(LIMITS.nodeKeyLength + 1) },
    { ...good, certificate: null },
    { ...good, certificate: 'a'.repeat(1_000_000) },
    { ...good, madeMs: -1 },
    { ...good, madeMs: 1.5 },
    { ...good, madeMs: '1' },
  ];
  for (const json of bad) assert.is(readDescriptor(json), undefined, JSON.stringify(json));
});

test('ten thousand invented members fill no memory, and it is said once', () => {
  const members = membership();
  for (let i = 0; i < 10_000; i++) members.observe(nodeRecord(descriptorOf(`fake${i}`)));
  assert.is(members.members.size, LIMITS.members);
  const news = members.takeNews();
  assert.is(news.filter(({ kind }) => kind === 'log').length, 1);
  assert.is(news.filter(({ kind }) => kind === 'members').length, 1);
});

test('a record that names another node, or keys that are not its own, makes no member', () => {
  const self = descriptorOf('self');
  const isGenuine = ({ certificate }: NodeDescriptor): boolean => certificate === 'Y2VydA';
  const members = new Membership({ self, peers: [], intervalMs: 1000, isGenuine }, 7);
  members.observe({ ...nodeRecord(descriptorOf('a')), id: 'b' });
  members.observe(nodeRecord({ ...descriptorOf('c'), certificate: 'Zm9yZ2Vk' }));
  assert.is(members.members.size, 0);
});

test('a node whose id begins like that of another does not take over its nonces', () => {
  const members = membership();
  const [real, forged] = ['node-one-is-real', 'node-one-is-not'];
  members.observe(nodeRecord(descriptorOf(real)));
  members.observe(nodeRecord(descriptorOf(forged)));
  const issuer = toHex(issuerOf(forged));
  assert.is(issuer, toHex(issuerOf(real)));
  assert.is(members.withIssuer(issuer), real);
  members.observe(nodeRecord(descriptorOf(forged), 'removed'));
  assert.is(members.withIssuer(issuer), real);
  members.observe(nodeRecord(descriptorOf(real), 'removed'));
  assert.is(members.withIssuer(issuer), undefined);
});

test('what was removed never comes back, in whatever order it is heard', () => {
  const members = membership();
  members.observe(nodeRecord(descriptorOf('a'), 'removed'));
  members.observe(nodeRecord(descriptorOf('a')));
  assert.equal([...members.members.keys()], []);
  assert.equal([...members.removed], ['a']);
});

test('SEED, troubleshooting: a peer that does not introduce itself is named, and not for ever', () => {
  const cluster = Cluster.ofStrangers(['a', 'b']);
  cluster.stop('b');
  cluster.run(200);
  assert.equal(logged(cluster.rig('a'), /^no KEM key for peer, skipping$/), ['info', 'warn']);
});

test('a URL that answers with our own id is said to be ours, and not called again', () => {
  const cluster = new Cluster(['a', 'b']);
  const rig = cluster.rig('a');
  rig.submit({ kind: 'configure', policy: rig.policy, peers: [urlOf('a')] });
  cluster.run(20);
  assert.equal(logged(rig, /this peer is the node itself/), ['warn']);
  assert.equal(administer(rig, { kind: 'status' }).body['strangers'], []);
});

test('a copied database is named once, however often the copy answers', () => {
  const cluster = new Cluster(['a', 'b']);
  const rig = cluster.rig('a');
  for (let i = 0; i < 5; i++) {
    const descriptor = { ...descriptorOf('a'), url: urlOf('b') };
    rig.submit({ kind: 'introduced', url: urlOf('b'), descriptor });
  }
  assert.equal(logged(rig, /as when a database was copied/), ['error']);
  assert.equal(membersOf(rig), ['b']);
});

test('nodes know each other after a round, and those they were not told of after another', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  const only = (name: string, peers: readonly string[]): void => {
    const rig = cluster.rig(name);
    rig.submit({ kind: 'configure', policy: rig.policy, peers: peers.map(urlOf) });
  };
  // A new node needs one existing peer in its list.
  only('a', ['b']);
  only('b', ['a']);
  only('c', ['b']);
  cluster.run(4);
  assert.equal(membersOf(cluster.rig('a')), ['b', 'c']);
  assert.equal(membersOf(cluster.rig('b')), ['a', 'c']);
  assert.equal(membersOf(cluster.rig('c')), ['a', 'b']);
});

test('members are told to the shell at the start, before anybody is met', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(2);
  const { database, facts } = cluster.rig('a');
  cluster.restart('a', { database, facts });
  assert.equal(membersOf(cluster.rig('a')), ['b']);
});

test('newer keys replace older ones, and never the other way round', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(2);
  const rig = cluster.rig('a');
  const introduce = (madeMs: number, kem: string): void => {
    rig.submit({
      kind: 'introduced',
      url: null,
      descriptor: { ...descriptorOf('b'), madeMs, kem },
    });
  };
  introduce(5, 'bmV3');
  introduce(3, 'b2xk');
  const told = rig.effects.filter((effect) => effect.kind === 'members').at(-1);
  assert.is(told?.kind === 'members' && told.members[0]?.kem, 'bmV3');
});

test('a node whose record was given other keys writes it again', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(2);
  const forged = { ...descriptorOf('b'), madeMs: 9, kem: 'Zm9yZ2Vk' };
  cluster.rig('a').submit({ kind: 'introduced', url: null, descriptor: forged });
  cluster.run(4);
  for (const rig of cluster.rigs.values()) {
    assert.match(JSON.stringify(rig.record('node', 'b')), /"kem":"a2Vt"/);
  }
});

test('a removed node is refused by all, knows it, and serves and gossips no more', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.run(2);
  assert.is(administer(cluster.rig('a'), { kind: 'remove', node: 'c' }).status, 200);
  assert.equal(membersOf(cluster.rig('a')), ['b', 'c'], 'until it has been told');
  cluster.run(2);
  const gone = cluster.rig('c');
  assert.is(gone.node.ready, false);
  assert.match(gone.node.unready!, /removed from its cluster/);
  assert.equal(logged(gone, /was removed from the cluster/), ['error']);
  assert.is(new Client(gone).get('/acme/directory').status, 503);
  gone.outbox.length = 0;
  const before = gone.effects.length;
  gone.advance(60_000);
  const calls = gone.effects
    .slice(before)
    .filter(({ kind }) => kind === 'ask' || kind === 'introduce');
  assert.equal(calls, []);
});

test('a node that was away when it was removed is told when it comes back', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.run(2);
  cluster.split(['a', 'b'], ['c']);
  administer(cluster.rig('a'), { kind: 'remove', node: 'c' });
  cluster.run(10);
  assert.is(cluster.rig('c').node.ready, true);
  assert.equal(membersOf(cluster.rig('a')), ['b']);
  cluster.mend();
  const { database, facts } = cluster.rig('c');
  cluster.restart('c', { database, facts });
  cluster.run(10);
  assert.match(cluster.rig('c').node.unready ?? '', /removed from its cluster/);
  assert.equal(membersOf(cluster.rig('a')), ['b']);
});

test('what a removed node says is not taken in', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(2);
  const a = cluster.rig('a');
  administer(a, { kind: 'remove', node: 'b' });
  const record = { ...nodeRecord(descriptorOf('x')), dot: { origin: 'b.boot', seq: 99 } };
  const page = pageWith(record);
  const { ask } = a.effects.find(({ kind }) => kind === 'ask') as { readonly ask: Json };
  a.submit({ kind: 'told', from: 'b', page });
  a.submit({ kind: 'asked', exchange: 901, from: 'b', ask, push: page });
  a.submit({ kind: 'redeem-asked', exchange: 902, from: 'b', nonces: ['n'], reads: [null], ask });
  assert.is(a.database.has('node/x'), false);
  const tells = a.effects.filter((effect) => effect.kind === 'tell' && effect.exchange > 900);
  assert.equal(tells, []);
});

test('a removed node that introduces itself again is refused, after a restart too', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.run(2);
  administer(cluster.rig('a'), { kind: 'remove', node: 'c' });
  cluster.run(2);
  const { database, facts } = cluster.rig('b');
  cluster.restart('b', { database, facts });
  for (const name of ['a', 'b']) {
    const rig = cluster.rig(name);
    rig.submit({ kind: 'introduced', url: urlOf('c'), descriptor: descriptorOf('c') });
    rig.submit({ kind: 'introduced', url: null, descriptor: { ...descriptorOf('c'), madeMs: 9 } });
    cluster.deliver();
    assert.not(membersOf(rig).includes('c'));
    assert.is(rig.record('node', 'c').fields['status'], 'removed');
    assert.is(administer(rig, { kind: 'register', descriptor: descriptorOf('c') }).status, 409);
  }
});

test('a removed node that comes back is told at the place where it was found', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.stop('c');
  administer(cluster.rig('b'), { kind: 'remove', node: 'c' });
  cluster.run(3);
  const { database, facts } = cluster.rig('b');
  cluster.restart('b', { database, facts });
  cluster.run(1);
  const b = cluster.rig('b');
  const toldAt = (url: string | null, named: string): readonly string[] => {
    b.effects.length = 0;
    const descriptor = { ...descriptorOf('c'), url: named, madeMs: 5_000 };
    b.submit({ kind: 'introduced', url, descriptor });
    const asks = b.effects.flatMap((each) => (each.kind === 'ask' ? [each.url] : []));
    b.submit({ kind: 'unreachable', peer: 'c', reason: 'it was told' });
    return asks;
  };
  assert.equal(toldAt(null, 'https://moved.test'), ['https://moved.test']);
  assert.equal(toldAt(urlOf('c'), 'https://internal.test'), [urlOf('c')]);
});

test('a node that is removed while it tells another one talks to nobody', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  const [a, b] = [cluster.rig('a'), cluster.rig('b')];
  cluster.stop('c');
  administer(b, { kind: 'remove', node: 'c' });
  // This call is under way, and stays so.
  b.outbox.length = 0;
  administer(a, { kind: 'remove', node: 'b' });
  cluster.run(3);
  const told = b.effects.flatMap((each) => (each.kind === 'members' ? [each] : []));
  assert.equal(told.at(-2)?.farewells, ['c']);
  assert.equal([told.at(-1)?.members, told.at(-1)?.farewells], [[], []]);
});

test('operators are refused with what to do instead', () => {
  const rig = new Cluster(['a', 'b']).rig('a');
  const commands: readonly Command[] = [
    { kind: 'remove', node: 'nobody' },
    { kind: 'remove', node: 'a' },
    { kind: 'register', descriptor: descriptorOf('a') },
    { kind: 'register', descriptor: {} as NodeDescriptor },
  ];
  for (const command of commands) {
    const { status, body } = administer(rig, command);
    assert.ok(status === 404 || status === 409, JSON.stringify(command));
    assert.equal(Object.keys(body), ['error', 'fix']);
  }
});

test('a member that has not been met since the start is no stranger at its own URL', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  const { database, facts } = cluster.rig('a');
  cluster.stop('b');
  cluster.stop('c');
  cluster.restart('a', { database, facts });
  const a = cluster.rig('a');
  a.submit({ kind: 'configure', policy: a.policy, peers: [urlOf('b'), 'http://elsewhere'] });
  cluster.run(1);
  const { body } = administer(a, { kind: 'status' });
  assert.equal(
    body['members'].map(({ url, reachable }: JsonBody) => [url, reachable]),
    [
      ['http://b', null],
      ['http://c', null],
    ],
  );
  assert.equal(body['strangers'], ['http://elsewhere']);
});

test('status shows the members, how far behind they are, and whether contents agree', () => {
  const cluster = Cluster.ofStrangers(['a', 'b']);
  const a = cluster.rig('a');
  assert.equal(administer(a, { kind: 'status' }).body['members'], []);
  cluster.run(4);
  const { body } = administer(a, { kind: 'status' });
  const [b] = body['members'];
  assert.is(body['node'], 'a');
  assert.is(body['ready'], true);
  assert.equal([b.node, b.url, b.reachable, b.digest], ['b', 'http://b', true, 'equal']);
  assert.equal(b.lagEvents, { there: 0, here: 0 });
  cluster.split(['a'], ['b']);
  Client.registered(a);
  cluster.run(2);
  const [away] = administer(a, { kind: 'status' }).body['members'];
  assert.is(away.reachable, false);
  assert.equal(away.lagEvents, { there: 1, here: 0 });
  assert.ok(away.lastExchangeMs >= 2_000);
});

test('a node that is registered by hand is a member', () => {
  const cluster = new Cluster(['a', 'b']);
  const descriptor = { ...descriptorOf('z'), url: 'http://z' };
  assert.is(administer(cluster.rig('a'), { kind: 'register', descriptor }).status, 200);
  assert.ok(membersOf(cluster.rig('a')).includes('z'));
});

test('a peer that another node has replaced at its URL is found again', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(2);
  cluster.stop('b');
  const rig = cluster.rig('a');
  cluster.run(2);
  const before = rig.effects.length;
  cluster.run(30);
  const calls = rig.effects.slice(before).filter(({ kind }) => kind === 'introduce');
  assert.ok(calls.length > 0, 'it introduces itself anew');
  assert.equal(logged(rig, /no KEM key/), [], 'for the keys are known');
});

/** A page of one record, complete in nothing. */
function pageWith({ kind, id, dot, fields }: Record): Json {
  return {
    base: [],
    chain: '',
    clockMs: 0,
    complete: null,
    established: false,
    floor: [],
    known: null,
    listing: null,
    next: null,
    records: [[kind, id, dot.origin, dot.seq, fields]],
    since: null,
  };
}

test.run();
