// Tests of issuing one leaf: what is refused and why, what comes out, and that it is a function.

import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Identifier } from '../../core/acme/identifier.ts';
import { sortIdentifiers } from '../../core/acme/identifier.ts';
import type { IssuedCertificate, IssueRequest, IssueResult } from '../../core/acme/issuance.ts';
import { toBase64Url } from '../../core/bytes.ts';
import { type Certificate, parseCertificate, signCertificate } from './certificate.ts';
import { findExtension } from './extension-reader.ts';
import { issueLeaf, type LeafAuthority, serialText } from './issue.ts';
import { makeIssuer } from './issuer.ts';
import { type CaKey, generateCaKey } from './keys.ts';
import { makeCsr } from './make-csr.ts';
import { encodeName } from './name.ts';
import { DAY_MS, leafSerial, planRoot, positiveSerial } from './profile.ts';

const START_MS = Date.UTC(2026, 0, 1);
const filled = (length: number): Uint8Array => new Uint8Array(length).fill(3);
const dns = (value: string): Identifier => ({ type: 'dns', value });
const NAMES = [dns('a.test'), dns('b.test')];
const clientKey = generateCaKey('ec:P-256', filled);
const caKey = generateCaKey('ed25519', filled);

function authority(key: CaKey, end = START_MS + 3650 * DAY_MS): LeafAuthority {
  const plan = planRoot({
    serial: Uint8Array.of(1),
    subject: encodeName({ commonName: 'Test CA' }),
    notBeforeMs: START_MS,
    notAfterMs: end,
    publicKey: key.publicKey,
  });
  return {
    issuer: makeIssuer(key, signCertificate(plan, key)),
    policy: { validityDays: 90 },
    serialSecret: filled(32),
    ownKeys: new Set([key.publicKey.spkiHash]),
  };
}

const ca = authority(caKey);

function request(changes: Partial<IssueRequest> & { commonName?: string } = {}): IssueRequest {
  const { commonName, ...rest } = changes;
  const names = rest.identifiers ?? NAMES;
  const csr = makeCsr({ key: clientKey, names, ...(commonName !== undefined && { commonName }) });
  return {
    ca: 'default',
    order: 'order-1',
    identifiers: NAMES,
    csr: toBase64Url(csr),
    notBeforeMs: START_MS + DAY_MS + 789,
    ...rest,
  };
}

function issued(result: IssueResult): IssuedCertificate {
  assert.ok(result.ok, result.ok ? '' : result.detail);
  return result.certificate;
}

function refused(result: IssueResult, problem: string, pattern: RegExp): void {
  assert.not.ok(result.ok);
  if (result.ok) return;
  assert.is(result.problem, problem);
  assert.match(result.detail, pattern);
}

test('a CSR that is not base64url is refused', () => {
  refused(issueLeaf(ca, request({ csr: 'AA==' })), 'badCSR', /not unpadded base64url/);
});

test('a CSR that does not read is refused with its reason', () => {
  refused(issueLeaf(ca, request({ csr: 'AAAA' })), 'badCSR', /the CSR is not valid DER/);
});

test('a CSR with a key of this CA is refused', () => {
  const csr = toBase64Url(makeCsr({ key: caKey, names: NAMES }));
  refused(issueLeaf(ca, request({ csr })), 'badCSR', /key of this CA; make a new key/);
});

test('a CSR with other names than the order is refused, and both differences are named', () => {
  const csr = toBase64Url(makeCsr({ key: clientKey, names: [dns('b.test'), dns('c.test')] }));
  const pattern = /not those of the order: it lacks a\.test and it adds c\.test$/;
  refused(issueLeaf(ca, request({ csr })), 'badCSR', pattern);
});

test('a notAfter beyond the longest validity is refused', () => {
  const notAfterMs = START_MS + 91 * DAY_MS + 1000;
  refused(issueLeaf(ca, request({ notAfterMs })), 'badCSR', /later than the 90 days/);
});

test('a notAfter that is not after notBefore is refused', () => {
  const notAfterMs = START_MS + DAY_MS;
  refused(issueLeaf(ca, request({ notAfterMs })), 'badCSR', /not later than notBefore/);
});

test('an issuing certificate at its end is our own problem', () => {
  const late = request({ notBeforeMs: START_MS + 3650 * DAY_MS });
  refused(issueLeaf(ca, late), 'serverInternal', /issuing certificate expires.*renew the CA/);
});

test('a key that signs wrongly is caught before anybody sees the certificate', () => {
  const key: CaKey = { ...caKey, sign: (message) => caKey.sign(message.subarray(1)) };
  const broken = { ...ca, issuer: { ...ca.issuer, key } };
  refused(issueLeaf(broken, request()), 'serverInternal', /not so that the signature verifies/);
});

test('the longest validity counts both ends, in whole seconds', () => {
  const { notBeforeMs, notAfterMs } = issued(issueLeaf(ca, request()));
  assert.is(notBeforeMs, START_MS + DAY_MS);
  assert.is(notAfterMs, START_MS + 91 * DAY_MS - 1000);
});

test('a shorter notAfter is honoured, and the whole period is cut by its last second', () => {
  const shorter = START_MS + 2 * DAY_MS;
  assert.is(issued(issueLeaf(ca, request({ notAfterMs: shorter }))).notAfterMs, shorter);
  const whole = START_MS + 91 * DAY_MS;
  assert.is(issued(issueLeaf(ca, request({ notAfterMs: whole }))).notAfterMs, whole - 1000);
});

