import { createHmac, webcrypto } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seal, unseal } from './sealing.ts';

const KEY = new Uint8Array(32).fill(7);
const SECRET = new TextEncoder().encode('an HMAC key of a client');

test('nothing opens with another key, in another context, or after a change of any bit', () => {
  const sealed = seal(KEY, 'eab/one', SECRET);
  assert.is(unseal(new Uint8Array(32).fill(8), 'eab/one', sealed), undefined);
  assert.is(unseal(KEY, 'eab/two', sealed), undefined);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const damaged = sealed.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert.is(unseal(KEY, 'eab/one', damaged), undefined, `bit ${bit}`);
  }
});

test('what is too short or too long does not open', () => {
  const sealed = seal(KEY, 'c', SECRET);
  for (let length = 0; length < sealed.length; length++) {
    assert.is(unseal(KEY, 'c', sealed.subarray(0, length)), undefined);
  }
  assert.is(unseal(KEY, 'c', Uint8Array.of(...sealed, 0)), undefined);
});

test('what was sealed opens, and does not show', () => {
  for (const length of [0, 1, 15, 16, 17, 32, 1000]) {
    const content = new Uint8Array(length).map((_, i) => i);
    const sealed = seal(KEY, 'c', content);
    assert.is(sealed.length, length + 28);
    assert.equal(unseal(KEY, 'c', sealed), content);
    if (length > 1) assert.not(Buffer.from(sealed).includes(Buffer.from(content)));
  }
});

test('equal contents seal alike; another content or context has another nonce', () => {
  assert.equal(seal(KEY, 'c', SECRET), seal(KEY.slice(), 'c', SECRET.slice()));
  const nonces = [seal(KEY, 'c', SECRET), seal(KEY, 'd', SECRET), seal(KEY, 'cd', KEY)].map(
    (sealed) => Buffer.from(sealed.subarray(0, 12)).toString('hex'),
  );
  assert.is(new Set(nonces).size, 3);
  assert.not.equal(seal(KEY, 'ab', Buffer.from('c')), seal(KEY, 'a', Buffer.from('bc')));
});

test('NIST SP 800-38D: another implementation opens it', async () => {
  const sealed = seal(KEY, 'eab/one', SECRET);
  const raw = createHmac('sha256', KEY).update('akamu sealing/encryption').digest();
  const key = await webcrypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt']);
  const additionalData = new TextEncoder().encode('eab/one');
  const algorithm = { name: 'AES-GCM', iv: sealed.subarray(0, 12), additionalData };
  const opened = await webcrypto.subtle.decrypt(algorithm, key, sealed.subarray(12));
  assert.equal(new Uint8Array(opened), SECRET);
});

test.run();
