// Tests of building and parsing certificates, names, PEM and CA profiles.

import { createHash, X509Certificate } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bitString, explicit, integer, nullValue, sequence, time } from '../../core/der.ts';
import { parseCertificate, readCertificate, signCertificate } from './certificate.ts';
import {
  findExtension,
  readBasicConstraints,
  readKeyUsage,
  readSubjectKeyIdentifier,
} from './extension-reader.ts';
import { authorityInfoAccess, basicConstraintsCa } from './extensions.ts';
import { keyIdOf, makeIssuer } from './issuer.ts';
import { generateCaKey } from './keys.ts';
import { commonNamesOf, encodeName } from './name.ts';
import { fromPem, toPem } from './pem.ts';
import { DAY_MS, planIntermediate, planRoot } from './profile.ts';

const key = generateCaKey('ec:P-256', () => new Uint8Array());
const START_MS = Date.UTC(2040, 0, 1);
const parts = {
  serial: Uint8Array.of(0, 0, 0x80),
  subject: encodeName({ organization: 'Ünïcode', commonName: 'Root' }),
  notBeforeMs: START_MS,
  notAfterMs: START_MS + 3652 * DAY_MS,
  publicKey: key.publicKey,
};
const root = signCertificate(planRoot(parts), key);

function crafted(fields: readonly Uint8Array[]): Uint8Array {
  return sequence(sequence(...fields), key.signatureAlgorithm, bitString(new Uint8Array(8)));
}

const validity = sequence(time(0), time(1e12));
const name = encodeName({});

const REFUSED: readonly [what: string, der: Uint8Array, pattern: RegExp][] = [
  ['nothing', new Uint8Array(), /^the certificate is not valid DER: /],
  ['stray bytes', Uint8Array.from([...root, 0]), /1 stray bytes/],
  [
    'version 4',
    crafted([explicit(0, integer(3)), integer(1), sequence(), name, validity, name, sequence()]),
    /the certificate is of version 4; 3 is the last/,
  ],
  [
    'a validity that is no time',
    crafted([integer(1), sequence(), name, sequence(nullValue(), nullValue()), name, sequence()]),
    /notBefore is not a time/,
  ],
  [
    'an extension that stands twice',
    crafted([
      integer(1),
      sequence(),
      name,
      validity,
      name,
      sequence(),
      explicit(3, sequence(basicConstraintsCa(), basicConstraintsCa())),
    ]),
    /it holds extension 2\.5\.29\.19 twice/,
  ],
];

for (const [what, der, pattern] of REFUSED) {
  test(`${what} is refused`, () => {
    const reading = readCertificate(der);
    assert.match(reading.ok ? 'accepted' : reading.reason, pattern);
  });
}

test('a certificate is found again by its serial number and key', () => {
  const spkiHash = createHash('sha256').update(key.publicKey.spki).digest('base64url');
  const { notBeforeMs, notAfterMs } = parseCertificate(root);
  const value = { serial: '80', spkiHash, notBeforeMs, notAfterMs };
  assert.equal(readCertificate(root), { ok: true, value });
});

test('a certificate of version 1 has no extensions', () => {
  const parsed = parseCertificate(
    crafted([integer(5), sequence(), name, validity, name, sequence()]),
  );
  assert.is(parsed.version, 1);
  assert.equal(parsed.extensions, []);
});

test('what is parsed is what was planned', () => {
  const parsed = parseCertificate(root);
  assert.is(parsed.version, 3);
  assert.is(parsed.notBeforeMs, START_MS);
  assert.is(parsed.notAfterMs, parts.notAfterMs);
  assert.equal(parsed.subject, parts.subject);
  assert.equal(parsed.issuer, parts.subject);
  assert.equal(parsed.spki, key.publicKey.spki);
  assert.ok(key.verify(parsed.tbs, parsed.signature));
});

test('node:crypto reads the root as we meant it', () => {
  const x509 = new X509Certificate(root);
  assert.is(x509.subject, 'O=Ünïcode\nCN=Root');
  assert.is(x509.serialNumber, '80');
  assert.is(x509.ca, true);
  assert.ok(x509.verify(x509.publicKey));
});

test('the intermediate may issue leaves only, and lives no longer than its root', () => {
  const issuer = makeIssuer(key, root);
  const own = generateCaKey('ec:P-384', () => new Uint8Array());
  const plan = planIntermediate(
    { ...parts, publicKey: own.publicKey, notAfterMs: parts.notAfterMs + DAY_MS },
    issuer,
  );
  const parsed = parseCertificate(signCertificate(plan, key));
  const value = (id: Parameters<typeof findExtension>[1]): Uint8Array =>
    findExtension(parsed.extensions, id)!.value;
  assert.equal(readBasicConstraints(value('basicConstraints')), { ca: true, pathLength: 0 });
  assert.equal(readKeyUsage(value('keyUsage')), [0, 5, 6]);
  assert.equal(
    readSubjectKeyIdentifier(value('subjectKeyIdentifier')),
    keyIdOf(own.publicKey.bits),
  );
  assert.is(parsed.notAfterMs, parts.notAfterMs);
  assert.ok(key.verify(parsed.tbs, parsed.signature));
});

test('RFC 7093 §2: the key identifier is the first 160 bits of SHA-256 of the key bits', () => {
  const digest = createHash('sha256').update(key.publicKey.bits).digest();
  assert.equal(Buffer.from(keyIdOf(key.publicKey.bits)), digest.subarray(0, 20));
});

test('an issuer without subjectKeyIdentifier gets the one it would have', () => {
  const bare = signCertificate({ ...planRoot(parts), extensions: [basicConstraintsCa()] }, key);
  assert.equal(makeIssuer(key, bare).keyId, keyIdOf(key.publicKey.bits));
});

test('addresses of OCSP and issuer go into one extension', () => {
  const both = authorityInfoAccess({ ocsp: 'http://a.test/o', caIssuers: 'http://a.test/i' });
  const x509 = new X509Certificate(
    signCertificate({ ...planRoot(parts), extensions: [both] }, key),
  );
  assert.is(x509.infoAccess, 'OCSP - URI:http://a.test/o\nCA Issuers - URI:http://a.test/i');
});

test('names are read part by part', () => {
  assert.equal(commonNamesOf(parts.subject, 'it'), ['Root']);
  assert.equal(commonNamesOf(encodeName({}), 'it'), []);
});

test('PEM comes back, with notes between the blocks and other line ends', () => {
  const pem = toPem('CERTIFICATE', root);
  assert.ok(pem.split('\n').every((line) => line.length <= 64));
  const file = `subject=CN = Root\n${pem}\nnotes\n${pem.replaceAll('\n', '\r\n')}`;
  const blocks = fromPem(file);
  assert.equal(
    blocks.map(({ der }) => Buffer.from(der)),
    [Buffer.from(root), Buffer.from(root)],
  );
  assert.is(blocks[0]!.text, pem);
  assert.equal(fromPem('-----BEGIN A-----\nAAAA\n-----END B-----\n'), []);
});

test.run();
