import { generateKeyPairSync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Jwk } from '../../core/primitives.ts';
import { PublicKeyCache } from './public-key-cache.ts';

function makeJwk(): Jwk {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return publicKey.export({ format: 'jwk' }) as unknown as Jwk;
}

test('a point that is not on its curve is refused and not remembered', () => {
  const cache = new PublicKeyCache(8);
  const jwk = makeJwk();
  assert.is(cache.get({ ...jwk, y: jwk['x']! }), undefined);
  assert.is(cache.get({ kty: 'EC' }), undefined);
  assert.is(cache.get({}), undefined);
  assert.is(cache.size, 0);
});

test('keys that differ in one member are different keys', () => {
  const cache = new PublicKeyCache(8);
  const [a, b] = [makeJwk(), makeJwk()];
  assert.is.not(cache.get(a), cache.get(b));
  assert.is(cache.get({ ...a, y: b['y']! }), undefined);
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsa = publicKey.export({ format: 'jwk' }) as unknown as Jwk;
  assert.is.not(cache.get(rsa), cache.get({ ...rsa, e: 'AQAD' }));
});

test('the same key in another object is found again', () => {
  const cache = new PublicKeyCache(8);
  const jwk = makeJwk();
  assert.is(cache.get({ ...jwk }), cache.get(jwk));
  assert.is(cache.size, 1);
});

test('the cache never holds more than its limit, and a key in use stays', () => {
  const cache = new PublicKeyCache(8);
  const used = makeJwk();
  const first = cache.get(used);
  for (let i = 0; i < 40; i++) {
    cache.get(makeJwk());
    assert.ok(cache.size <= 8);
    assert.is(cache.get(used), first);
  }
});

test('a key that was not used is forgotten, and imported again when it is needed', () => {
  const cache = new PublicKeyCache(4);
  const jwk = makeJwk();
  const first = cache.get(jwk);
  for (let i = 0; i < 8; i++) cache.get(makeJwk());
  const again = cache.get(jwk);
  assert.is.not(again, first);
  assert.ok(again!.equals(first!));
});

test.run();
