import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { claim } from '../crdt/lattice.ts';
import type { Record } from '../crdt/record.ts';
import { type Candidates, Leases } from './leases.ts';

const TTL_MS = 100_000;
/** Others wait one part in twenty longer. */
const LAPSE_MS = 105_000;
const STEP_MS = 2000;
const NODES = ['a', 'b', 'c', 'd', 'e'];

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();
const ALONE: Candidates = { live: [], sha256 };

function leasesOf(node: string, mostWatched = 99): Leases {
  return new Leases({ node, ttlMs: TTL_MS, stepMs: STEP_MS, mostWatched });
}

const stamp = (ms: number, node: string): string => {
  return `${ms.toString(16).padStart(12, '0')}-0000-${node}`;
};

/** An order that a node has begun to work on. */
function order(id: string, node = 'a', fields: Record['fields'] = {}): Record {
  const owner = claim(undefined, stamp(1, node), node);
  const dot = { origin: `${node}.1`, seq: 1 };
  return { kind: 'order', id, fields: { status: 'processing', owner, ...fields }, dot };
}

const idsOf = (leases: Leases, monoMs: number, candidates = ALONE): readonly string[] => {
  return leases.lapsed(monoMs, candidates).map(({ id }) => id);
};

test('a lease that changes is young again', () => {
  const leases = leasesOf('b');
  leases.observe(order('x'), 0);
  leases.observe(order('x', 'a', { certificate: 'something else changed' }), 50_000);
  assert.is(leases.nextMonoMs, LAPSE_MS);
  const { owner } = leasesOf('a').continued(order('x'), stamp(2, 'a'));
  leases.observe(order('x', 'a', { owner: { ...owner } }), 60_000);
  assert.equal(idsOf(leases, LAPSE_MS), []);
  assert.equal(idsOf(leases, 60_000 + LAPSE_MS - 1), []);
  assert.equal(idsOf(leases, 60_000 + LAPSE_MS), ['x']);
});

test('work that ended, expired or never began lapses never', () => {
  const leases = leasesOf('b');
  leases.observe(order('ended'), 0);
  leases.observe(order('ended', 'a', { status: 'valid' }), 10);
  leases.observe(order('swept'), 0);
  leases.forget({ kind: 'order', id: 'swept' });
  leases.observe(order('pending', 'a', { status: 'pending' }), 0);
  assert.is(leases.size, 0);
  assert.equal(idsOf(leases, 10 * LAPSE_MS), []);
  assert.is(leases.nextMonoMs, Number.POSITIVE_INFINITY);
});

test('the owner stops before anybody else begins, and may begin anew itself', () => {
  const [owner, other] = [leasesOf('a'), leasesOf('b')];
  for (const leases of [owner, other]) leases.observe(order('x'), 0);
  assert.is(owner.isHeld(order('x'), TTL_MS - 1), true);
  assert.is(owner.isHeld(order('x'), TTL_MS), false);
  assert.is(other.isHeld(order('x'), 0), false);
  assert.is(other.lapsedMs(order('x'), LAPSE_MS - 1), undefined);
  assert.is(other.lapsedMs(order('x'), LAPSE_MS), LAPSE_MS);
  assert.equal(idsOf(owner, LAPSE_MS), ['x']);
});

test('what lapsed in one version has not lapsed in the next', () => {
  const leases = leasesOf('b');
  leases.observe(order('x'), 0);
  const next = order('x', 'c');
  assert.is(leases.lapsedMs(next, LAPSE_MS), undefined);
  assert.is(leases.lapsedMs(order('y'), LAPSE_MS), undefined);
});

test('of the live nodes exactly one is first, and the others follow a step apart', () => {
  const names = Array.from({ length: 40 }, (_, i) => `order-${i}`);
  const turns = new Map(names.map((name) => [name, [] as number[]]));
  const firsts = new Set<string>();
  for (const node of NODES) {
    const leases = leasesOf(node);
    for (const name of names) leases.observe(order(name, 'dead'), 0);
    for (let step = 0; step < NODES.length; step++) {
      for (const id of idsOf(leases, LAPSE_MS + step * STEP_MS, { live: NODES, sha256 })) {
        turns.get(id)!.push(step);
        if (step === 0) firsts.add(node);
        leases.forget({ kind: 'order', id });
      }
    }
    assert.is(leases.size, 0, `${node} had its turn everywhere`);
  }
  for (const steps of turns.values()) assert.equal(steps.sort(), [0, 1, 2, 3, 4]);
  assert.is(firsts.size, NODES.length, 'the work is spread over the nodes');
});

