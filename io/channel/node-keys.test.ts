import { randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromBase64Url, toBase64Url, toHex } from '../../core/bytes.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { readDescriptor } from './descriptor.ts';
import {
  makeNodeKeys,
  NODE_KEY_FACTS,
  nodeKeyFacts,
  readNodeKeys,
  rotateKemKey,
  withUrl,
} from './node-keys.ts';

const SECRET = new Uint8Array(randomBytes(32));
const MADE_MS = Date.UTC(2026, 0, 1);
const KEYS = makeNodeKeys('http://node1.acme.internal:8081', MADE_MS);
const OTHER = makeNodeKeys('http://node2.acme.internal:8081', MADE_MS);

test('each damaged fact is named, with what to do', () => {
  for (const name of NODE_KEY_FACTS) {
    for (const damaged of [undefined, '', 'x', flipped(facts().get(name)!)]) {
      const broken = facts();
      if (damaged === undefined) broken.delete(name);
      else broken.set(name, damaged);
      // A changed descriptor shows where the wrapped keys are compared with it, at the latest.
      assert.throws(() => readNodeKeys(broken, SECRET), /the fact "node-key\/.*Restore the data/);
    }
  }
});

test('keys do not open under another CA key, and the error says so', () => {
  assert.throws(
    () => readNodeKeys(facts(), new Uint8Array(32)),
    /node-key\/signing" .*wrapped under another CA key\. .* starts best with an empty database/,
  );
});

test('wrapped keys of another node are refused', () => {
  const mixed = facts();
  const theirs = nodeKeyFacts(OTHER, SECRET);
  mixed.set('node-key/kem', theirs.get('node-key/kem')!);
  assert.throws(() => readNodeKeys(mixed, SECRET), /node-key\/kem".* belongs to node /);
  mixed.set('node-key/descriptor', theirs.get('node-key/descriptor')!);
  assert.throws(() => readNodeKeys(mixed, SECRET), /node-key\/signing".* belongs to node /);
});

test('one wrapped key does not open in the place of the other', () => {
  const mixed = facts();
  mixed.set('node-key/kem', mixed.get('node-key/signing')!);
  assert.throws(() => readNodeKeys(mixed, SECRET), /node-key\/kem".* damaged/);
});

test('the secrets are not in the facts', () => {
  const octets = [...facts().values()].map((fact) => fact.split('.').at(-1)!);
  const all = octets.map((text) => Buffer.from(text, 'base64url').toString('hex')).join();
  // PKCS#8 holds the public point as well, which is no secret; the scalar stands before it.
  const scalar = toHex(KEYS.signing).slice(72, 136);
  for (const secret of [scalar, toHex(KEYS.kemSeeds[0]!)]) {
    assert.is(secret.length % 64, 0);
    for (let at = 0; at + 16 <= secret.length; at += 16) {
      assert.not(all.includes(secret.slice(at, at + 16)));
    }
  }
});

test('a database without keys has none', () => {
  assert.is(readNodeKeys(new Map([['node', 'x']]), SECRET), undefined);
});

test('keys come back as they were stored', () => {
  assert.equal(readNodeKeys(facts(), SECRET), KEYS);
  const rotated = rotateKemKey(KEYS, MADE_MS + 5000);
  assert.equal(readNodeKeys(nodeKeyFacts(rotated, SECRET), SECRET), rotated);
});

test('a new KEM key keeps the id and comes with a later time, whatever the clock says', () => {
  const once = rotateKemKey(KEYS, 0);
  const twice = rotateKemKey(once, MADE_MS + 60_500);
  assert.is(once.descriptor.node, KEYS.descriptor.node);
  assert.is(twice.descriptor.node, KEYS.descriptor.node);
  assert.is.not(once.descriptor.kem, KEYS.descriptor.kem);
  assert.is(once.descriptor.madeMs, MADE_MS + 1000);
  assert.is(twice.descriptor.madeMs, MADE_MS + 60_000);
  assert.equal(twice.kemSeeds[1], once.kemSeeds[0]);
  assert.is(twice.kemSeeds.length, 2);
});

test('a new URL keeps keys and id; the same URL changes nothing', () => {
  const moved = withUrl(KEYS, 'https://[::1]:9/gossip', MADE_MS);
  assert.is(moved.descriptor.node, KEYS.descriptor.node);
  assert.is(moved.descriptor.kem, KEYS.descriptor.kem);
  assert.is(moved.descriptor.madeMs, MADE_MS + 1000);
  assert.is(withUrl(moved, 'https://[::1]:9/gossip', MADE_MS), moved);
});

test('a node cannot take a URL that is no base URL', () => {
  for (const url of ['', 'http://a/', 'ftp://a', 'http://A', 'http://a?b', 'http://u@a', 'a:1']) {
    assert.throws(() => makeNodeKeys(url, MADE_MS), /"url" is not/, url);
  }
});

test('a descriptor in which anything is changed is refused with a reason', () => {
  const { descriptor } = KEYS;
  const theirs = OTHER.descriptor;
  const cases: [unknown, RegExp][] = [
    [null, /not a JSON object/],
    [[], /members/],
    [{ ...descriptor, more: 1 }, /members/],
    [{ ...descriptor, node: theirs.node }, /does not follow/],
    [{ ...descriptor, node: 'x' }, /"node" is not/],
    [{ ...descriptor, url: theirs.url }, /does not vouch/],
    [{ ...descriptor, url: `http://${'a'.repeat(600)}` }, /"url" is not/],
    [{ ...descriptor, kem: theirs.kem }, /does not vouch/],
    [{ ...descriptor, kem: descriptor.kem.slice(4) }, /"kem" is not/],
    [{ ...descriptor, madeMs: MADE_MS + 1000 }, /does not vouch/],
    [{ ...descriptor, madeMs: MADE_MS + 1 }, /"madeMs" is not/],
    [{ ...descriptor, madeMs: String(MADE_MS) }, /"madeMs" is not/],
    [{ ...descriptor, certificate: theirs.certificate }, /does not follow/],
    [{ ...descriptor, certificate: 'AAAA' }, /cannot be read/],
    [{ ...descriptor, certificate: '!' }, /not base64url/],
  ];
  for (const [json, reason] of cases) {
    const found = readDescriptor(json);
    assert.match('fault' in found ? found.fault : 'accepted', reason);
  }
});

test('any octet of a certificate that is changed is refused', () => {
  const der = fromBase64Url(KEYS.descriptor.certificate)!;
  for (let i = 0; i < der.length; i++) {
    const changed = der.slice();
    changed[i]! ^= 0x01;
    const found = readDescriptor({ ...KEYS.descriptor, certificate: toBase64Url(changed) });
    assert.ok('fault' in found, `octet ${i}`);
  }
});

test('a genuine descriptor is read as it is, its members in any order', () => {
  const reversed = Object.fromEntries(Object.entries(KEYS.descriptor).reverse());
  assert.equal(readDescriptor(reversed) as NodeDescriptor, KEYS.descriptor);
  assert.match(KEYS.descriptor.node, /^[A-Za-z0-9_-]{27}$/);
});

function facts(): Map<string, string> {
  return new Map<string, string>(nodeKeyFacts(KEYS, SECRET));
}

/** The text with one character in the middle changed. */
function flipped(text: string): string {
  const at = Math.floor(text.length / 2);
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}

test.run();
