import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ml_kem512 } from '@noble/post-quantum/ml-kem.js';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromBase64Url, toHex, toUtf8 } from '../../core/bytes.ts';
import { encode, sequence, setOf, TAG } from '../../core/der.ts';
import { DerReader, readDer } from '../../core/der-reader.ts';
import {
  AUTH_ENVELOPED_DATA,
  envelop,
  kemOtherInfo,
  keyEncryptionKey,
  openEnvelope,
} from './auth-enveloped-data.ts';
import { type KemSuite, keyIdentifier, ML_KEM_768 } from './kem.ts';
import { publicKeyOf, readNodeCertificate } from './node-certificate.ts';
import { makeNodeKeys, type NodeKeys, signingKeyOf } from './node-keys.ts';
import { readSigned, signContent, verifySigned } from './signed-data.ts';

/** The parameter set of the published example; the channel itself has ML-KEM-768 only. */
const ML_KEM_512: KemSuite = {
  kem: ml_kem512,
  kemOid: '2.16.840.1.101.3.4.4.1',
  ciphertextOctets: 768,
  keyOctets: 16,
  wrapOid: '2.16.840.1.101.3.4.1.5',
  wrapCipher: 'id-aes128-wrap',
  contentOid: '2.16.840.1.101.3.4.1.6',
  contentCipher: 'aes-128-gcm',
};

const ALICE = makeNodeKeys('http://alice.test', Date.UTC(2026, 0, 1));
const BOB = makeNodeKeys('http://bob.test', Date.UTC(2026, 0, 1));

test('RFC 9936 Appendix C: a message with any octet changed does not open', () => {
  const [der, key] = example();
  for (let i = 0; i < der.length; i++) {
    const changed = der.slice();
    changed[i]! ^= 1;
    assert.throws(() => openEnvelope(ML_KEM_512, [key], changed), undefined, `octet ${i}`);
  }
});

test('RFC 9936 Appendix C: the published message opens, by the published values', () => {
  const [der, key] = example();
  assert.is(text(openEnvelope(ML_KEM_512, [key], der)), vector('plaintext.txt'));
  assert.is(toHex(kemOtherInfo(ML_KEM_512)).toUpperCase(), vector('ori_info.txt'));
  const sharedSecret = Buffer.from(vector('shared_secret.txt'), 'hex');
  const kek = keyEncryptionKey(ML_KEM_512, sharedSecret);
  assert.is(toHex(kek).toUpperCase(), vector('kek.txt'));
});

test('an envelope for another recipient does not open', () => {
  const sealed = envelop(ML_KEM_768, recipient(ALICE), toUtf8('hello'));
  assert.throws(() => openEnvelope(ML_KEM_768, [privateKey(BOB)], sealed), /another KEM key/);
  const disguised = { ...privateKey(BOB), keyId: recipient(ALICE).keyId };
  assert.throws(() => openEnvelope(ML_KEM_768, [disguised], sealed));
});

test('an envelope opens with the earlier of two keys', () => {
  const sealed = envelop(ML_KEM_768, recipient(ALICE), toUtf8('hello'));
  const keys = [privateKey(BOB), privateKey(ALICE)];
  assert.is(text(openEnvelope(ML_KEM_768, keys, sealed)), 'hello');
});

test('a signed message that is changed, cut or extended anywhere is refused', () => {
  const der = message(toUtf8('hello'));
  const opens = (bytes: Uint8Array): boolean => {
    try {
      return text(open(bytes)) === 'hello';
    } catch {
      return false;
    }
  };
  assert.ok(opens(der));
  const mutation = fc.oneof(
    fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
      const changed = der.slice();
      changed[at]! ^= mask;
      return changed;
    }),
    fc.nat(der.length - 1).map((end) => der.slice(0, end)),
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((tail) => Buffer.concat([der, tail])),
    fc
      .tuple(fc.nat(der.length), fc.uint8Array({ minLength: 1, maxLength: 4 }))
      .map(([at, more]) => Buffer.concat([der.slice(0, at), more, der.slice(at)])),
    fc
      .tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 9 }))
      .map(([at, less]) => Buffer.concat([der.slice(0, at), der.slice(at + less)])),
  );
  fc.assert(
    fc.property(mutation, (bytes) => !opens(bytes)),
    { numRuns: 1_500 },
  );
});

test('the same message in BER with an indefinite length is refused', () => {
  const der = message(toUtf8('hello'));
  const { content } = readDer(der, TAG.sequence, 'it');
  const ber = Buffer.concat([Buffer.of(0x30, 0x80), content, Buffer.of(0, 0)]);
  assert.throws(() => open(ber), /indefinite length/);
});

test('a certificate of another key, put in the place of the right one, is seen', () => {
  const der = message(toUtf8('hello'));
  const swapped = swap(der, certificateOf(ALICE), certificateOf(BOB));
  const parts = readSigned(AUTH_ENVELOPED_DATA, swapped);
  assert.equal(parts.certificate, certificateOf(BOB));
  const key = publicKeyOf(readNodeCertificate(parts.certificate).spki);
  assert.not(verifySigned(AUTH_ENVELOPED_DATA, parts, key));
});

test('content of another type is refused though the octets are signed', () => {
  const der = signContent(signer(ALICE), '1.2.3.4', toUtf8('hello'));
  assert.throws(() => readSigned(AUTH_ENVELOPED_DATA, der), /not the one encoding/);
});

