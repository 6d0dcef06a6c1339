import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readJwk } from './jwk.ts';

type Members = { readonly [name: string]: unknown };

const ec = (namedCurve: string): Members =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' }) as Members;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

const P256 = ec('P-256');
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
  format: 'jwk',
}) as Members;
const ED25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) as Members;
const AKP: Members = {
  kty: 'AKP',
  alg: 'ML-DSA-44',
  pub: text(ml_dsa44.keygen(new Uint8Array(32)).publicKey),
};

function refused(detail: RegExp, key: unknown): void {
  const reading = readJwk(key);
  assert.not(reading.ok, JSON.stringify(key)?.slice(0, 120));
  if (!reading.ok) assert.match(reading.reason, detail);
}

function accepted(key: Members): { readonly jwk: Members; readonly spki: Uint8Array } {
  const reading = readJwk(key);
  if (!reading.ok) throw new Error(reading.reason);
  return reading.value;
}

/** Base64urlUInt of an integer, without leading zero octets. */
function uint(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}

test('RFC 7517 §4: what is not an object with a known `kty` is refused', () => {
  for (const key of [undefined, null, 'key', 1, [], [P256]]) refused(/not a JSON object/, key);
  for (const kty of [undefined, null, 1, 'oct', 'ec', '', 'constructor', '__proto__', 'toString']) {
    refused(/key type must be one of EC, RSA, OKP, AKP/, { ...P256, kty });
  }
});

test('RFC 7517 §9.2: a key with a private member is refused, and called exposed', () => {
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']) {
    for (const key of [P256, RSA, ED25519, AKP]) {
      refused(new RegExp(`private member "${name}".*throw it away`), { ...key, [name]: 'AQ' });
      refused(/private member/, { ...key, [name]: null });
    }
  }
});

test('RFC 7638 §3.2: every required member must be there, and be a string of its own', () => {
  for (const key of [P256, RSA, ED25519, AKP]) {
    for (const name of Object.keys(key).filter((member) => member !== 'kty')) {
      const rest = Object.fromEntries(Object.entries(key).filter(([other]) => other !== name));
      refused(new RegExp(`string member "${name}"`), rest);
      refused(new RegExp(`string member "${name}"`), { ...key, [name]: 1 });
      refused(
        new RegExp(`string member "${name}"`),
        Object.assign(Object.create({ [name]: key[name] }), rest),
      );
    }
  }
});

test('RFC 7518 §6.2.1.1: other curves are refused', () => {
  for (const crv of ['secp256k1', 'P-192', 'p-256', 'Ed25519', '', 'constructor']) {
    refused(/must be on P-256, P-384, P-521/, { ...P256, crv });
  }
});

test('RFC 7518 §6.2.1.2: coordinates must have the full size of the curve, no less, no more', () => {
  const x = Buffer.from(P256['x'] as string, 'base64url');
  const wrong = [x.subarray(1), Buffer.concat([Buffer.alloc(1), x]), Buffer.alloc(0)];
  for (const bytes of wrong) {
    refused(/must be 32 octets/, { ...P256, x: text(bytes) });
    refused(/must be 32 octets/, { ...P256, y: text(bytes) });
  }
  refused(/must be 48 octets/, { ...P256, crv: 'P-384' });
});

test('RFC 7515 §2: padded and non-canonical base64url is refused, for one key has one text', () => {
  const x = P256['x'] as string;
  refused(/octets in base64url/, { ...P256, x: `${x}=` });
  // 32 octets leave two bits unused in the last character: every other choice of them is refused.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(x.at(-1)!);
  for (const stray of [1, 2, 3]) {
    refused(/octets in base64url/, { ...P256, x: x.slice(0, -1) + alphabet[last | stray] });
  }
});

test('RFC 7518 §6.3.1: RSA integers with leading zero octets, or empty, are refused', () => {
  refused(/leading zero/, { ...RSA, e: 'AAEAAQ' });
  refused(/leading zero/, { ...RSA, e: '' });
  const n = Buffer.from(RSA['n'] as string, 'base64url');
  refused(/leading zero/, { ...RSA, n: text(Buffer.concat([Buffer.alloc(1), n])) });
  refused(/leading zero/, { ...RSA, n: '' });
});

test('RSA keys below 2048 and above 8192 bits are refused, also by a single bit', () => {
  refused(/this has 2047/, { ...RSA, n: uint((1n << 2047n) - 1n) });
  refused(/this has 8193/, { ...RSA, n: uint((1n << 8192n) + 1n) });
  refused(/this has 1024/, { ...RSA, n: uint((1n << 1023n) + 1n) });
  accepted({ ...RSA, n: uint((1n << 2047n) + 1n) });
  accepted({ ...RSA, n: uint((1n << 8192n) - 1n) });
});

test('an even RSA modulus is refused', () => {
  refused(/modulus is even/, { ...RSA, n: uint(1n << 2047n) });
});

