// Tests of reading certificate requests: every sentence that refuses one, and what is accepted.

import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bitString,
  boolean,
  characterString,
  contextTag,
  encode,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  TAG,
} from '../../core/der.ts';
import { readCsr, readFullCsr } from './csr.ts';
import { extension, subjectAltName } from './extensions.ts';
import { generateCaKey } from './keys.ts';
import { makeCsr } from './make-csr.ts';
import { encodeName } from './name.ts';
import { encodedOid, OID, type OidName } from './oids.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = generateCaKey('ec:P-256', () => new Uint8Array());
const NAMES = [{ type: 'dns', value: 'a.test' } as const];

interface Parts {
  version?: Uint8Array;
  subject?: Uint8Array;
  keys?: { publicKey: KeyObject; privateKey: KeyObject };
  spki?: Uint8Array;
  attributes?: Uint8Array;
  algorithm?: Uint8Array;
  signed?: (info: Uint8Array) => Uint8Array;
  after?: Uint8Array;
}

/** A request of parts that may be wrong. */
function craft(parts: Parts): Uint8Array {
  const keys = parts.keys ?? pair;
  const spki = parts.spki ?? keys.publicKey.export({ type: 'spki', format: 'der' });
  const info = sequence(
    parts.version ?? integer(0),
    parts.subject ?? encodeName({}),
    spki,
    parts.attributes ?? attributes(request(subjectAltName(NAMES, 'not critical'))),
  );
  const signed = parts.signed ?? ((bytes) => sign('sha256', bytes, keys.privateKey));
  const algorithm = parts.algorithm ?? sequence(encodedOid('ecdsaWithSha256'));
  return sequence(info, algorithm, bitString(signed(info)), parts.after ?? new Uint8Array());
}

function attributes(...list: readonly Uint8Array[]): Uint8Array {
  return encode(contextTag(0, 'constructed'), ...list);
}

function request(...extensions: readonly Uint8Array[]): Uint8Array {
  return sequence(encodedOid('extensionRequest'), setOf(sequence(...extensions)));
}

function altName(...names: readonly Uint8Array[]): Uint8Array {
  return attributes(request(extension('subjectAltName', 'not critical', sequence(...names))));
}

function dns(name: string): Uint8Array {
  return encode(contextTag(2, 'primitive'), new TextEncoder().encode(name));
}

function subject(tag: number, value: Uint8Array, type: string = OID.commonName): Uint8Array {
  return sequence(setOf(sequence(objectIdentifier(type), encode(tag, value))));
}

function signedBy(oid: string): Uint8Array {
  return craft({ algorithm: sequence(objectIdentifier(oid)) });
}

const otherName = explicit(0, objectIdentifier('1.2.3'));
const email = encode(contextTag(1, 'primitive'), new TextEncoder().encode('me@a.test'));
const url = encode(contextTag(6, 'primitive'), new TextEncoder().encode('https://a.test/'));