test('openssl takes our SignedData apart and verifies it', () => {
  if (!hasOpenssl()) {
    console.log(`  (left out: there is no openssl here)`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'akamu-cms-'));
  try {
    const file = join(folder, 'message.der');
    const content = envelop(ML_KEM_768, recipient(BOB), toUtf8('hello'));
    writeFileSync(file, signContent(signer(ALICE), AUTH_ENVELOPED_DATA, content));
    const input = ['-inform', 'DER', '-in', file];
    const printed = openssl('cms', '-cmsout', '-print', ...input).toString();
    assert.match(printed, /pkcs7-signedData \(1\.2\.840\.113549\.1\.7\.2\)/);
    assert.match(printed, /ecdsa-with-SHA256/);
    assert.match(printed, /http:\/\/alice\.test|X509v3 Subject Alternative Name/);
    const verified = openssl('cms', '-verify', '-noverify', '-binary', ...input);
    assert.equal(new Uint8Array(verified), content);
    const inner = join(folder, 'envelope.der');
    writeFileSync(inner, content);
    const parsed = openssl('asn1parse', '-inform', 'DER', '-in', inner).toString();
    assert.match(parsed, /1\.2\.840\.113549\.1\.9\.16\.13\.3/, 'id-ori-kem');
    assert.match(parsed, /aes-256-gcm/);
    const certificate = join(folder, 'node.der');
    writeFileSync(certificate, certificateOf(ALICE));
    const shown = openssl('x509', '-inform', 'DER', '-in', certificate, '-noout', '-text');
    assert.match(shown.toString(), /URI:http:\/\/alice\.test, URI:ni:\/\/\/sha-256;/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('lengths of every size survive', () => {
  for (const size of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1_000_000]) {
    const content = new Uint8Array(size).fill(7);
    const digest = (octets: Uint8Array): string =>
      createHash('sha256').update(octets).digest('hex');
    assert.is(digest(open(message(content))), digest(content), `${size}`);
  }
});

function message(content: Uint8Array): Uint8Array {
  const enveloped = envelop(ML_KEM_768, recipient(BOB), content);
  return signContent(signer(ALICE), AUTH_ENVELOPED_DATA, enveloped);
}

/** As the channel does it: by the pinned key, and with the pinned certificate. */
function open(der: Uint8Array): Uint8Array {
  const parts = readSigned(AUTH_ENVELOPED_DATA, der);
  const { spki, keyId } = readNodeCertificate(certificateOf(ALICE));
  assert.equal(parts.certificate, certificateOf(ALICE));
  assert.equal(new Uint8Array(parts.keyId), keyId);
  assert.ok(verifySigned(AUTH_ENVELOPED_DATA, parts, publicKeyOf(spki)));
  return openEnvelope(ML_KEM_768, [privateKey(BOB)], parts.content);
}

function signer(keys: NodeKeys): Parameters<typeof signContent>[0] {
  const certificate = certificateOf(keys);
  return { key: signingKeyOf(keys), certificate, keyId: readNodeCertificate(certificate).keyId };
}

function certificateOf({ descriptor }: NodeKeys): Uint8Array {
  return fromBase64Url(descriptor.certificate)!;
}

function recipient({ descriptor }: NodeKeys): Parameters<typeof envelop>[1] {
  const publicKey = fromBase64Url(descriptor.kem)!;
  return { keyId: keyIdentifier(publicKey), publicKey };
}

function privateKey({ kemSeeds }: NodeKeys): { keyId: Uint8Array; secretKey: Uint8Array } {
  const { publicKey, secretKey } = ML_KEM_768.kem.keygen(kemSeeds[0]!);
  return { keyId: keyIdentifier(publicKey), secretKey };
}

/** The published ContentInfo, as what it contains, and the key that opens it. */
function example(): [der: Uint8Array, key: { keyId: Uint8Array; secretKey: Uint8Array }] {
  const base64 = vector('ML-KEM-512.cms').replace(/-----[^-]+-----|\s/g, '');
  const info = new DerReader(
    readDer(Buffer.from(base64, 'base64'), TAG.sequence, 'it').content,
    '',
  );
  info.next(TAG.objectIdentifier, 'its type');
  const { secretKey } = ml_kem512.keygen(Buffer.from(vector('ML-KEM-512.seed.hex'), 'hex'));
  const keyId = Buffer.from(vector('ML-KEM-512.keyid'), 'hex');
  return [new Uint8Array(info.next(0xa0, 'the content').content), { keyId, secretKey }];
}

/** The message with one element exchanged for another of any length, all lengths put right. */
function swap(der: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  if (Buffer.compare(der, from) === 0) return to;
  const tag = der[0]!;
  if ((tag & 0x20) === 0) return der;
  const reader = new DerReader(readDer(der, tag, 'it').content, 'it');
  const children: Uint8Array[] = [];
  while (!reader.done) children.push(swap(reader.any('a child').bytes, from, to));
  if (tag === TAG.sequence) return sequence(...children);
  return tag === TAG.set ? setOf(...children) : encode(tag, ...children);
}

function vector(name: string): string {
  const file = new URL(`../../../io/channel/testdata/rfc9936/${name}`, import.meta.url);
  return readFileSync(file, 'utf8').trim();
}

function text(octets: Uint8Array): string {
  return Buffer.from(octets).toString();
}

function openssl(...args: string[]): Buffer {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

function hasOpenssl(): boolean {
  try {
    return openssl('version').length > 0;
  } catch {
    return false;
  }
}

test.run();