test('RSA exponents that are even, below 65537 or not below 2^64 are refused', () => {
  for (const e of [1n, 3n, 17n, 65535n, 65536n, 65538n, (1n << 64n) + 1n, (1n << 256n) + 1n]) {
    refused(/exponent must be odd/, { ...RSA, e: uint(e) });
  }
  for (const e of [65537n, 65539n, (1n << 64n) - 1n]) accepted({ ...RSA, e: uint(e) });
});

test('RFC 8037 §2: an OKP key must be 32 octets on Ed25519', () => {
  for (const crv of ['X25519', 'Ed448', 'ed25519'])
    refused(/must be on Ed25519/, { ...ED25519, crv });
  for (const length of [0, 31, 33]) {
    refused(/must be 32 octets/, { ...ED25519, x: text(new Uint8Array(length)) });
  }
});

test('RFC 8032 §5.1.3: what decodes to no point of Ed25519 is refused', () => {
  const prime = (1n << 255n) - 19n;
  const littleEndian = (value: bigint): Uint8Array =>
    Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse());
  // y = 2 is on no point; y = p + 3 is 3 in a second spelling.
  for (const y of [2n, prime + 3n])
    refused(/not a point/, { ...ED25519, x: text(littleEndian(y)) });
  refused(/not a point/, { ...ED25519, x: text(new Uint8Array(32).fill(0xff)) });
});

test('the eight points of small order of Ed25519 are refused', () => {
  const generator = ed25519.Point.fromHex(
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  );
  const seen = new Set<string>();
  for (let i = 1n; i <= 8n; i++) {
    const point = i === 8n ? ed25519.Point.ZERO : generator.multiplyUnsafe(i);
    seen.add(point.toHex());
    refused(/small order/, { ...ED25519, x: text(point.toBytes()) });
  }
  assert.is(seen.size, 8);
});

test('RFC 9964 §3: an AKP key must name ML-DSA and have its exact length', () => {
  for (const alg of ['ML-DSA-45', 'ES256', 'ml-dsa-44', 'toString']) {
    refused(/must be ML-DSA-44, ML-DSA-65, ML-DSA-87/, { ...AKP, alg });
  }
  for (const [alg, length] of Object.entries({
    'ML-DSA-44': 1312,
    'ML-DSA-65': 1952,
    'ML-DSA-87': 2592,
  })) {
    for (const wrong of [0, length - 1, length + 1]) {
      const pub = text(new Uint8Array(wrong));
      refused(new RegExp(`must be ${length} octets`), { kty: 'AKP', alg, pub });
    }
  }
  refused(/must be 1952 octets/, { ...AKP, alg: 'ML-DSA-65' });
});

test('only the required members are kept, in the order of RFC 7638 §3.2', () => {
  const decorated = { kid: '1', use: 'sig', key_ops: ['verify'], x5c: [], ...P256 };
  const { jwk } = accepted(decorated);
  assert.is(
    JSON.stringify(jwk),
    `{"crv":"P-256","kty":"EC","x":"${P256['x']}","y":"${P256['y']}"}`,
  );
  assert.equal(Object.keys(accepted({ ...RSA, alg: 'RS256' }).jwk), ['e', 'kty', 'n']);
  assert.equal(Object.keys(accepted({ ...ED25519, y: 'x' }).jwk), ['crv', 'kty', 'x']);
  assert.equal(Object.keys(accepted({ ...AKP, crv: 'x' }).jwk), ['alg', 'kty', 'pub']);
});

test('RFC 5280 §4.1.2.7: the SubjectPublicKeyInfo is the one OpenSSL writes', () => {
  const keys = [P256, ec('P-384'), ec('P-521'), RSA, ED25519];
  for (const jwk of keys) {
    const expected = createPublicKey({ key: jwk, format: 'jwk' }).export({
      format: 'der',
      type: 'spki',
    });
    assert.equal(accepted(jwk).spki, Uint8Array.from(expected));
  }
});

test('RFC 9881 §4: an ML-DSA SubjectPublicKeyInfo has the bare key and no parameters', () => {
  const heads = {
    'ML-DSA-44': ['30820532300b0609608648016503040311', '03820521', ml_dsa44],
    'ML-DSA-65': ['308207b2300b0609608648016503040312', '038207a1', ml_dsa65],
    'ML-DSA-87': ['30820a32300b0609608648016503040313', '03820a21', ml_dsa87],
  } as const;
  for (const [alg, [head, bits, scheme]] of Object.entries(heads)) {
    const pub = scheme.keygen(new Uint8Array(32)).publicKey;
    const { spki } = accepted({ kty: 'AKP', alg, pub: text(pub) });
    assert.is(
      Buffer.from(spki).toString('hex'),
      `${head}${bits}00${Buffer.from(pub).toString('hex')}`,
    );
  }
});

test.run();
