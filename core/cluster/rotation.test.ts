import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command } from '../input.ts';
import { Client, type JsonBody, read } from '../testing/client.ts';
import { Cluster, descriptorOf } from '../testing/cluster.ts';
import { Rig } from '../testing/rig.ts';
import type { NodeDescriptor } from './descriptor.ts';

const MAY: Command = { kind: 'may-rotate' };

function administer(rig: Rig, command: Command): { readonly status: number; body: JsonBody } {
  const { status, body } = read(rig.administer(command)!);
  return { status, body };
}

/** The node with its nth key. */
function renewed(node: string, n: number): NodeDescriptor {
  return { ...descriptorOf(node), kem: `a2Vt${n}`, certificate: `Y2VydA${n}`, madeMs: n * 1000 };
}

function rotate(rig: Rig, descriptor: NodeDescriptor): void {
  const { status, body } = administer(rig, { kind: 'rotated', descriptor });
  assert.is(status, 200);
  assert.equal(body, descriptor);
}

/** The key of `node` that the shell of a rig was told to use. */
function keyAt(rig: Rig, node: string): string | undefined {
  const told = rig.effects.filter((effect) => effect.kind === 'members').at(-1);
  return told?.members.find((member) => member.node === node)?.kem;
}

function lines(rig: Rig, message: RegExp): number {
  return rig.logs.filter((line) => message.test(line.message)).length;
}

test('a node that works alone, is starting or was removed rotates nothing, and says why', () => {
  const alone = administer(new Rig(), MAY);
  assert.is(alone.status, 409);
  assert.match(alone.body['error'], /works alone/);
  const slow = new Cluster(['a'], { holds: () => true }).rig('a');
  const early = administer(slow, MAY);
  assert.is(early.status, 503);
  assert.match(early.body['error'], /is starting/);
  const cluster = new Cluster(['a', 'b']);
  administer(cluster.rig('b'), { kind: 'remove', node: 'a' });
  cluster.run(2);
  const late = administer(cluster.rig('a'), MAY);
  assert.is(late.status, 409);
  assert.match(late.body['error'], /was removed/);
});

test('a node that has met nobody yet may rotate: it may be that nobody can be understood', () => {
  const a = Cluster.ofStrangers(['a', 'b']).rig('a');
  assert.match(a.node.unready!, /no first contact/);
  assert.is(administer(a, MAY).status, 200);
});

test('a second key waits until all who are there have heard of the first, and names them', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.run(3);
  const a = cluster.rig('a');
  assert.equal(administer(a, MAY), { status: 200, body: { node: 'a' } });
  rotate(a, renewed('a', 1));
  const { status, body } = administer(a, MAY);
  assert.is(status, 409);
  assert.match(body['error'], /present key yet: b at http:\/\/b, c at http:\/\/c$/);
  assert.match(body['fix'], /try again in a moment/);
  cluster.run(3);
  assert.is(administer(a, MAY).status, 200);
});

test('a member that just came is waited for, one that does not answer is not', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.run(3);
  const a = cluster.rig('a');
  administer(a, { kind: 'register', descriptor: descriptorOf('z') });
  assert.match(administer(a, MAY).body['error'], /z at http:\/\/z/);
  cluster.run(3);
  assert.is(administer(a, MAY).status, 200);
  cluster.stop('c');
  rotate(a, renewed('a', 1));
  cluster.run(3);
  assert.match(administer(a, MAY).body['error'], /c at http:\/\/c/, 'a few failed calls');
  cluster.run(3);
  assert.is(administer(a, MAY).status, 200);
});

test('a node that calls nobody waits for those that have called it of late', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(3);
  const a = cluster.rig('a');
  a.submit({ kind: 'configure', policy: a.policy, peers: [] });
  cluster.run(3);
  cluster.split(['a'], ['b']);
  rotate(a, renewed('a', 1));
  assert.match(administer(a, MAY).body['error'], /b at http:\/\/b/);
  cluster.run(6);
  assert.is(administer(a, MAY).status, 200);
});

test('members are told of the new key, once, and so is who was away', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.run(3);
  cluster.split(['a', 'b'], ['c']);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => cluster.rig(name)) as [Rig, Rig, Rig];
  rotate(a, renewed('a', 1));
  cluster.run(3);
  assert.is(keyAt(b, 'a'), renewed('a', 1).kem);
  assert.is(keyAt(c, 'a'), descriptorOf('a').kem);
  cluster.mend();
  cluster.run(30);
  assert.is(keyAt(c, 'a'), renewed('a', 1).kem);
  assert.is(lines(a, /this node has replaced its KEM key/), 1);
  for (const rig of [b, c]) assert.is(lines(rig, /peer has replaced its KEM key/), 1);
  const client = Client.registered(c);
  cluster.run(2);
  assert.is(a.record('account', client.kid.split('/').at(-1)!).kind, 'account');
});

test('nobody takes a rotated node for a copy of another, and an old word of it is no news', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(3);
  const [a, b] = [cluster.rig('a'), cluster.rig('b')];
  rotate(a, renewed('a', 1));
  cluster.run(3);
  const written = b.record('node', 'a').dot;
  b.submit({ kind: 'introduced', url: null, descriptor: descriptorOf('a') });
  cluster.run(3);
  assert.equal(b.record('node', 'a').dot, written);
  assert.is(keyAt(b, 'a'), renewed('a', 1).kem);
});

test('an old key that another has written into its record is replaced by the present one', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.run(3);
  const [a, b] = [cluster.rig('a'), cluster.rig('b')];
  cluster.split(['a'], ['b']);
  rotate(a, renewed('a', 1));
  // Its clock is ahead, and what it heard by an introduction is older.
  b.advance(10_000);
  b.submit({ kind: 'introduced', url: null, descriptor: { ...descriptorOf('a'), madeMs: 500 } });
  cluster.mend();
  cluster.run(30);
  for (const rig of [a, b]) {
    assert.match(JSON.stringify(rig.record('node', 'a').fields), renewed('a', 1).kem);
  }
  assert.is(keyAt(b, 'a'), renewed('a', 1).kem);
});

test.run();
