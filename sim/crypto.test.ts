import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromBase64Url, toHex, toUtf8 } from '../core/bytes.ts';
import { cheapCrypto } from './crypto.ts';
import { digestOf } from './hash.ts';

const { primitives, newKey, encodeCsr, issue } = cheapCrypto();
const NAMES = [{ type: 'dns', value: 'a.sim' }] as const;

test('a signature is refused when message, key or signature is another', () => {
  const key = newKey('one');
  const signature = key.sign('message');
  assert.ok(primitives.verify(key.alg, key.jwk, 'message', signature));
  assert.not.ok(primitives.verify(key.alg, key.jwk, 'Message', signature));
  assert.not.ok(primitives.verify(key.alg, newKey('two').jwk, 'message', signature));
  assert.not.ok(primitives.verify('ES384', key.jwk, 'message', signature));
  assert.not.ok(primitives.verify(key.alg, key.jwk, 'message', signature.subarray(1)));
  for (let at = 0; at < signature.length; at++) {
    const bent = Uint8Array.from(signature);
    bent[at]! ^= 1;
    assert.not.ok(primitives.verify(key.alg, key.jwk, 'message', bent), `octet ${at}`);
  }
});

test('a key that is not a point on the curve is refused', () => {
  const { jwk } = newKey('one');
  assert.ok(primitives.readKey(jwk).ok);
  for (const bad of [{ ...jwk, y: jwk['x'] }, { ...jwk, crv: 'P-384' }, { kty: 'RSA' }, null, 7]) {
    assert.not.ok(primitives.readKey(bad).ok);
  }
});

test('a digest is the same for a text and its UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer(), (text, salt) => {
      assert.equal(digestOf(text, salt), digestOf(toUtf8(text), salt));
    }),
  );
});

test('a hundred thousand like inputs have as many digests, also in half of their octets', () => {
  const seen = new Set<string>();
  const halves = new Set<string>();
  for (let i = 0; i < 100_000; i++) {
    const digest = digestOf(`input ${i.toString(2)}`, 1);
    seen.add(toHex(digest));
    halves.add(toHex(digest.subarray(0, 16)));
  }
  assert.is(seen.size, 100_000);
  assert.is(halves.size, 100_000);
});

test('a flipped bit of the input turns half the bits of the digest', () => {
  const input = toUtf8('the quick brown fox jumps over the lazy dog');
  const before = digestOf(input, 1);
  let turned = 0;
  for (let bit = 0; bit < input.length * 8; bit++) {
    const bent = Uint8Array.from(input);
    bent[bit >> 3]! ^= 1 << (bit & 7);
    const after = digestOf(bent, 1);
    for (let at = 0; at < 32; at++) turned += ones(before[at]! ^ after[at]!);
  }
  const share = turned / (input.length * 8 * 256);
  assert.ok(share > 0.47 && share < 0.53, `${share}`);
});

test('a CSR is read again, junk is not, and one request makes one certificate', () => {
  const csr = encodeCsr(NAMES, newKey('leaf'));
  const reading = primitives.readCsr(fromBase64Url(csr)!);
  assert.ok(reading.ok && reading.value.spkiHash === newKey('leaf').spkiHash);
  assert.not.ok(primitives.readCsr(toUtf8('{')).ok);
  const request = { ca: 'default', order: 'o', identifiers: NAMES, csr, notBeforeMs: 1000 };
  const result = issue(request);
  assert.equal(issue(request), result);
  assert.ok(result.ok);
  const other = issue({ ...request, order: 'p' });
  assert.ok(other.ok && result.ok && other.certificate.serial !== result.certificate.serial);
  assert.is(issue({ ...request, csr: 'AAAA' }).ok, false);
});

function ones(octet: number): number {
  let count = 0;
  for (let rest = octet; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

test.run();
