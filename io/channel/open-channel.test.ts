import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { Json } from '../../core/crdt/record.ts';
import {
  type Asked,
  type Channel,
  FAST_OCTETS,
  type FastAsked,
  type FastCall,
  type Sent,
} from './channel.ts';
import { makeNodeKeys, type NodeKeys, rotateKemKey } from './node-keys.ts';
import { openChannel } from './open-channel.ts';
import { ChannelRefusal, type RefusalName } from './refusal.ts';

const NOW = Date.UTC(2026, 0, 1);
const SECRET = new Uint8Array(randomBytes(32));
const LIMITS = {
  skewToleranceMs: 30_000,
  maxAgeMs: 30_000,
  sealedOctets: 4_000_000,
  inflatedOctets: 8_000_000,
};
const [ALICE, BOB, EVE, STRANGER] = ['alice', 'bob', 'eve', 'stranger'].map((name) => {
  return makeNodeKeys(`http://${name}.test`, NOW);
}) as [NodeKeys, NodeKeys, NodeKeys, NodeKeys];
const PAGE = {
  records: Array.from({ length: 2_000 }, (_, i) => ({ id: `r${i}`, note: 'x'.repeat(i % 50) })),
};

const CALL: FastCall = { kind: 'redeem', nonces: ['nonce'], reads: [null], ask: 1 };
const OTHER: FastCall = { kind: 'sync', ask: 2, push: null };

let nowMs = NOW;
const opened: Channel[] = [];
const test = suite('the channel');
test.after.each(async () => {
  nowMs = NOW;
  await Promise.all(opened.splice(0).map((channel) => channel.close()));
});

test('senders without a name, with a bad one, unknown and removed are told apart', async () => {
  const [alice, bob] = await pair();
  const { body } = await alice.sealAsk(bob.node, 1, null);
  await refused('header', () => bob.openAsk(undefined, body));
  await refused('header', () => bob.openAsk(`${alice.node} `, body));
  await refused('sender', () => bob.openAsk(STRANGER.descriptor.node, body));
  bob.members([ALICE.descriptor], [ALICE.descriptor.node]);
  await refused('removed', () => bob.openAsk(alice.node, body));
  const { refused: counts } = bob.stats();
  assert.is(counts.header, 2);
  assert.is(counts.sender, 1);
  assert.is(counts.removed, 1);
});

test('the first ask names no boot and is sent again with the one that the refusal brings', async () => {
  const [alice, bob] = pairOfStrangers();
  const { body } = await alice.sealAsk(bob.node, 1, null);
  await refused('boot', () => bob.openAsk(alice.node, body));
  assert.not(alice.heardBoot(bob.node, undefined));
  assert.not(alice.heardBoot(bob.node, 'nonsense'));
  assert.not(alice.heardBoot(STRANGER.descriptor.node, bob.boot));
  assert.ok(alice.heardBoot(bob.node, bob.boot));
  assert.not(alice.heardBoot(bob.node, bob.boot), 'no news the second time');
  const again = await alice.sealAsk(bob.node, 1, null);
  assert.is((await bob.openAsk(alice.node, again.body)).ask, 1);
});

test('an ask and its page, large ones in the thread, arrive as they were', async () => {
  const [alice, bob] = await pair();
  const sent = await alice.sealAsk(bob.node, { cursor: null }, PAGE);
  const asked = await bob.openAsk(alice.node, sent.body);
  assert.equal(asked, { from: alice.node, ask: { cursor: null }, push: PAGE });
  const body = await bob.sealAnswer(asked, PAGE);
  assert.equal(await alice.openAnswer(sent, bob.node, body), PAGE);
});

test('an answer is made once and taken once, from the node that was asked', async () => {
  const [alice, bob] = await pair();
  const sent = await alice.sealAsk(bob.node, 1, null);
  const asked = await bob.openAsk(alice.node, sent.body);
  const body = await bob.sealAnswer(asked, 2);
  await throws(/answered already/, () => bob.sealAnswer(asked, 3));
  const other = await alice.sealAsk(bob.node, 1, null);
  await refused('unbound', () => alice.openAnswer(sent, EVE.descriptor.node, body));
  await refused('unbound', () => alice.openAnswer({ ...sent }, bob.node, body));
  assert.is(await alice.openAnswer(sent, bob.node, body), 2);
  await refused('unbound', () => alice.openAnswer(sent, bob.node, body));
  await refused('replay', () => alice.openAnswer(other, bob.node, body));
});

