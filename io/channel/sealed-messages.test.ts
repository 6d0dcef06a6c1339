import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { concatBytes, fromBase64Url, toBase64Url } from '../../core/bytes.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { encode } from '../../core/codec.ts';
import { AUTH_ENVELOPED_DATA, envelop } from './auth-enveloped-data.ts';
import type { ChannelLimits } from './channel.ts';
import { packPlain, packText, unpack } from './content.ts';
import { keyIdentifier, ML_KEM_768 } from './kem.ts';
import { readNodeCertificate } from './node-certificate.ts';
import { makeNodeKeys, type NodeKeys, rotateKemKey, signingKeyOf } from './node-keys.ts';
import { ChannelRefusal, REFUSAL_NAMES, REFUSALS, type RefusalName } from './refusal.ts';
import { bodyHash, type Expected, type Outgoing, SealedMessages } from './sealed-messages.ts';
import { readSigned, signContent } from './signed-data.ts';

const NOW = Date.UTC(2026, 0, 1);
const LIMITS: ChannelLimits = {
  skewToleranceMs: 30_000,
  maxAgeMs: 20_000,
  sealedOctets: 100_000,
  inflatedOctets: 50_000,
};
const [ALICE, BOB, EVE] = ['alice', 'bob', 'eve'].map((name) => {
  return makeNodeKeys(`http://${name}.test`, NOW);
}) as [NodeKeys, NodeKeys, NodeKeys];
const [A_BOOT, B_BOOT] = [bootId(), bootId()];
const FAST_KEY = toBase64Url(randomBytes(32));
const FROM_ALICE: Expected = { kind: 'ask', from: ALICE.descriptor.node, inAnswerTo: '' };
const TO_BOB: Outgoing = {
  kind: 'ask',
  to: BOB.descriptor.node,
  toBoot: B_BOOT,
  inAnswerTo: '',
  fastKey: FAST_KEY,
};

test('an unknown sender is refused before anything of the message is read', () => {
  const bob = nodeOf(BOB, B_BOOT, [EVE.descriptor]);
  refused('sender', () => bob.open(FROM_ALICE, new Uint8Array(LIMITS.sealedOctets + 1), NOW));
});

test('a body that is too long is refused before it is hashed', () => {
  refused('size', () => bob().open(FROM_ALICE, new Uint8Array(LIMITS.sealedOctets + 1), NOW));
});

test('a message that somebody else has signed is refused', () => {
  const body = nodeOf(EVE, A_BOOT, [BOB.descriptor]).seal(TO_BOB, '1', NOW);
  refused('signature', () => bob().open(FROM_ALICE, body, NOW));
});

test("another member's envelope, signed anew, is refused", () => {
  const enveloped = readSigned(AUTH_ENVELOPED_DATA, alice().seal(TO_BOB, '1', NOW)).content;
  const stolen = signContent(signerOf(EVE), AUTH_ENVELOPED_DATA, enveloped);
  refused('signature', () => bob().open({ ...FROM_ALICE, from: EVE.descriptor.node }, stolen, NOW));
});

test('a message made for another KEM key is refused', () => {
  const lying = { ...BOB.descriptor, kem: EVE.descriptor.kem };
  const body = nodeOf(ALICE, A_BOOT, [lying]).seal(TO_BOB, '1', NOW);
  refused('decryption', () => bob().open(FROM_ALICE, body, NOW));
});

test('a message wrong in many ways is refused for the first of them in the order of checks', () => {
  const wrong = { to: EVE.descriptor.node, toBoot: bootId(), kind: 'answer' } as const;
  const steps: [RefusalName, Partial<Outgoing>, number][] = [
    ['recipient', wrong, NOW - 60_000],
    ['boot', { ...wrong, to: TO_BOB.to }, NOW - 60_000],
    ['freshness', { kind: 'answer' }, NOW - 60_000],
    ['unbound', { kind: 'answer' }, NOW],
    ['size', {}, NOW],
  ];
  const huge = 'x'.repeat(LIMITS.inflatedOctets + 1);
  for (const [name, change, issueMs] of steps) {
    const outgoing = { ...TO_BOB, ...change };
    // Whoever it is said to be for, Bob can decrypt it.
    const sender = nodeOf(ALICE, A_BOOT, [{ ...BOB.descriptor, node: outgoing.to }]);
    const body = sender.seal(outgoing, huge, issueMs);
    refused(name, () => bob().open(FROM_ALICE, body, NOW));
  }
});

