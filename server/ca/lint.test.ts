// Tests of the lint: for every check there is a certificate that only it catches.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { equalBytes } from '../../core/bytes.ts';
import {
  bitString,
  encode,
  explicit,
  generalizedTime,
  integer,
  namedBits,
  octetString,
  sequence,
  TAG,
  time,
  unsignedInteger,
} from '../../core/der.ts';
import { type CertificatePlan, signCertificate } from './certificate.ts';
import { readFullCsr } from './csr.ts';
import {
  authorityKeyIdentifier,
  basicConstraintsCa,
  basicConstraintsLeaf,
  certificatePolicies,
  crlDistributionPoints,
  extension,
  extKeyUsage,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import { makeIssuer } from './issuer.ts';
import { generateCaKey } from './keys.ts';
import { CHECKS, type Expectation, lintLeaf } from './lint.ts';
import { makeCsr } from './make-csr.ts';
import { encodeName } from './name.ts';
import { encodedOid } from './oids.ts';
import { DAY_MS, type LeafPolicy, leafValidity, planLeaf, planRoot } from './profile.ts';

const START_MS = Date.UTC(2026, 5, 1);
const NAMES = [
  { type: 'dns', value: 'a.test' },
  { type: 'dns', value: 'b.test' },
] as const;
const POLICY: LeafPolicy = { validityDays: 90, crlUrl: 'http://ca.test/ca/crl' };
const caKey = generateCaKey('ed25519', () => new Uint8Array());
const csrDer = makeCsr({ key: generateCaKey('ec:P-256', () => new Uint8Array()), names: NAMES });
const reading = readFullCsr(csrDer);
const csr = reading.ok ? reading.value : assert.unreachable(reading.reason);
const rootPlan = planRoot({
  serial: Uint8Array.of(7),
  subject: encodeName({ commonName: 'Lint CA' }),
  notBeforeMs: START_MS - DAY_MS,
  notAfterMs: START_MS + 60 * DAY_MS,
  publicKey: caKey.publicKey,
});
const issuer = makeIssuer(caKey, signCertificate(rootPlan, caKey));
const expected: Expectation = {
  issuer,
  policy: POLICY,
  identifiers: NAMES,
  publicKey: csr!.publicKey,
};
const request = {
  ca: 'default',
  order: 'order-1',
  identifiers: NAMES,
  csr: '',
  notBeforeMs: START_MS,
  notAfterMs: START_MS + 30 * DAY_MS,
};
const validity = leafValidity(request, issuer, 90);
const good = planLeaf(
  request,
  csr!,
  issuer,
  POLICY,
  validity.ok ? validity.value : assert.unreachable()!,
  Uint8Array.from({ length: 16 }, (_, index) => index + 1),
);

/** The failures of the good plan with some changes. */
function failures(changes: Partial<CertificatePlan>): readonly string[] {
  return lintLeaf(signCertificate({ ...good, ...changes }, caKey), expected);
}

/** The good extensions with one replaced by another (or by nothing). */
function replaced(original: Uint8Array, ...by: readonly Uint8Array[]): Partial<CertificatePlan> {
  const index = good.extensions.findIndex((one) => equalBytes(one, original));
  assert.ok(index >= 0, 'the extension to replace is not there');
  return { extensions: good.extensions.toSpliced(index, 1, ...by) };
}

/** A certificate of raw parts, for what a plan cannot say. */
function raw(parts: {
  version?: Uint8Array;
  serial?: Uint8Array;
  inner?: Uint8Array;
  validity?: Uint8Array;
  extensions?: Uint8Array;
}): readonly string[] {
  const { signatureAlgorithm } = caKey;
  const tbs = sequence(
    parts.version ?? explicit(0, integer(2)),
    parts.serial ?? unsignedInteger(good.serial),
    parts.inner ?? signatureAlgorithm,
    good.issuer,
    parts.validity ?? sequence(time(good.notBeforeMs), time(good.notAfterMs)),
    good.subject,
    good.spki,
    parts.extensions ?? explicit(3, sequence(...good.extensions)),
  );
  return lintLeaf(sequence(tbs, signatureAlgorithm, bitString(caKey.sign(tbs))), expected);
}

const san = subjectAltName(NAMES, 'not critical');
const leafUsage = keyUsage(['digitalSignature']);
const purposes = extKeyUsage(['serverAuth', 'clientAuth']);
const ownKeyId = good.extensions[3]!;
const lengthy = { policy: { ...POLICY, validityDays: 10 } };

const CASES: readonly [check: string, what: string, found: () => readonly string[]][] = [
  ['the version is 3', 'version 2', () => raw({ version: explicit(0, integer(1)) })],
  ['the serial number is positive', 'serial 0', () => failures({ serial: Uint8Array.of(0) })],
  [
    'the serial number has at most 20 octets',
    '20 octets with the first bit set',
    () => failures({ serial: new Uint8Array(20).fill(0xff) }),
  ],
  [
    'both signature algorithms are the one of the issuing key',
    'another algorithm inside',
    () => raw({ inner: sequence(encodedOid('ecdsaWithSha256')) }),
  ],
  [
    'the issuer is the subject of the issuing certificate',
    'another issuer',
    () => failures({ issuer: encodeName({ commonName: 'Other CA' }) }),
  ],
  [
    'the times are written as RFC 5280 wants them',
    'GeneralizedTime before 2050',
    () => raw({ validity: sequence(generalizedTime(good.notBeforeMs), time(good.notAfterMs)) }),
  ],
  ['it is valid for a while', 'no time at all', () => failures({ notAfterMs: good.notBeforeMs })],
  [
    'it is valid no longer than the policy allows',
    'thirty days where ten are allowed',
    () => lintLeaf(signCertificate(good, caKey), { ...expected, ...lengthy }),
  ],
  [
    'it is valid within the validity of the issuing certificate',
    'a day longer than the issuer',
    () => failures({ notAfterMs: START_MS + 61 * DAY_MS }),
  ],
  [
    'it is valid within the validity of the issuing certificate',
    'a start before the issuer',
    () => failures({ notBeforeMs: START_MS - 2 * DAY_MS }),
  ],
  [
    'it holds the extensions of the profile and no others',
    'an extension too many',
    () =>
      failures({
        extensions: [
          ...good.extensions,
          sequence(encodedOid('crlNumber'), octetString(integer(1))),
        ],
      }),
  ],
  [
    'subjectAltName holds the identifiers of the order and no others',
    'a name too many',
    () =>
      failures(
        replaced(san, subjectAltName([...NAMES, { type: 'dns', value: 'c.test' }], 'not critical')),
      ),
  ],
  [
    'subjectAltName holds the identifiers of the order and no others',
    'a name twice',
    () => failures(replaced(san, subjectAltName([...NAMES, NAMES[1]], 'not critical'))),
  ],
  [
    'subjectAltName holds the identifiers of the order and no others',
    'a name missing',
    () => failures(replaced(san, subjectAltName([NAMES[0]], 'not critical'))),
  ],
  [
    'the subject is empty or one of the names',
    'a CN of somebody else',
    () => failures({ subject: encodeName({ commonName: 'evil.test' }) }),
  ],
  [
    'the subject is empty or one of the names',
    'an organization nobody checked',
    () => failures({ subject: encodeName({ organization: 'Evil', commonName: 'a.test' }) }),
  ],
  [
    'subjectAltName is critical exactly when the subject is empty',
    'critical beside a CN',
    () => failures(replaced(san, subjectAltName(NAMES, 'critical'))),
  ],
  [
    'basicConstraints is critical and says that it is no CA',
    'a CA',
    () => failures(replaced(basicConstraintsLeaf(), basicConstraintsCa())),
  ],
  [
    'basicConstraints is critical and says that it is no CA',
    'not critical',
    () =>
      failures(
        replaced(basicConstraintsLeaf(), extension('basicConstraints', 'not critical', sequence())),
      ),
  ],
  [
    'keyUsage is critical and fits the key',
    'a key that may sign certificates',
    () => failures(replaced(leafUsage, keyUsage(['digitalSignature', 'keyCertSign']))),
  ],
  [
    'keyUsage is critical and fits the key',
    'not critical',
    () => failures(replaced(leafUsage, extension('keyUsage', 'not critical', namedBits([0])))),
  ],
  [
    'extKeyUsage holds the purposes of the profile',
    'one purpose only',
    () => failures(replaced(purposes, extKeyUsage(['serverAuth']))),
  ],
  [
    'the subject key identifier is the hash of the key',
    'another identifier',
    () => failures(replaced(ownKeyId, subjectKeyIdentifier(new Uint8Array(20)))),
  ],
  [
    'the authority key identifier is the one of the issuing certificate',
    'another identifier',
    () =>
      failures(
        replaced(authorityKeyIdentifier(issuer.keyId), authorityKeyIdentifier(new Uint8Array(20))),
      ),
  ],
  [
    'the policy is domain validation',
    'any policy',
    () =>
      failures(replaced(certificatePolicies('domainValidated'), certificatePolicies('anyPolicy'))),
  ],
  [
    'CRL, OCSP and issuer addresses are the configured ones',
    'another address',
    () =>
      failures(
        replaced(crlDistributionPoints(POLICY.crlUrl!), crlDistributionPoints('http://x.test/')),
      ),
  ],
  ['it is DER', 'a set in the wrong order', setInWrongOrder],
  [
    'the signature verifies',
    'a signature over something else',
    () => {
      const der = signCertificate(good, caKey);
      der[der.length - 1]! ^= 1;
      return lintLeaf(der, expected);
    },
  ],
];

/** What the reader lets through although it is not DER. The subject is wrong then, too. */
function setInWrongOrder(): readonly string[] {
  const [organization, commonName] = [
    encodeName({ organization: 'A' }).subarray(4),
    encodeName({ commonName: 'a.test' }).subarray(4),
  ];
  const subject = sequence(encode(TAG.set, commonName, organization));
  const found = failures({ subject });
  return found.filter((name) => name !== 'the subject is empty or one of the names');
}

test('the good certificate passes', () => assert.equal(failures({}), []));

for (const [check, what, found] of CASES) {
  test(`${what}: not so that ${check}`, () => assert.equal(found(), [check]));
}

test('the public key of somebody else is caught', () => {
  const other = generateCaKey('ec:P-384', () => new Uint8Array()).publicKey;
  const found = lintLeaf(signCertificate(good, caKey), { ...expected, publicKey: other });
  assert.ok(found.includes('the public key is the one of the CSR'));
});

test('what cannot be parsed is caught: negative serials, doubled extensions, no DER', () => {
  const negative = encode(TAG.integer, Uint8Array.of(0x80));
  assert.match(raw({ serial: negative })[0]!, /it can be read .*negative/);
  const twice = failures({ extensions: [...good.extensions, good.extensions[0]!] });
  assert.match(twice[0]!, /it can be read \(it holds extension 2\.5\.29\.15 twice\)/);
  assert.match(lintLeaf(new Uint8Array(), expected)[0]!, /it can be read/);
});

test('a certificate without extensions fails without an exception', () => {
  assert.ok(raw({ extensions: new Uint8Array() }).length > 5);
});

test('every check has a case here', () => {
  const covered = new Set([
    ...CASES.map(([check]) => check),
    'the public key is the one of the CSR',
  ]);
  assert.equal(
    [...CHECKS.keys()].filter((name) => !covered.has(name)),
    [],
  );
});

test.run();