test('a node that dies meanwhile holds nobody up for longer than a step', () => {
  const name = Array.from({ length: 99 }, (_, i) => `order-${i}`).find((id) => {
    const leases = leasesOf('b');
    leases.observe(order(id, 'dead'), 0);
    return idsOf(leases, LAPSE_MS, { live: ['c'], sha256 }).length === 0;
  })!;
  const leases = leasesOf('b');
  leases.observe(order(name, 'dead'), 0);
  assert.equal(idsOf(leases, LAPSE_MS, { live: ['c'], sha256 }), []);
  assert.is(leases.nextMonoMs, LAPSE_MS + STEP_MS);
  assert.equal(idsOf(leases, leases.nextMonoMs, { live: ['c'], sha256 }), [name]);
});

test('a lease of which nothing came is offered again, a step later', () => {
  const leases = leasesOf('b');
  leases.observe(order('x'), 0);
  assert.equal(idsOf(leases, LAPSE_MS), ['x']);
  assert.equal(idsOf(leases, LAPSE_MS + 1), []);
  assert.equal(idsOf(leases, LAPSE_MS + STEP_MS), ['x']);
});

test('when a node with much work dies, it is taken over bit by bit', () => {
  const leases = leasesOf('b', 9999);
  for (let i = 0; i < 1000; i++) leases.observe(order(`order-${i}`), 0);
  const taken = new Set<string>();
  for (let pass = 1; taken.size < 1000; pass++) {
    assert.ok(pass <= 4);
    const ids = idsOf(leases, pass === 1 ? LAPSE_MS : leases.nextMonoMs);
    assert.ok(ids.length <= 256);
    for (const id of ids) taken.add(id);
  }
});

test('what finds no room is said to be missing, once', () => {
  const leases = leasesOf('b', 2);
  for (const id of ['x', 'y', 'z']) leases.observe(order(id), 0);
  assert.is(leases.size, 2);
  assert.is(leases.takeIncomplete(), true);
  assert.is(leases.takeIncomplete(), false);
  leases.observe(order('x', 'a', { status: 'valid' }), 10);
  leases.observe(order('z'), 20);
  assert.is(leases.takeIncomplete(), false);
  assert.equal(idsOf(leases, 20 + LAPSE_MS), ['y', 'z']);
});

test('a claim is of the next epoch; a start goes on in the same', () => {
  const leases = leasesOf('b');
  const taken = leases.claimed(order('x', 'a'), stamp(9, 'b')).owner;
  assert.equal([taken.epoch, taken.node, taken.renewals], [2, 'b', 0]);
  const own = order('x', 'b');
  assert.is(leases.isOwn(own), true);
  const { owner } = leases.continued(own, stamp(9, 'b'));
  assert.equal([owner.epoch, owner.claimedAt, owner.renewals], [1, stamp(1, 'b'), 1]);
});

test('work that began before there were leases belongs to who wrote it', () => {
  const { owner: _, ...fields } = order('x').fields;
  const old = { ...order('x'), fields };
  assert.is(leasesOf('a').isOwn(old), true);
  assert.is(leasesOf('b').isOwn(old), false);
  assert.is(leasesOf('a').continued(old, stamp(9, 'a')).owner.epoch, 1);
  const leases = leasesOf('b');
  leases.observe(old, 0);
  assert.equal(idsOf(leases, LAPSE_MS), ['x']);
  assert.is(leases.lapsedMs(old, LAPSE_MS), LAPSE_MS);
});

test('a peer that lies about a released lease of ours stops nothing', () => {
  const released = { ...claim(undefined, stamp(1, 'b'), 'b'), released: true };
  const { owner } = leasesOf('b').continued(order('x', 'b', { owner: released }), stamp(9, 'b'));
  assert.equal([owner.epoch, owner.released], [2, false]);
});

test.run();