test('an answer to one request is no answer to another', async () => {
  const [alice, bob] = await pair();
  const [first, second] = [
    await alice.sealAsk(bob.node, 1, null),
    await alice.sealAsk(bob.node, 1, null),
  ];
  const body = await bob.sealAnswer(await bob.openAsk(alice.node, first.body), 'one');
  await refused('unbound', () => alice.openAnswer(second, bob.node, body));
});

test('an answer after a restart of the asker finds nobody', async () => {
  const [alice, bob] = await pair();
  const sent = await alice.sealAsk(bob.node, 1, null);
  const body = await bob.sealAnswer(await bob.openAsk(alice.node, sent.body), 2);
  const renewed = channelOf(ALICE, [BOB.descriptor]);
  const own = await renewed.sealAsk(bob.node, 1, null);
  await refused('boot', () => renewed.openAnswer(own, bob.node, body));
});

test('members that are not genuine are left out and named', async () => {
  const alice = channelOf(ALICE, []);
  const forgedUrl = { ...BOB.descriptor, url: 'http://eve.test' };
  const forged = alice.members([forgedUrl, EVE.descriptor, ALICE.descriptor], []);
  assert.is(forged.length, 1);
  assert.is(forged[0]!.node, BOB.descriptor.node);
  assert.match(forged[0]!.fault, /does not vouch/);
  await refused('no-kem-key', () => alice.sealAsk(BOB.descriptor.node, 1, null));
  await refused('no-kem-key', () => alice.sealAsk(alice.node, 1, null));
});

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

test('a peer that has replaced its KEM key is reached with either', async () => {
  const renewed = rotateKemKey(BOB, NOW);
  const [alice, bob] = [channelOf(ALICE, [BOB.descriptor]), channelOf(renewed, [ALICE.descriptor])];
  alice.heardBoot(bob.node, bob.boot);
  await exchange(alice, bob);
  alice.members([renewed.descriptor], []);
  await exchange(alice, bob);
});

test('a fast call held back, or of a node whose clock is wrong, is refused as a sealed one is', async () => {
  const [alice, bob] = await pair();
  const [early, late] = [
    await bob.sealFast(alice.node, OTHER),
    await bob.sealFast(alice.node, OTHER),
  ];
  for (const offMs of [-LIMITS.skewToleranceMs - 1, LIMITS.maxAgeMs + 1]) {
    nowMs = NOW + offMs;
    await refused('freshness', () => alice.openFast(bob.node, early.body));
  }
  nowMs = NOW + LIMITS.maxAgeMs;
  assert.equal((await alice.openFast(bob.node, late.body)).call, OTHER);
});

test('what is too large for the fast channel is not sent over it', async () => {
  const [alice, bob] = await pair();
  const large = randomBytes(FAST_OCTETS).toString('hex');
  await refused('size', () => alice.sealFast(bob.node, { kind: 'sync', ask: 1, push: large }));
  const asked = await bob.openFast(alice.node, (await alice.sealFast(bob.node, CALL)).body);
  await refused('size', () => bob.sealFastAnswer(asked, large));
});

