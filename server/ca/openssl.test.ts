// What openssl makes of our certificates and lists, and we of its requests, keys and CAs.

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Identifier } from '../../core/acme/identifier.ts';
import { toBase64Url } from '../../core/bytes.ts';
import { type CertificateAuthority, openCa } from './ca.ts';
import type { CaConfig } from './ca-config.ts';
import { readCsr } from './csr.ts';
import { type CaKeyType, generateCaKey } from './keys.ts';
import { makeCsr } from './make-csr.ts';
import { toPem } from './pem.ts';

const NAMES: readonly Identifier[] = [
  { type: 'dns', value: '*.wild.test' },
  { type: 'dns', value: 'a.test' },
  { type: 'ip', value: '2001:db8::1' },
];
const directory = mkdtempSync(join(tmpdir(), 'akamu-openssl-'));
const path = (name: string): string => join(directory, name);
const door = { nowMs: Date.now(), random: (length: number) => new Uint8Array(randomBytes(length)) };

/** Runs openssl; its output, both streams, and whether it was content. */
function openssl(...parameters: readonly string[]): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync('openssl', parameters, { encoding: 'utf8' });
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}` };
}

function succeeds(...parameters: readonly string[]): string {
  const { ok, output } = openssl(...parameters);
  assert.ok(ok, `openssl ${parameters.join(' ')}\n${output}`);
  return output;
}

function configure(name: string, keyType: CaKeyType): CaConfig {
  return {
    id: name,
    keyFile: path(`${name}/key.pem`),
    certFile: path(`${name}/ca.pem`),
    keyType,
    validityDays: 90,
    caValidityYears: 10,
    commonName: 'OpenSSL CA',
    organization: 'Test',
    crlUrl: 'http://ca.test/ca/crl',
    ocspUrl: 'http://ca.test/ca/ocsp',
  };
}

function issue(ca: CertificateAuthority, csr: Uint8Array, order = 'order'): string {
  const reading = readCsr(csr);
  assert.ok(reading.ok, reading.ok ? '' : reading.reason);
  const identifiers = reading.value.names;
  const request = { ca: ca.id, order, identifiers, csr: toBase64Url(csr), notBeforeMs: door.nowMs };
  const result = ca.issue(request);
  assert.ok(result.ok, result.ok ? '' : result.detail);
  return result.certificate.der;
}

const leafKey = generateCaKey('ec:P-256', door.random);
const leafCsr = makeCsr({ key: leafKey, names: NAMES, commonName: 'a.test' });

function storeChain(ca: CertificateAuthority, leaf: string): string[] {
  writeFileSync(path('leaf.pem'), toPem('CERTIFICATE', Buffer.from(leaf, 'base64')));
  writeFileSync(path('chain.pem'), ca.chainPem);
  writeFileSync(path('root.pem'), ca.rootPem!);
  return ['-CAfile', path('root.pem'), '-untrusted', path('chain.pem')];
}

function interoperates(type: CaKeyType): void {
  const ca = openCa(configure(type.replace(':', '-'), type), door);
  const leaf = issue(ca, leafCsr);
  const trust = storeChain(ca, leaf);
  const strict = ['verify', '-x509_strict', '-check_ss_sig', ...trust];
  succeeds(...strict, '-purpose', 'sslserver', '-verify_hostname', 'b.wild.test', path('leaf.pem'));
  succeeds(...strict, '-purpose', 'sslclient', '-verify_ip', '2001:db8::1', path('leaf.pem'));
  const wrong = openssl(...strict, '-verify_hostname', 'c.test', path('leaf.pem'));
  assert.not.ok(wrong.ok);
  assert.match(wrong.output, /hostname mismatch/);

  const { serialNumber } = certificateFields(leaf);
  const entries = [{ serial: serialNumber, atMs: door.nowMs - 1000, reason: 1 }];
  const checked = [...strict, '-crl_check', '-CRLfile', path('crl.pem'), path('leaf.pem')];
  storeCrl(ca, []);
  succeeds(...checked);
  storeCrl(ca, entries);
  const revoked = openssl(...checked);
  assert.not.ok(revoked.ok);
  assert.match(revoked.output, /certificate revoked/);
  const text = succeeds(
    'crl',
    '-in',
    path('crl.pem'),
    '-noout',
    '-text',
    '-CAfile',
    path('chain.pem'),
  );
  assert.match(text, /verify OK/);
  assert.match(text, /Version 2[\s\S]*X509v3 CRL Number:\s+77[\s\S]*Key Compromise/);
}

function storeCrl(
  ca: CertificateAuthority,
  revoked: readonly { serial: string; atMs: number; reason: number }[],
): void {
  const times = { thisUpdateMs: door.nowMs - 1000, nextUpdateMs: door.nowMs + 86_400_000 };
  const crl = ca.crl({ number: 77n, ...times, revoked });
  writeFileSync(path('crl.pem'), toPem('X509 CRL', crl));
}

function certificateFields(der: string): { serialNumber: string } {
  writeFileSync(path('one.der'), Buffer.from(der, 'base64'));
  const output = succeeds('x509', '-inform', 'DER', '-in', path('one.der'), '-noout', '-serial');
  return { serialNumber: output.trim().replace('serial=', '').toLowerCase() };
}

/** Options of `openssl req` that make and sign with a key of some kind. */
const REQUESTS: readonly [what: string, options: readonly string[]][] = [
  ['EC P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ['EC P-384 with SHA-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384']],
  ['EC P-521 with SHA-512', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521', '-sha512']],
  ['RSA 2048', ['-newkey', 'rsa:2048']],
  ['RSA-PSS with the longest salt', ['-newkey', 'rsa:2048', '-sigopt', 'rsa_padding_mode:pss']],
  ['Ed25519', ['-newkey', 'ed25519']],
];

function request(options: readonly string[]): Uint8Array {
  const names = 'subjectAltName=DNS:a.test,DNS:*.wild.test,IP:2001:db8::1';
  const out = ['-keyout', path('leaf-key.pem'), '-outform', 'DER', '-out', path('leaf.csr')];
  succeeds('req', '-new', '-nodes', ...options, '-subj', '/CN=A.test', '-addext', names, ...out);
  return new Uint8Array(readFileSync(path('leaf.csr')));
}

function defineTests(): void {
  for (const type of ['ec:P-256', 'ec:P-384', 'rsa:2048', 'ed25519'] as const) {
    test(`openssl accepts chain, leaf and CRL of a CA with an ${type} key`, () =>
      interoperates(type));
  }
  for (const type of ['rsa:3072', 'rsa:4096'] as const) {
    test(`openssl accepts chain, leaf and CRL of a CA with an ${type} key`, () =>
      interoperates(type));
  }

  for (const [what, options] of REQUESTS) {
    test(`a request that openssl made with ${what} is read and issued for`, () => {
      const csr = request(options);
      const reading = readCsr(csr);
      assert.ok(reading.ok, reading.ok ? '' : reading.reason);
      assert.equal(reading.value.names, NAMES);
      const ca = openCa(configure('requests', 'ec:P-256'), door);
      const trust = storeChain(ca, issue(ca, csr, what));
      succeeds('verify', '-x509_strict', ...trust, path('leaf.pem'));
      const own = succeeds('pkey', '-in', path('leaf-key.pem'), '-pubout');
      assert.is(succeeds('x509', '-in', path('leaf.pem'), '-noout', '-pubkey'), own);
    });
  }

  test('a request signed with SHA-1 is refused', () => {
    const reading = readCsr(request(['-newkey', 'rsa:2048', '-sha1']));
    assert.match(reading.ok ? 'accepted' : reading.reason, /signed with SHA-1/);
  });

  test('a CA that openssl made is opened, and issues', () => {
    const name = ['-subj', '/O=Old/CN=Old CA', '-days', '400'];
    const out = ['-keyout', path('old-key.pem'), '-out', path('old.pem')];
    succeeds('req', '-x509', '-nodes', '-newkey', 'rsa:2048', ...name, ...out);
    const config = { ...configure('old', 'ec:P-256'), keyFile: path('old-key.pem') };
    const ca = openCa({ ...config, certFile: path('old.pem') }, door);
    assert.is(ca.keyType, 'rsa:2048');
    const trust = storeChain(ca, issue(ca, leafCsr));
    succeeds('verify', ...trust, path('leaf.pem'));
  });

  test('openssl sees the extensions we promise', () => {
    const ca = openCa(configure('text', 'ec:P-256'), door);
    storeChain(ca, issue(ca, leafCsr));
    const text = succeeds('x509', '-in', path('leaf.pem'), '-noout', '-text');
    for (const pattern of [
      /Subject: CN = a\.test\n/,
      /Key Usage: critical\s+Digital Signature\n/,
      /Extended Key Usage: \s+TLS Web Server Authentication, TLS Web Client Authentication\n/,
      /Basic Constraints: critical\s+CA:FALSE\n/,
      /DNS:\*\.wild\.test, DNS:a\.test, IP Address:2001:DB8:0:0:0:0:0:1\n/,
      /Policy: 2\.23\.140\.1\.2\.1\n/,
      /URI:http:\/\/ca\.test\/ca\/crl\n/,
      /OCSP - URI:http:\/\/ca\.test\/ca\/ocsp\n/,
    ]) {
      assert.match(text, pattern);
    }
  });
}

const version = openssl('version');
if (version.ok) defineTests();
else console.log('skipped: there is no openssl on the PATH to check our certificates with');

test.after(() => rmSync(directory, { recursive: true, force: true }));

test.run();