test('the validity is cut to the one of the issuing certificate on both sides', () => {
  const end = START_MS + 30 * DAY_MS;
  const early = request({ notBeforeMs: START_MS - DAY_MS });
  const { notBeforeMs, notAfterMs } = issued(issueLeaf(authority(caKey, end), early));
  assert.is(notBeforeMs, START_MS);
  assert.is(notAfterMs, end);
});

test('one request makes one certificate, byte for byte, with a deterministic CA key', () => {
  const same = request();
  assert.equal(issueLeaf(ca, same), issueLeaf(ca, same));
});

test('with ECDSA everything but the signature is the same', () => {
  const ecdsa = authority(generateCaKey('ec:P-256', filled));
  const same = request();
  const [first, second] = [1, 2].map(() => {
    const { der } = issued(issueLeaf(ecdsa, same));
    return parsed(der);
  });
  assert.equal(first!.tbs, second!.tbs);
  assert.not.equal(first!.signature, second!.signature);
});

test('another order, CSR or CA has another serial number', () => {
  const other = generateCaKey('ec:P-256', filled);
  const first = request();
  const serials = [
    issueLeaf(ca, first),
    issueLeaf(ca, { ...first, order: 'order-2' }),
    issueLeaf(ca, request({ csr: toBase64Url(makeCsr({ key: other, names: NAMES })) })),
    issueLeaf({ ...ca, serialSecret: new Uint8Array(32) }, first),
  ].map((result) => issued(result).serial);
  assert.is(new Set(serials).size, serials.length);
});

test('property: serial numbers are positive, of at most 127 bits and never zero', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.string(), (octets, order) => {
      for (const serial of [positiveSerial(octets), leafSerial(octets, order, octets)]) {
        assert.is(serial.length, 16);
        assert.ok(serial[0]! < 0x80);
        assert.ok(serial.some((octet) => octet !== 0));
        assert.not.match(serialText(serial), /^00/);
      }
    }),
  );
  assert.is(serialText(positiveSerial(new Uint8Array(16))), '01');
});

test('the order id is framed, so no other split of the same bytes has the same number', () => {
  const secret = filled(32);
  assert.not.equal(leafSerial(secret, 'ab', filled(3)), leafSerial(secret, 'a', filled(3)));
});

test('the CN is the one of the CSR, else the first name', () => {
  const chosen = issued(issueLeaf(ca, request({ commonName: 'B.test' })));
  assert.is(certificate(chosen).subject, 'CN=b.test');
  assert.is(certificate(issued(issueLeaf(ca, request()))).subject, 'CN=a.test');
});

test('where no name fits the subject is empty and SAN critical', () => {
  const identifiers = [dns(`${'long.'.repeat(13)}test`)];
  const { der } = issued(issueLeaf(ca, request({ identifiers })));
  const leaf = parsed(der);
  assert.equal(leaf.subject, Uint8Array.of(0x30, 0));
  assert.is(findExtension(leaf.extensions, 'subjectAltName')?.critical, true);
});

test('property: any set of names comes back from the certificate', () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
  const host = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));
  const name = fc.oneof(
    host.map(dns),
    host.map((value) => dns(`*.${value}`)),
    fc.ipV4().map((value): Identifier => ({ type: 'ip', value })),
  );
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 8 }), (names) => {
      const identifiers = sortIdentifiers(names);
      const text = certificate(issued(issueLeaf(ca, request({ identifiers })))).subjectAltName;
      const wanted = identifiers.map(({ type, value }) =>
        type === 'dns' ? `DNS:${value}` : `IP Address:${value}`,
      );
      assert.equal(text?.split(', '), wanted);
    }),
    { numRuns: 60 },
  );
});

test('only an RSA leaf may encipher keys', () => {
  const rsa = generateCaKey('rsa:2048', filled);
  const csr = toBase64Url(makeCsr({ key: rsa, names: NAMES }));
  const usageOf = (result: IssueResult): Uint8Array => {
    const leaf = parsed(issued(result).der);
    return findExtension(leaf.extensions, 'keyUsage')!.value;
  };
  assert.equal(usageOf(issueLeaf(ca, request({ csr }))), Uint8Array.of(3, 2, 5, 0xa0));
  assert.equal(usageOf(issueLeaf(ca, request())), Uint8Array.of(3, 2, 7, 0x80));
});

test('the result describes the certificate', () => {
  const result = issued(issueLeaf(ca, request()));
  const x509 = certificate(result);
  assert.is(x509.serialNumber.toLowerCase().replace(/^0+/, ''), result.serial.replace(/^0+/, ''));
  assert.is(x509.validFromDate?.getTime() ?? Date.parse(x509.validFrom), result.notBeforeMs);
  assert.is(x509.validToDate?.getTime() ?? Date.parse(x509.validTo), result.notAfterMs);
  assert.is(result.spkiHash, clientKey.publicKey.spkiHash);
});

function parsed(der: string): Certificate {
  return parseCertificate(new Uint8Array(Buffer.from(der, 'base64')));
}

function certificate(result: IssuedCertificate): X509Certificate & {
  validFromDate?: Date;
  validToDate?: Date;
} {
  return new X509Certificate(Buffer.from(result.der, 'base64'));
}

test.run();