test('a key from before a rotation is given up in time, whether one later is used or not', async () => {
  const [alice, bob] = await pair();
  const held = await bob.sealFast(alice.node, CALL);
  const renewed = rotateKemKey(BOB, NOW);
  await bob.renew(renewed);
  alice.members([renewed.descriptor], []);
  nowMs = NOW + 60_000;
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

test('keys of another node are no new keys', async () => {
  const [alice] = await pair();
  await throws(/the keys of another node/, () => alice.renew(BOB));
  assert.equal(alice.descriptor, ALICE.descriptor);
});

test('a key replaced while the channel is open changes nothing for what is under way', async () => {
  const [alice, bob] = await pair();
  const [ask, other] = [
    await alice.sealAsk(bob.node, 'sealed to the old key', null),
    await bob.sealAsk(alice.node, 'sealed to the old key', null),
  ];
  const renewed = rotateKemKey(BOB, NOW);
  await bob.renew(renewed);
  assert.equal(bob.descriptor, renewed.descriptor);
  const asked = await bob.openAsk(alice.node, ask.body);
  const body = await bob.sealAnswer(asked, 'page');
  assert.is(await alice.openAnswer(ask, bob.node, body), 'page', 'vouched for by the same node');
  const answer = await alice.sealAnswer(await alice.openAsk(bob.node, other.body), 'page');
  assert.is(await bob.openAnswer(other, alice.node, answer), 'page');
  await callFast(alice, bob);
  await callFast(bob, alice);
  await refused('replay', () => bob.openAsk(alice.node, ask.body));
});

test('whoever knows the key before the last is not understood until it takes the new one', async () => {
  const [alice, bob] = await pair();
  const first = rotateKemKey(BOB, NOW);
  const second = rotateKemKey(first, NOW);
  await bob.renew(first);
  await bob.renew(second);
  const { body } = await alice.sealAsk(bob.node, 1, null);
  await refused('decryption', () => bob.openAsk(alice.node, body));
  alice.members([first.descriptor], []);
  await exchange(alice, bob);
  alice.members([second.descriptor], []);
  await exchange(alice, bob);
});

test('an introduction tells of the new key, and one with the old key is outdated', async () => {
  const [alice, bob] = await pair();
  const before = bob.introduce('');
  await bob.renew(rotateKemKey(BOB, NOW));
  const wish = alice.introduce('');
  const { body } = bob.answerIntroduction(wish.body);
  const told = alice.concludeIntroduction(wish, body);
  assert.equal(told, bob.descriptor);
  alice.members([told], []);
  assert.ok(alice.answerIntroduction(before.body).isOutdated);
});

test('what is under way when the channel is closed is refused, and so is what comes later', async () => {
  const [alice, bob] = await pair();
  const underWay = alice.sealAsk(bob.node, 1, null);
  const closed = alice.close();
  await throws(/cannot be used: it was closed/, () => underWay);
  await closed;
  await throws(/cannot be used: it was closed/, () => alice.sealAsk(bob.node, 1, null));
  await alice.close();
});

test('octets and messages are counted', async () => {
  const [alice, bob] = await pair();
  const before = [alice.stats(), bob.stats()] as const;
  const sent = await alice.sealAsk(bob.node, 1, null);
  await bob.openAsk(alice.node, sent.body);
  assert.is(alice.stats().sealed, before[0].sealed + 1);
  assert.is(alice.stats().octetsOut, before[0].octetsOut + sent.body.length);
  assert.is(bob.stats().opened, before[1].opened + 1);
  assert.is(bob.stats().octetsIn, before[1].octetsIn + sent.body.length);
});

/** Two members that have spoken with each other. */
async function pair(): Promise<[alice: Channel, bob: Channel]> {
  const [alice, bob] = pairOfStrangers();
  alice.heardBoot(bob.node, bob.boot);
  await exchange(alice, bob);
  return [alice, bob];
}

function pairOfStrangers(): [alice: Channel, bob: Channel] {
  const [alice, bob, eve] = [ALICE.descriptor, BOB.descriptor, EVE.descriptor];
  return [channelOf(ALICE, [bob, eve]), channelOf(BOB, [alice, eve])];
}

function channelOf(keys: NodeKeys, members: readonly NodeDescriptor[]): Channel {
  const options = { keys, clusterSecret: SECRET, nowMs: () => nowMs, limits: LIMITS };
  const channel = openChannel(options);
  opened.push(channel);
  assert.equal(channel.members(members, []), []);
  return channel;
}

async function exchange(asker: Channel, answerer: Channel): Promise<void> {
  const sent = await asker.sealAsk(answerer.node, 'ask', null);
  const asked: Asked = await answerer.openAsk(asker.node, sent.body);
  const body = await answerer.sealAnswer(asked, 'page');
  assert.is(await asker.openAnswer(sent, answerer.node, body), 'page');
}

async function callFast(asker: Channel, answerer: Channel): Promise<void> {
  const sent = await asker.sealFast(answerer.node, CALL);
  const asked: FastAsked = await answerer.openFast(asker.node, sent.body);
  const body = await answerer.sealFastAnswer(asked, 'spent');
  assert.is(await asker.openFastAnswer(sent, answerer.node, body), 'spent');
}

async function refused(name: RefusalName, work: () => Promise<unknown>): Promise<void> {
  await refusedAny([name], work);
}

async function refusedAny(names: RefusalName[], work: () => Promise<unknown>): Promise<void> {
  const outcome = await work().catch((error: unknown) => error);
  if (!(outcome instanceof ChannelRefusal)) throw new Error(`not ${names}: ${String(outcome)}`);
  assert.ok(names.includes(outcome.refusal), `${names}, not ${outcome.message}`);
}

async function throws(pattern: RegExp, work: () => Promise<unknown>): Promise<void> {
  const outcome = await work().then(
    () => 'nothing',
    (error: Error) => error.message,
  );
  assert.match(outcome, pattern);
}

test.run();