const REFUSED: readonly [what: string, csr: Uint8Array, pattern: RegExp][] = [
  ['nothing', new Uint8Array(), /^the CSR is not valid DER: it ends before it/],
  ['PEM', new TextEncoder().encode('-----BEGIN'), /^the CSR is not valid DER: /],
  ['bytes after the request', Uint8Array.from([...craft({}), 0]), /not valid DER: it has 1 stray/],
  ['a fourth part', craft({ after: nullValue() }), /not valid DER: it has 2 stray bytes/],
  ['a megabyte', new Uint8Array(1 << 20), /longer than 65536 octets/],
  ['version 2', craft({ version: integer(1) }), /of version 2; only version 1 exists/],
  ['no attributes', craft({ attributes: new Uint8Array() }), /ends before the attributes/],
  [
    'no names',
    craft({ attributes: attributes() }),
    /names nothing; put the names into its subjectAltName/,
  ],
  [
    'an empty subjectAltName',
    craft({ attributes: altName() }),
    /subjectAltName of the CSR is empty/,
  ],
  [
    'an e-mail address',
    craft({ attributes: altName(email) }),
    /type rfc822Name \(an e-mail address\); only dNSName and iPAddress/,
  ],
  ['a URI', craft({ attributes: altName(url) }), /type uniformResourceIdentifier; only/],
  ['another name', craft({ attributes: altName(otherName) }), /type otherName; only/],
  ['a name of no type', craft({ attributes: altName(nullValue()) }), /type of tag 5; only/],
  [
    'a wrong dNSName',
    craft({ attributes: altName(dns('a b.test')) }),
    /a dNSName in the subjectAltName of the CSR is wrong: "a b.test" is not a DNS name/,
  ],
  [
    'a dNSName that is an address',
    craft({ attributes: altName(dns('10.0.0.1')) }),
    /is an IP address; use type ip/,
  ],
  [
    'an address of 8 octets',
    craft({ attributes: altName(encode(contextTag(7, 'primitive'), new Uint8Array(8))) }),
    /not 4 or 16 octets/,
  ],
  [
    'a CN that is no name',
    craft({ subject: encodeName({ commonName: 'My Server' }) }),
    /the CN of the CSR is neither a DNS name nor an IP address: "My Server" .*; leave the CN out/,
  ],
  [
    'a CN in broken UTF-8',
    craft({ subject: subject(TAG.utf8String, Uint8Array.of(0xc0)) }),
    /common name in the subject of the CSR is not readable text/,
  ],
  [
    'a subject of something else',
    craft({ subject: sequence(nullValue()) }),
    /not a set of attributes/,
  ],
  [
    'two extensionRequests',
    craft({ attributes: attributes(request(), request()) }),
    /more than one extensionRequest/,
  ],
  [
    'an extension twice',
    craft({
      attributes: attributes(
        request(subjectAltName(NAMES, 'critical'), subjectAltName(NAMES, 'critical')),
      ),
    }),
    /holds extension 2.5.29.17 twice/,
  ],
  ['a key that is refused', craft({ spki: sequence() }), /public key is not valid DER/],
  [
    'a signature by another key',
    craft({ signed: (info) => key.sign(info) }),
    /signature of the CSR does not verify with the key in it/,
  ],
  ['a signature that is garbage', craft({ signed: () => new Uint8Array(70) }), /does not verify/],
  [
    'an algorithm of another key type',
    craft({ algorithm: sequence(encodedOid('sha256WithRsa'), nullValue()) }),
    /does not verify/,
  ],
  [
    'MD5',
    signedBy('1.2.840.113549.1.1.4'),
    /signed with MD5, which is broken; sign the CSR with SHA-256/,
  ],
  ['SHA-1 with RSA', signedBy('1.2.840.113549.1.1.5'), /signed with SHA-1, which is broken/],
  ['SHA-1 with ECDSA', signedBy('1.2.840.10045.4.1'), /signed with SHA-1, which is broken/],
  [
    'an unknown algorithm',
    signedBy('1.2.3.4'),
    /unsupported algorithm \(1\.2\.3\.4\); sign the CSR with SHA-256/,
  ],
  [
    'ECDSA with parameters',
    craft({ algorithm: sequence(encodedOid('ecdsaWithSha256'), nullValue()) }),
    /stray bytes/,
  ],
  ['PSS with its defaults', pss('sha256', 32, () => sequence()), /RSA-PSS and SHA-1; use SHA-256/],
  [
    'PSS with another mask',
    pss('sha256', 32, (hash) => pssParameters(hash, sha('sha384'), 32)),
    /mask is not MGF1 with the same hash/,
  ],
  [
    'PSS over SHA3',
    pss('sha256', 32, () =>
      pssParameters(sequence(objectIdentifier('2.16.840.1.101.3.4.2.8')), sha('sha256'), 32),
    ),
    /RSA-PSS over hash 2\.16\.840\.1\.101\.3\.4\.2\.8/,
  ],
  [
    'PSS with another salt length',
    pss('sha256', 32, (hash) => pssParameters(hash, hash, 20)),
    /does not verify/,
  ],
];

for (const [what, csr, pattern] of REFUSED) {
  test(`${what} is refused`, () => {
    const reading = readCsr(csr);
    assert.match(reading.ok ? 'accepted' : reading.reason, pattern);
  });
}

function accepts(csr: Uint8Array, names: readonly string[] = ['a.test']): void {
  const reading = readCsr(csr);
  assert.ok(reading.ok, reading.ok ? '' : reading.reason);
  assert.equal(
    reading.value.names.map(({ value }) => value),
    names,
  );
}

test('names come from CN and SAN: canonical, sorted, without duplicates', () => {
  const address = Uint8Array.from([0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 1]);
  const csr = craft({
    subject: encodeName({ commonName: 'B.Test' }),
    attributes: altName(
      dns('*.C.test'),
      dns('b.test'),
      encode(contextTag(7, 'primitive'), address),
    ),
  });
  const reading = readFullCsr(csr);
  assert.ok(reading.ok);
  assert.equal(reading.value.names, [
    { type: 'dns', value: '*.c.test' },
    { type: 'dns', value: 'b.test' },
    { type: 'ip', value: '2001:db8::1' },
  ]);
  assert.is(reading.value.commonName, 'b.test');
});

test('the hash of the key comes along', () => {
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  const reading = readCsr(craft({}));
  assert.is(
    reading.ok && reading.value.spkiHash,
    createHash('sha256').update(spki).digest('base64url'),
  );
});

test('a CN alone is enough, as a name or as an address', () => {
  accepts(craft({ subject: encodeName({ commonName: 'b.test' }), attributes: attributes() }), [
    'b.test',
  ]);
  accepts(craft({ subject: encodeName({ commonName: '::1' }), attributes: attributes() }), ['::1']);
});

test('an empty CN, other parts of the subject and several CNs do no harm', () => {
  accepts(craft({ subject: subject(TAG.utf8String, new Uint8Array()) }));
  accepts(
    craft({
      subject: subject(
        TAG.printableString,
        new TextEncoder().encode('My Company'),
        OID.organization,
      ),
    }),
  );
  const two = [encodeName({ commonName: 'b.test' }), encodeName({ commonName: 'c.test' })];
  accepts(craft({ subject: sequence(...two.map((name) => name.subarray(2))) }), [
    'a.test',
    'b.test',
    'c.test',
  ]);
});

