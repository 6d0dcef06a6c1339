import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rotateKemKey } from './node-keys.ts';
import {
  ALICE,
  BOB,
  CALL,
  callFast,
  channelOf,
  EVE,
  end,
  exchange,
  NOW,
  pair,
  pairOfStrangers,
  refused,
  STRANGER,
  throws,
} from './testing/pair.ts';

const PAGE = {
  records: Array.from({ length: 2_000 }, (_, i) => ({ id: `r${i}`, note: 'x'.repeat(i % 50) })),
};

const test = suite('the channel');
test.after.each(end);

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

test('a removed member that is told so may answer, and say nothing else', async () => {
  const [alice, bob] = await pair();
  await exchange(bob, alice);
  const [ask, call] = [
    await bob.sealAsk(alice.node, 1, null),
    await bob.sealFast(alice.node, CALL),
  ];
  alice.members([BOB.descriptor], [], [bob.node]);
  await refused('removed', () => alice.openAsk(bob.node, ask.body));
  await refused('removed', () => alice.openFast(bob.node, call.body));
  await refused('no-fast-key', () => alice.sealFast(bob.node, CALL));
  await exchange(alice, bob);
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

test('a peer that has replaced its KEM key is reached with either', async () => {
  const renewed = rotateKemKey(BOB, NOW);
  const [alice, bob] = [channelOf(ALICE, [BOB.descriptor]), channelOf(renewed, [ALICE.descriptor])];
  alice.heardBoot(bob.node, bob.boot);
  await exchange(alice, bob);
  alice.members([renewed.descriptor], []);
  await exchange(alice, bob);
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

test.run();
