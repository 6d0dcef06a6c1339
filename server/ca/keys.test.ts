// Tests of CA keys: every type is made, stored, read back and signs; every refusal is reached.

import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contextTag, encode, integer, octetString, sequence } from '../../core/der.ts';
import { CA_KEY_TYPES, type CaKey, deriveSecret, generateCaKey, readCaKey } from './keys.ts';
import { mlDsaKeyOfSeed, mlDsaSpki, readMlDsaKey, writeMlDsaKey } from './ml-dsa-key.ts';
import { fromPem, toPem } from './pem.ts';
import { keyAlgorithm } from './public-key.ts';

/** A deterministic stand-in for the system's generator. */
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i + 7);
const RFC_SEED = Uint8Array.from({ length: 32 }, (_, index) => index);

function read(pem: string): CaKey {
  const reading = readCaKey(pem);
  assert.ok(reading.ok, reading.ok ? '' : reading.reason);
  return reading.value;
}

function refuses(pem: string, pattern: RegExp): void {
  const reading = readCaKey(pem);
  assert.match(reading.ok ? 'accepted' : reading.reason, pattern);
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

test('a file without a private key is refused', () => {
  refuses('', /no PEM block "PRIVATE KEY"/);
  refuses(toPem('CERTIFICATE', Uint8Array.of(5, 0)), /no PEM block "PRIVATE KEY"/);
});

test('an encrypted key is refused with the command that decrypts it', () => {
  const options = { cipher: 'aes-256-cbc', passphrase: 'secret', format: 'pem' } as const;
  refuses(ec.export({ type: 'pkcs8', ...options }) as string, /encrypted.*openssl pkey/);
  refuses(ec.export({ type: 'sec1', ...options }) as string, /encrypted.*openssl pkey/);
});

test('a key file with broken content is refused', () => {
  refuses('-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n', /does not hold base64/);
  refuses(toPem('EC PRIVATE KEY', Uint8Array.of(5, 0)), /does not hold a private key/);
  refuses(toPem('PRIVATE KEY', Uint8Array.of(5, 0)), /not valid DER/);
});

test('keys of other types are refused by name', () => {
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey;
  refuses(
    curve.export({ type: 'pkcs8', format: 'pem' }) as string,
    /cannot be of type ec:secp521r1/,
  );
  const edwards = generateKeyPairSync('ed448').privateKey;
  refuses(edwards.export({ type: 'pkcs8', format: 'pem' }) as string, /cannot be of type ed448/);
});

test('a CA key that is published is refused', () => {
  const pem = toPem('PRIVATE KEY', writeMlDsaKey(mlDsaKeyOfSeed('ml-dsa-44', RFC_SEED)));
  refuses(pem, /published in RFC 9881/);
});

test('RFC 9881 §8.2: a seed beside the expanded key of another seed is refused', () => {
  const other = mlDsaKeyOfSeed('ml-dsa-44', counting(32));
  const both = sequence(octetString(RFC_SEED), octetString(other.expanded));
  refuses(mlDsaPem(both), /do not belong together/);
});

test('ML-DSA seeds and expanded keys of other lengths are refused', () => {
  refuses(mlDsaPem(encode(contextTag(0, 'primitive'), new Uint8Array(31))), /seed has 31 octets/);
  refuses(mlDsaPem(octetString(new Uint8Array(2559))), /has 2559 octets, not 2560/);
});

for (const type of CA_KEY_TYPES.filter((name) => name !== 'rsa:4096' && name !== 'rsa:3072')) {
  test(`a ${type} key is made, stored and read back`, () => {
    const key = generateCaKey(type, counting);
    assert.is(key.type, type);
    const again = read(key.toPem());
    assert.is(again.type, type);
    assert.equal(again.publicKey.spki, key.publicKey.spki);
    assert.equal(again.secretBytes(), key.secretBytes());
    assert.is(fromPem(key.toPem())[0]!.label, 'PRIVATE KEY');
  });

  test(`a ${type} key signs what it verifies, and nothing else`, () => {
    const key = generateCaKey(type, counting);
    const message = new TextEncoder().encode('message');
    const signature = key.sign(message);
    assert.ok(key.verify(message, signature));
    assert.not.ok(key.verify(new TextEncoder().encode('massage'), signature));
    assert.not.ok(key.verify(message, signature.subarray(1)));
    const again = key.sign(message);
    assert.is(Buffer.compare(again, signature) === 0, !type.startsWith('ec:'));
  });
}

test('EC and RSA keys are read in all their PEM forms', () => {
  const parameters =
    '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  const sec1 = parameters + ec.export({ type: 'sec1', format: 'pem' });
  assert.is(read(sec1).type, 'ec:P-256');
  assert.equal(
    read(sec1).secretBytes(),
    read(ec.export({ type: 'pkcs8', format: 'pem' }) as string).secretBytes(),
  );
  assert.is(read(rsa.export({ type: 'pkcs1', format: 'pem' }) as string).type, 'rsa:2048');
});

test('RFC 9881 §C.1: the example keys are read and written to the letter', () => {
  const seedOnly = 'MDQCAQAwCwYJYIZIAWUDBAMRBCKAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';
  const key = readMlDsaKey(Buffer.from(seedOnly, 'base64'))!;
  assert.is(Buffer.from(writeMlDsaKey(key)).toString('base64'), seedOnly);
  const spki = Buffer.from(mlDsaSpki(key)).toString('base64');
  assert.ok(spki.startsWith('MIIFMjALBglghkgBZQMEAxEDggUhANeytHJUquDbReeTDUqY0sl9jxOX0Xidr6Fw'));
  const expanded = Buffer.from(writeMlDsaKey({ ...key, seed: undefined })).toString('base64');
  assert.ok(
    expanded.startsWith(
      'MIIKGAIBADALBglghkgBZQMEAxEEggoEBIIKANeytHJUquDbReeTDUqY0sl9jxOX' +
        '0Xidr6FwJLMW6b7JOc4Pf3f421ZE3No2a/5HNL2V9DX/mmE6pUqkHCxpTAQymgex',
    ),
  );
});

test('an ML-DSA key is the same key from its seed, expanded and both forms', () => {
  const key = mlDsaKeyOfSeed('ml-dsa-44', counting(32));
  const seed = read(mlDsaPem(encode(contextTag(0, 'primitive'), counting(32))));
  const expanded = read(mlDsaPem(octetString(key.expanded)));
  const both = read(mlDsaPem(sequence(octetString(counting(32)), octetString(key.expanded))));
  for (const other of [expanded, both]) {
    assert.equal(other.publicKey.spki, seed.publicKey.spki);
    assert.equal(other.secretBytes(), seed.secretBytes());
    assert.equal(other.sign(RFC_SEED), seed.sign(RFC_SEED));
  }
  assert.is(read(expanded.toPem()).toPem(), expanded.toPem());
  assert.is(both.toPem(), seed.toPem());
});

test('derived secrets differ by label and by key, and depend on nothing else', () => {
  const key = read(ec.export({ type: 'pkcs8', format: 'pem' }) as string);
  const again = read(ec.export({ type: 'sec1', format: 'pem' }) as string);
  assert.is(deriveSecret(key, 'a').length, 32);
  assert.equal(deriveSecret(key, 'a'), deriveSecret(again, 'a'));
  assert.not.equal(deriveSecret(key, 'a'), deriveSecret(key, 'b'));
  assert.not.equal(deriveSecret(key, 'a'), deriveSecret(generateCaKey('ec:P-256', counting), 'a'));
  assert.is(createPrivateKey(key.toPem()).asymmetricKeyType, 'ec');
});

function mlDsaPem(choice: Uint8Array): string {
  return toPem('PRIVATE KEY', sequence(integer(0), keyAlgorithm('ml-dsa-44'), octetString(choice)));
}

test.run();