test('messages from the future and from long ago are refused, at the bounds they are not', () => {
  const opens = (issueMs: number): unknown =>
    bob().open(FROM_ALICE, alice().seal(TO_BOB, '1', issueMs), NOW).content;
  assert.is(opens(NOW + 30_000), '1');
  assert.is(opens(NOW - 20_000), '1');
  refused('freshness', () => opens(NOW + 30_001));
  refused('freshness', () => opens(NOW - 20_001));
});

test('a message is taken once', () => {
  const [sender, receiver] = [alice(), bob()];
  const [first, second] = [sender.seal(TO_BOB, '1', NOW), sender.seal(TO_BOB, '2', NOW)];
  assert.is(receiver.open(FROM_ALICE, second, NOW).content, '2');
  assert.is(receiver.open(FROM_ALICE, first, NOW).content, '1');
  refused('replay', () => receiver.open(FROM_ALICE, first, NOW));
  refused('replay', () => receiver.open(FROM_ALICE, second, NOW));
});

test('a recorded message is refused after the receiver has started anew', () => {
  const body = alice().seal(TO_BOB, '1', NOW);
  const restarted = nodeOf(BOB, bootId(), [ALICE.descriptor]);
  refused('boot', () => restarted.open(FROM_ALICE, body, NOW));
});

test('a recorded message is refused after the sender has started anew', () => {
  const receiver = bob();
  const old = alice().seal(TO_BOB, '1', NOW);
  receiver.open(FROM_ALICE, old, NOW);
  const renewed = nodeOf(ALICE, bootId(), [BOB.descriptor]).seal(TO_BOB, '2', NOW);
  assert.is(receiver.open(FROM_ALICE, renewed, NOW).content, '2');
  refused('replay', () => receiver.open(FROM_ALICE, old, NOW));
});

test('a message that is refused for its content counts as received', () => {
  const receiver = bob();
  const body = alice().seal(TO_BOB, 'x'.repeat(LIMITS.inflatedOctets + 1), NOW);
  refused('size', () => receiver.open(FROM_ALICE, body, NOW));
  refused('replay', () => receiver.open(FROM_ALICE, body, NOW));
});

test('an answer to another request is refused', () => {
  const hashes = [bodyHash(Buffer.of(1)), bodyHash(Buffer.of(2))] as const;
  const answer = { ...TO_BOB, kind: 'answer', inAnswerTo: hashes[0] } as const;
  const expected = { ...FROM_ALICE, kind: 'answer', inAnswerTo: hashes[1] } as const;
  refused('unbound', () => bob().open(expected, alice().seal(answer, '1', NOW), NOW));
  const right = { ...expected, inAnswerTo: hashes[0] };
  assert.is(bob().open(right, alice().seal(answer, '1', NOW), NOW).content, '1');
});

test('authentic nonsense is refused', () => {
  const insides = [
    new Uint8Array(),
    Buffer.of(0),
    Buffer.of(255, 255, 1),
    Buffer.of(0, 1, 0xf6),
    concatBytes(Buffer.of(0, 2), encode({ a: 1 }).subarray(0, 2)),
  ];
  for (const inside of insides) {
    const enveloped = envelop(ML_KEM_768, recipientOf(BOB), inside);
    const body = signContent(signerOf(ALICE), AUTH_ENVELOPED_DATA, enveloped);
    refused('decoding', () => bob().open(FROM_ALICE, body, NOW));
  }
});

test('what was sealed to the KEM key before the last still opens, and one before that does not', () => {
  const once = rotateKemKey(BOB, NOW);
  const body = (): Uint8Array => alice().seal(TO_BOB, '1', NOW);
  assert.is(nodeOf(once, B_BOOT, [ALICE.descriptor]).open(FROM_ALICE, body(), NOW).content, '1');
  const twice = nodeOf(rotateKemKey(once, NOW), B_BOOT, [ALICE.descriptor]);
  refused('decryption', () => twice.open(FROM_ALICE, body(), NOW));
});

test('a sender that has renewed its descriptor is known by its key', () => {
  const renewed = nodeOf(rotateKemKey(ALICE, NOW), A_BOOT, [BOB.descriptor]);
  assert.is(bob().open(FROM_ALICE, renewed.seal(TO_BOB, '1', NOW), NOW).content, '1');
});

