import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../../core/crdt/record.ts';
import { FAST_OCTETS, type FastCall, type Sent } from './channel.ts';
import { rotateKemKey } from './node-keys.ts';
import {
  ALICE,
  BOB,
  CALL,
  callFast,
  channelOf,
  clock,
  EVE,
  end,
  exchange,
  LIMITS,
  NOW,
  pair,
  pairOfStrangers,
  refused,
  refusedAny,
  throws,
} from './testing/pair.ts';

const PAGE = {
  records: Array.from({ length: 2_000 }, (_, i) => ({ id: `r${i}`, note: 'x'.repeat(i % 50) })),
};

const OTHER: FastCall = { kind: 'sync', ask: 2, push: null };

const test = suite('the fast channel');
test.after.each(end);

test('there is no fast call before a sealed message has brought the key', async () => {
  const [alice, bob] = pairOfStrangers();
  await refused('no-fast-key', () => alice.sealFast(bob.node, CALL));
  await refused('no-fast-key', () => bob.openFast(alice.node, new Uint8Array(100)));
});

test('a fast call and its answer, small and large, arrive as they were', async () => {
  const [alice, bob] = await pair();
  for (const page of [{ verdict: 'spent' }, PAGE] as Json[]) {
    const redeem = { nonces: ['a', 'b'], reads: [null, { target: page }], ask: { vector: page } };
    const calls: readonly FastCall[] = [
      { kind: 'redeem', ...redeem },
      { kind: 'sync', ask: { vector: page }, push: page },
      { kind: 'sync', ask: 1, push: null },
    ];
    for (const call of calls) {
      const sent = await alice.sealFast(bob.node, call);
      const asked = await bob.openFast(alice.node, sent.body);
      assert.equal(asked, { from: alice.node, call });
      const body = await bob.sealFastAnswer(asked, page);
      await throws(/answered already/, () => bob.sealFastAnswer(asked, page));
      assert.equal(await alice.openFastAnswer(sent, bob.node, body), page);
      await refused('unbound', () => alice.openFastAnswer(sent, bob.node, body));
    }
  }
});

test('a fast call that is none is refused', async () => {
  const [alice, bob] = await pair();
  const none: readonly Json[] = [
    null,
    [],
    {},
    { ask: 1, push: null },
    { kind: 'sync', ask: 1 },
    { kind: 'sync', ask: 1, push: null, reads: [] },
    { kind: 'other', ask: 1, push: null },
    { kind: 'redeem', ask: 1, nonces: 'n', reads: [null] },
    { kind: 'redeem', ask: 1, nonces: [7], reads: [null] },
    { kind: 'redeem', ask: 1, nonces: ['n'], reads: [] },
    { kind: 'redeem', ask: 1, nonces: ['n'], reads: [null, null] },
    { kind: 'redeem', ask: 1, nonces: ['n'], reads: 'r' },
  ];
  for (const call of none) {
    const { body } = await alice.sealFast(bob.node, call as FastCall);
    await refused('decoding', () => bob.openFast(alice.node, body));
  }
});

test('fast calls go both ways at once', async () => {
  const [alice, bob] = await pair();
  const there = await alice.sealFast(bob.node, CALL);
  const back = await bob.sealFast(alice.node, OTHER);
  const [atBob, atAlice] = await Promise.all([
    bob.openFast(alice.node, there.body),
    alice.openFast(bob.node, back.body),
  ]);
  assert.equal([atBob.call, atAlice.call], [CALL, OTHER]);
  // A message that comes back to its sender is none of the peer's.
  await refused('no-fast-key', () => alice.openFast(bob.node, there.body));
});

test('a fast call that is changed anywhere, or came before, is refused', async () => {
  const [alice, bob] = await pair();
  const { body } = await alice.sealFast(bob.node, CALL);
  for (let i = 0; i < body.length; i++) {
    const changed = body.slice();
    changed[i]! ^= 1;
    await refusedAny(['decryption', 'no-fast-key'], () => bob.openFast(alice.node, changed));
  }
  for (const end of [0, 1, 40, body.length - 1]) {
    await refused('decryption', () => bob.openFast(alice.node, body.subarray(0, end)));
  }
  await refused('no-fast-key', () => bob.openFast(EVE.descriptor.node, body));
  assert.equal((await bob.openFast(alice.node, body)).call, CALL);
  await refused('replay', () => bob.openFast(alice.node, body));
});