test('a CN is read from every string type that old tools write', () => {
  for (const tag of [TAG.printableString, TAG.ia5String, TAG.teletexString]) {
    accepts(craft({ subject: subject(tag, new TextEncoder().encode('a.test')) }));
  }
  const wide = Uint8Array.from('a.test', (character) => character.charCodeAt(0));
  const bmp = Uint8Array.from([...wide].flatMap((octet) => [0, octet]));
  accepts(craft({ subject: subject(TAG.bmpString, bmp) }));
});

test('other attributes and extensions are ignored', () => {
  const challenge = sequence(
    objectIdentifier('1.2.840.113549.1.9.7'),
    setOf(characterString(TAG.utf8String, 'secret')),
  );
  const wantsCa = extension('basicConstraints', 'critical', sequence(boolean(true)));
  const explicitFalse = sequence(
    encodedOid('keyUsage'),
    boolean(false),
    octetString(new Uint8Array()),
  );
  const list = attributes(
    challenge,
    request(wantsCa, explicitFalse, subjectAltName(NAMES, 'critical')),
  );
  accepts(craft({ attributes: list }));
});

for (const [hash, oid] of [
  ['sha256', 'ecdsaWithSha256'],
  ['sha384', 'ecdsaWithSha384'],
  ['sha512', 'ecdsaWithSha512'],
] as const) {
  test(`ECDSA with ${hash} is accepted on every curve`, () => {
    for (const namedCurve of ['P-256', 'P-384', 'P-521']) {
      const keys = generateKeyPairSync('ec', { namedCurve });
      const signed = (info: Uint8Array): Uint8Array => sign(hash, info, keys.privateKey);
      accepts(craft({ keys, algorithm: sequence(encodedOid(oid)), signed }));
    }
  });
}

for (const [hash, oid] of [
  ['sha256', 'sha256WithRsa'],
  ['sha384', 'sha384WithRsa'],
  ['sha512', 'sha512WithRsa'],
] as const) {
  test(`RSA with ${hash} is accepted, with NULL and without (RFC 4055 §5)`, () => {
    const signed = (info: Uint8Array): Uint8Array => sign(hash, info, rsa.privateKey);
    accepts(craft({ keys: rsa, algorithm: sequence(encodedOid(oid), nullValue()), signed }));
    accepts(craft({ keys: rsa, algorithm: sequence(encodedOid(oid)), signed }));
  });

  test(`RSA-PSS with ${hash} is accepted with any salt length`, () => {
    for (const saltLength of [0, 32, 48, 190]) {
      accepts(pss(hash, saltLength, (id) => pssParameters(id, id, saltLength)));
    }
  });
}

test('RSA-PSS without a salt length means 20 octets', () => {
  accepts(pss('sha256', 20, (hash) => pssParameters(hash, hash, undefined)));
});

for (const type of ['ed25519', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const) {
  test(`${type} is accepted`, () => {
    const signer = generateCaKey(type, (length) => new Uint8Array(length).fill(9));
    accepts(makeCsr({ key: signer, names: NAMES, commonName: 'a.test' }));
  });
}

test('what was read once is read the same again, also after the buffer changed', () => {
  const csr = makeCsr({ key, names: NAMES });
  const first = readFullCsr(csr);
  const kept = first.ok ? first.value.publicKey.spki.slice() : undefined;
  const copy = csr.slice();
  csr.fill(0);
  assert.equal(first.ok && first.value.publicKey.spki, kept);
  assert.equal(readCsr(copy), {
    ok: true,
    value: { names: NAMES, spkiHash: key.publicKey.spkiHash },
  });
});

test('only so many requests are remembered, and forgotten ones are read again', () => {
  const numbered = Array.from({ length: 300 }, (_, index) =>
    makeCsr({ key, names: [{ type: 'dns', value: `n${index}.test` }] }),
  );
  for (const csr of [...numbered, ...numbered]) assert.ok(readCsr(csr).ok);
});

function sha(name: OidName): Uint8Array {
  return sequence(encodedOid(name), nullValue());
}

function pssParameters(hash: Uint8Array, maskHash: Uint8Array, saltLength?: number): Uint8Array {
  const mask = sequence(encodedOid('mgf1'), maskHash);
  const salt = saltLength === undefined ? [] : [explicit(2, integer(saltLength))];
  return sequence(explicit(0, hash), explicit(1, mask), ...salt);
}

function pss(
  hash: 'sha256' | 'sha384' | 'sha512',
  saltLength: number,
  parameters: (hash: Uint8Array) => Uint8Array,
): Uint8Array {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return craft({
    keys: rsa,
    algorithm: sequence(encodedOid('rsaPss'), parameters(sha(hash))),
    signed: (info) => sign(hash, info, { key: rsa.privateKey, padding, saltLength }),
  });
}

test.run();