test('there is nothing to seal for a node that is no member', () => {
  refused('no-kem-key', () => nodeOf(ALICE, A_BOOT, []).seal(TO_BOB, '1', NOW));
  const removing = alice();
  removing.members([BOB.descriptor], [BOB.descriptor.node]);
  refused('no-kem-key', () => removing.seal(TO_BOB, '1', NOW));
});

test('what the recipient would find too large is not sent', () => {
  const noise = randomBytes(LIMITS.sealedOctets).toString('base64');
  refused('size', () => alice().seal(TO_BOB, noise, NOW));
});

test('packed content that is changed, cut or inflated beyond its length is refused', () => {
  const json = { records: Array.from({ length: 100 }, (_, id) => ({ id, kind: 'order' })) };
  const packed = packText(JSON.stringify(json));
  assert.equal(unpack(packed, 100_000), json);
  refused('size', () => unpack(packed, 100));
  for (const change of [-1, 1, 1000, -1000]) {
    const lying = packed.slice();
    const view = new DataView(lying.buffer);
    view.setUint32(1, view.getUint32(1) + change);
    refused('decoding', () => unpack(lying, 100_000));
  }
  for (let end = 0; end < packed.length; end++) {
    refused('decoding', () => unpack(packed.subarray(0, end), 100_000));
  }
  refused('decoding', () => unpack(Uint8Array.of(2, ...packed.subarray(1)), 100_000));
});

test('packed content that is no JSON, no UTF-8 or nested beyond the bound is refused', () => {
  const plain = (...octets: number[]): Uint8Array =>
    Uint8Array.of(0, 0, 0, 0, octets.length, ...octets);
  const texts = ['', '{', 'nul', '[1,]', '"\u0001"', '['.repeat(41) + ']'.repeat(41)];
  for (const text of texts) refused('decoding', () => unpack(packText(text), 100_000));
  refused('decoding', () => unpack(plain(0x22, 0xff, 0x22), 100_000));
  refused('decoding', () => unpack(plain(0x22, 0xed, 0xa0, 0x80, 0x22), 100_000));
  const deep = `${'{"a":['.repeat(50_000)}${']}'.repeat(50_000)}`;
  refused('decoding', () => unpack(packText(deep), 1_000_000));
  const [brackets, escaped] = ['['.repeat(50), '"['.repeat(50)];
  for (const json of [brackets, escaped, [[brackets]], { [escaped]: '\\' }]) {
    const text = JSON.stringify(json);
    for (const packed of [packText(text), packPlain(text)]) {
      assert.equal(unpack(packed, 100_000), json);
    }
  }
});

test('any JSON that peers can have comes out as it went in', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value);
      for (const packed of [packText(text), packPlain(text)]) {
        assert.equal(unpack(packed, 1_000_000), JSON.parse(text));
      }
    }),
    { numRuns: 200 },
  );
});

test('every refusal has a status and words of its own', () => {
  const rows = REFUSAL_NAMES.map((name) => REFUSALS[name]);
  assert.is(new Set(rows.map(({ status }) => status)).size, rows.length);
  assert.is(new Set(rows.map(({ line }) => line)).size, rows.length);
  for (const { status } of rows) assert.ok(status >= 400 && status < 600);
  assert.is(REFUSALS['no-kem-key'].line, 'gossip: no KEM key for peer, skipping');
});

function alice(): SealedMessages {
  return nodeOf(ALICE, A_BOOT, [BOB.descriptor]);
}

function bob(): SealedMessages {
  return nodeOf(BOB, B_BOOT, [ALICE.descriptor, EVE.descriptor]);
}

function nodeOf(keys: NodeKeys, boot: string, members: readonly NodeDescriptor[]): SealedMessages {
  const messages = new SealedMessages(keys, boot, LIMITS);
  messages.members(members, []);
  return messages;
}

function signerOf(keys: NodeKeys): Parameters<typeof signContent>[0] {
  const certificate = fromBase64Url(keys.descriptor.certificate)!;
  return { key: signingKeyOf(keys), certificate, keyId: readNodeCertificate(certificate).keyId };
}

function recipientOf({ descriptor }: NodeKeys): Parameters<typeof envelop>[1] {
  const publicKey = fromBase64Url(descriptor.kem)!;
  return { keyId: keyIdentifier(publicKey), publicKey };
}

function bootId(): string {
  return toBase64Url(randomBytes(16));
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