test('an answer to another fast call, or a changed one, is refused', async () => {
  const [alice, bob] = await pair();
  const sent: Sent[] = [];
  const bodies: Uint8Array[] = [];
  for (const answer of ['one', 'two']) {
    sent.push(await alice.sealFast(bob.node, CALL));
    const asked = await bob.openFast(alice.node, sent.at(-1)!.body);
    bodies.push(await bob.sealFastAnswer(asked, answer));
  }
  await refused('decryption', () => alice.openFastAnswer(sent[0]!, bob.node, bodies[1]!));
  await refused('decryption', () => alice.openFastAnswer(sent[0]!, bob.node, sent[0]!.body));
  await refused('decryption', () => alice.openFastAnswer(sent[0]!, bob.node, new Uint8Array(3)));
  await refused('unbound', () => alice.openFastAnswer(sent[0]!, EVE.descriptor.node, bodies[0]!));
  assert.is(await alice.openFastAnswer(sent[0]!, bob.node, bodies[0]!), 'one');
});

test('when the called node has started anew its key is given up until it is heard from again', async () => {
  const [alice] = await pair();
  const bob = channelOf(BOB, [ALICE.descriptor]);
  const { body } = await alice.sealFast(bob.node, CALL);
  await refused('no-fast-key', () => bob.openFast(alice.node, body));
  assert.ok(alice.heardBoot(bob.node, bob.boot));
  await refused('no-fast-key', () => alice.sealFast(bob.node, CALL));
  await exchange(alice, bob);
  await callFast(alice, bob);
});

test('when the caller has started anew its old calls are refused', async () => {
  const [old, bob] = await pair();
  const { body } = await old.sealFast(bob.node, CALL);
  const alice = channelOf(ALICE, [BOB.descriptor]);
  alice.heardBoot(bob.node, bob.boot);
  await exchange(alice, bob);
  await refused('no-fast-key', () => bob.openFast(old.node, body));
  await callFast(alice, bob);
});

test('a fast call held back, or of a node whose clock is wrong, is refused as a sealed one is', async () => {
  const [alice, bob] = await pair();
  const [early, late] = [
    await bob.sealFast(alice.node, OTHER),
    await bob.sealFast(alice.node, OTHER),
  ];
  for (const offMs of [-LIMITS.skewToleranceMs - 1, LIMITS.maxAgeMs + 1]) {
    clock.ms = NOW + offMs;
    await refused('freshness', () => alice.openFast(bob.node, early.body));
  }
  clock.ms = NOW + LIMITS.maxAgeMs;
  assert.equal((await alice.openFast(bob.node, late.body)).call, OTHER);
});

test('what is too large for the fast channel is not sent over it', async () => {
  const [alice, bob] = await pair();
  const large = randomBytes(FAST_OCTETS).toString('hex');
  await refused('size', () => alice.sealFast(bob.node, { kind: 'sync', ask: 1, push: large }));
  const asked = await bob.openFast(alice.node, (await alice.sealFast(bob.node, CALL)).body);
  await refused('size', () => bob.sealFastAnswer(asked, large));
});

test('a key from before a rotation is given up in time, whether a later one is used or not', async () => {
  const [alice, bob] = await pair();
  const held = await bob.sealFast(alice.node, CALL);
  const renewed = rotateKemKey(BOB, NOW);
  await bob.renew(renewed);
  alice.members([renewed.descriptor], []);
  clock.ms = NOW + 60_000;
  await refused('no-fast-key', () => alice.openFast(bob.node, held.body));
  await exchange(bob, alice);
  await callFast(bob, alice);
});

test('who has another KEM key is handed another fast key, and the one before is given up', async () => {
  const [alice, bob] = await pair();
  const held = await bob.sealFast(alice.node, CALL);
  const renewed = rotateKemKey(BOB, NOW);
  await bob.renew(renewed);
  alice.members([renewed.descriptor], []);
  await callFast(bob, alice);
  await callFast(alice, bob);
  await exchange(bob, alice);
  const { body } = await bob.sealFast(alice.node, CALL);
  assert.is(Buffer.compare(body.subarray(5, 37), held.body.subarray(5, 37)), 0, 'the same boots');
  assert.is.not(Buffer.compare(body.subarray(1, 5), held.body.subarray(1, 5)), 0, 'another key');
  assert.equal((await alice.openFast(bob.node, body)).call, CALL);
  await refused('no-fast-key', () => alice.openFast(bob.node, held.body));
  await callFast(bob, alice);
});

test.run();
