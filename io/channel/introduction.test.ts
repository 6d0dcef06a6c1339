import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toUtf8 } from '../../core/bytes.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { Channel } from './channel.ts';
import { MAX_INTRODUCTION_OCTETS } from './introduction.ts';
import { makeNodeKeys, type NodeKeys, rotateKemKey } from './node-keys.ts';
import { openChannel } from './open-channel.ts';
import { ChannelRefusal, type RefusalName } from './refusal.ts';

const NOW = Date.UTC(2026, 0, 1);
const SECRET = new Uint8Array(randomBytes(32));
const [ALICE, BOB] = ['alice', 'bob'].map((name) => {
  return makeNodeKeys(`http://${name}.test`, NOW);
}) as [NodeKeys, NodeKeys];

const opened: Channel[] = [];
const test = suite('introductions');
test.after.each(async () => {
  await Promise.all(opened.splice(0).map((channel) => channel.close()));
});

test('a node without the CA key is not introduced, nor believed', () => {
  const [alice, bob] = [channelOf(ALICE, new Uint8Array(32)), channelOf(BOB)];
  refused('identity', () => bob.answerIntroduction(alice.introduce('').body));
  const stranger = channelOf(BOB, new Uint8Array(32));
  const { body } = stranger.answerIntroduction(alice.introduce('').body);
  const member = channelOf(ALICE);
  const question = member.introduce('');
  refused('identity', () => member.concludeIntroduction(question, body));
});

test('an introduction in which any octet is changed, or which is cut, is refused', () => {
  const [alice, bob] = [channelOf(ALICE), channelOf(BOB)];
  const { body } = alice.introduce('');
  for (let i = 0; i < body.length; i += 7) {
    const changed = body.slice();
    changed[i]! ^= 1;
    refused('identity', () => bob.answerIntroduction(changed));
    refused('identity', () => bob.answerIntroduction(body.subarray(0, i)));
  }
});

test('bodies that are too large, deeply nested, or of other JSON are refused', () => {
  const bob = channelOf(BOB);
  refused('size', () => bob.answerIntroduction(new Uint8Array(MAX_INTRODUCTION_OCTETS + 1)));
  for (const text of ['', 'null', '[]', '{}', '"x"', '['.repeat(8_000), '\ufffd']) {
    refused('identity', () => bob.answerIntroduction(toUtf8(text)));
  }
  const nested = `${'['.repeat(3_900)}${']'.repeat(3_900)}`;
  const challenge = 'A'.repeat(43);
  const body = `{"version":1,"challenge":"${challenge}","mac":"AA","descriptor":${nested}}`;
  refused('identity', () => bob.answerIntroduction(toUtf8(body)));
});

test('a holder of the CA key cannot speak for another node', () => {
  const lying = { ...BOB, descriptor: { ...ALICE.descriptor, url: 'http://eve.test' } };
  const eve = channelOf(lying);
  refused('identity', () => channelOf(BOB).answerIntroduction(eve.introduce('').body));
  const kem = { ...BOB, descriptor: { ...ALICE.descriptor, kem: BOB.descriptor.kem } };
  refused('identity', () => channelOf(BOB).answerIntroduction(channelOf(kem).introduce('').body));
});

test('an answer to another introduction, or to none, is refused', () => {
  const [alice, bob] = [channelOf(ALICE), channelOf(BOB)];
  const [first, second] = [alice.introduce(''), alice.introduce('')];
  const { body } = bob.answerIntroduction(first.body);
  refused('unbound', () => alice.concludeIntroduction(second, body));
  // A request is no answer, though it is authentic.
  refused('identity', () => alice.concludeIntroduction(first, first.body));
  assert.equal(alice.concludeIntroduction(first, body), BOB.descriptor);
  refused('unbound', () => alice.concludeIntroduction(first, body));
});

test('a request that is sent again pins nothing older than what is known', () => {
  const bob = channelOf(BOB);
  const old = channelOf(ALICE).introduce('').body;
  const renewed = rotateKemKey(ALICE, NOW);
  // Known only by the old request, the node is who it was: harmless, and replaced by what follows.
  assert.equal(bob.answerIntroduction(old).descriptor, ALICE.descriptor);
  bob.members([renewed.descriptor], []);
  assert.ok(bob.answerIntroduction(old).isOutdated);
  assert.equal(
    bob.answerIntroduction(channelOf(renewed).introduce('').body).descriptor,
    renewed.descriptor,
  );
});

test('two holders of the CA key know each other after one round trip', () => {
  const [alice, bob] = [channelOf(ALICE), channelOf(BOB)];
  const question = alice.introduce('');
  const { descriptor, body } = bob.answerIntroduction(question.body);
  assert.equal(descriptor, ALICE.descriptor);
  const answered: NodeDescriptor = alice.concludeIntroduction(question, body);
  assert.equal(answered, BOB.descriptor);
});

test('a node with keys of long ago is shown the later ones, whoever calls, and nobody else is', () => {
  const renewed = rotateKemKey(ALICE, NOW);
  const bob = channelOf(BOB);
  bob.members([renewed.descriptor], []);
  const shown: NodeDescriptor[] = [];
  const restored = channelOf(ALICE, SECRET, (later) => shown.push(later));
  const question = restored.introduce('');
  const { body } = bob.answerIntroduction(question.body);
  restored.concludeIntroduction(question, body);
  assert.equal(shown, [renewed.descriptor]);
  restored.answerIntroduction(bob.introduce(renewed.descriptor.url).body);
  assert.is(shown.length, 2);
  // The URL that others call it at need not be the one it says: it is found there by its answer.
  const call = bob.introduce('http://alias.test');
  const answer = restored.answerIntroduction(call.body).body;
  assert.is(shown.length, 2);
  refused('identity', () => bob.concludeIntroduction(call, answer));
  restored.answerIntroduction(bob.introduce('http://alias.test').body);
  assert.is(shown.length, 3);
  // A copy of it has nothing to tell.
  restored.answerIntroduction(channelOf(renewed).introduce('').body);
  assert.is(shown.length, 3);
  // Somebody else at that URL, or the same descriptor: nothing to say.
  const silent = (): void => assert.unreachable();
  channelOf(BOB, SECRET, silent).answerIntroduction(bob.introduce(renewed.descriptor.url).body);
  const alice = channelOf(renewed, SECRET, silent);
  const again = alice.introduce('');
  alice.concludeIntroduction(again, bob.answerIntroduction(again.body).body);
  alice.answerIntroduction(bob.introduce(renewed.descriptor.url).body);
});

function channelOf(
  keys: NodeKeys,
  clusterSecret: Uint8Array = SECRET,
  outdated: (later: NodeDescriptor) => void = () => {},
): Channel {
  const limits = { skewToleranceMs: 1, maxAgeMs: 1, sealedOctets: 9_999, inflatedOctets: 9_999 };
  const channel = openChannel({ keys, clusterSecret, nowMs: () => NOW, limits, outdated });
  opened.push(channel);
  return channel;
}

function refused(name: RefusalName, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ChannelRefusal)) throw error;
    assert.is(error.refusal, name, error.message);
    return;
  }
  assert.unreachable(`this was not refused with ${name}`);
}

test.run();
