// Tests of opening a CA: what is made on the first start, what is loaded on the next, and what
// every damaged set of files leads to.

import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AssertionFailure } from '../../core/assert.ts';
import { toBase64Url } from '../../core/bytes.ts';
import { integer } from '../../core/der.ts';
import { type CertificateAuthority, openCa } from './ca.ts';
import { type CaConfig, CaError } from './ca-config.ts';
import { signCertificate } from './certificate.ts';
import { pendingPath } from './durable-files.ts';
import { basicConstraintsCa, extension, keyUsage } from './extensions.ts';
import { makeIssuer } from './issuer.ts';
import { type CaKey, generateCaKey } from './keys.ts';
import { makeCsr } from './make-csr.ts';
import { encodeName } from './name.ts';
import { toPem } from './pem.ts';
import { DAY_MS, planIntermediate, planRoot } from './profile.ts';

const NOW_MS = Date.UTC(2026, 8, 1);
let seed = 1;
const random = (length: number): Uint8Array => new Uint8Array(length).fill(seed++ % 251);
const door = { nowMs: NOW_MS, random, lockWaitMs: 60 };
const directories: string[] = [];

function configure(changes: Partial<CaConfig> = {}): CaConfig & { directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-ca-'));
  directories.push(directory);
  return {
    directory,
    id: 'default',
    keyFile: join(directory, 'deep', 'ca-key.pem'),
    certFile: join(directory, 'deep', 'ca.pem'),
    keyType: 'ec:P-256',
    validityDays: 90,
    caValidityYears: 10,
    commonName: 'Test CA',
    organization: 'Test Org',
    ...changes,
  };
}

/** A configuration whose files are there. */
function stored(files: { key?: string; cert?: string; rootKey?: string; root?: string }): CaConfig {
  const directory = configure().directory;
  const paths = {
    key: join(directory, 'ca-key.pem'),
    cert: join(directory, 'ca.pem'),
    rootKey: join(directory, 'root-key.pem'),
    root: join(directory, 'root.pem'),
  };
  for (const name of ['key', 'cert', 'rootKey', 'root'] as const) {
    if (files[name] !== undefined) writeFileSync(paths[name], files[name]);
  }
  return configure({ keyFile: paths.key, certFile: paths.cert });
}

function refuses(config: CaConfig, pattern: RegExp): void {
  try {
    openCa(config, door);
  } catch (error) {
    assert.instance(error, CaError);
    assert.match((error as CaError).message, pattern);
    return;
  }
  assert.unreachable(`opened, where ${pattern} was expected`);
}

const key = generateCaKey('ec:P-256', random);
const otherKey = generateCaKey('ec:P-256', random);

function rootPem(owner: CaKey, extensions?: readonly Uint8Array[], days = 1000): string {
  const plan = planRoot({
    serial: Uint8Array.of(9),
    subject: encodeName({ commonName: 'Own Root' }),
    notBeforeMs: NOW_MS - 100 * DAY_MS,
    notAfterMs: NOW_MS + days * DAY_MS,
    publicKey: owner.publicKey,
  });
  const changed = extensions === undefined ? plan : { ...plan, extensions };
  return toPem('CERTIFICATE', signCertificate(changed, owner));
}

function issue(ca: CertificateAuthority): X509Certificate {
  const csrKey = generateCaKey('ec:P-256', random);
  const identifiers = [{ type: 'dns', value: 'a.test' } as const];
  const csr = toBase64Url(makeCsr({ key: csrKey, names: identifiers }));
  const request = { ca: ca.id, order: 'o', identifiers, csr, notBeforeMs: NOW_MS };
  const result = ca.issue(request);
  assert.ok(result.ok, result.ok ? '' : result.detail);
  return new X509Certificate(Buffer.from(result.certificate.der, 'base64'));
}

test('a key without certificate is refused, and both files are named', () => {
  const config = stored({ key: key.toPem() });
  refuses(config, /key_file .*ca-key\.pem is there but cert_file .*ca\.pem is missing; bring back/);
});

test('a certificate without key is refused, and both files are named', () => {
  const config = stored({ cert: rootPem(key) });
  refuses(config, /cert_file .*ca\.pem is there but key_file .*ca-key\.pem is missing; bring back/);
});

const DAMAGED: readonly [what: string, files: Parameters<typeof stored>[0], pattern: RegExp][] = [
  [
    'a key file without a key',
    { key: '', cert: rootPem(key) },
    /key_file .*: there is no PEM block/,
  ],
  [
    'a certificate file without one',
    { key: key.toPem(), cert: '' },
    /cert_file .*: there is no PEM block "CERTIFICATE"/,
  ],
  [
    'a broken certificate',
    { key: key.toPem(), cert: toPem('CERTIFICATE', Uint8Array.of(5, 0)) },
    /cert_file .*: the certificate is not valid DER/,
  ],
  [
    'a certificate of another key',
    { key: otherKey.toPem(), cert: rootPem(key) },
    /the key in .* is not the key of the first certificate/,
  ],
  [
    'a certificate that is no CA',
    { key: key.toPem(), cert: rootPem(key, []) },
    /not a CA's \(basicConstraints must say CA:TRUE\)/,
  ],
  [
    'a CA that may not sign certificates',
    { key: key.toPem(), cert: rootPem(key, [basicConstraintsCa(), keyUsage(['crlSign'])]) },
    /keyUsage lacks keyCertSign/,
  ],
  [
    'a CA that may not sign CRLs',
    { key: key.toPem(), cert: rootPem(key, [basicConstraintsCa(), keyUsage(['keyCertSign'])]) },
    /keyUsage lacks crlSign/,
  ],
  [
    'a CA with broken extensions',
    {
      key: key.toPem(),
      cert: rootPem(key, [extension('basicConstraints', 'critical', integer(1))]),
    },
    /a certificate is not valid DER/,
  ],
  [
    'an expired CA',
    { key: key.toPem(), cert: rootPem(key, undefined, -1) },
    /expired at 2026-08-31T00:00:00\.000Z; renew it/,
  ],
  [
    'a chain out of order',
    { key: key.toPem(), cert: rootPem(key) + rootPem(otherKey) },
    /certificate 1 is not signed by the one after it/,
  ],
];

for (const [what, files, pattern] of DAMAGED) {
  test(`${what} is refused`, () => refuses(stored(files), pattern));
}

test('a root certificate without its key cannot make a new issuing certificate', () => {
  refuses(
    stored({ root: rootPem(key) }),
    /of the root only the certificate .*root\.pem is there; bring back its key/,
  );
});

test('a root whose key is another one is refused', () => {
  const files = { root: rootPem(key), rootKey: otherKey.toPem() };
  refuses(stored(files), /is not the key of the first certificate/);
});

test('the first start makes a root, an issuing certificate and four files', () => {
  const config = configure();
  const ca = openCa(config, door);
  const directory = join(config.directory, 'deep');
  assert.equal(readdirSync(directory).sort(), ['ca-key.pem', 'ca.pem', 'root-key.pem', 'root.pem']);
  const modes = ['ca-key.pem', 'root-key.pem'].map((name) => statSync(join(directory, name)).mode);
  assert.equal(
    modes.map((mode) => mode & 0o777),
    [0o600, 0o600],
  );
  const root = new X509Certificate(ca.rootPem!);
  const issuing = new X509Certificate(ca.chainPem);
  assert.is(root.subject, 'O=Test Org\nCN=Test CA Root');
  assert.is(issuing.subject, 'O=Test Org\nCN=Test CA');
  assert.ok(root.verify(root.publicKey) && issuing.verify(root.publicKey));
  assert.is(readFileSync(config.certFile, 'utf8'), ca.chainPem + ca.rootPem);
  assert.is(readFileSync(join(directory, 'root.pem'), 'utf8'), ca.rootPem);
  assert.is(ca.spkiHashes.size, 2);
  assert.ok(Math.abs(ca.expiresMs - NOW_MS - 3652.5 * DAY_MS) < DAY_MS);
});

test('the second start opens the same CA', () => {
  const config = configure();
  const first = openCa(config, door);
  const second = openCa({ ...config, keyType: 'rsa:2048' }, { ...door, nowMs: NOW_MS + DAY_MS });
  assert.is(second.keyType, 'ec:P-256');
  assert.is(second.chainPem, first.chainPem);
  assert.is(second.rootPem, first.rootPem);
  assert.equal(second.deriveSecret('x'), first.deriveSecret('x'));
  assert.equal(second.spkiHashes, first.spkiHashes);
});

test('the root key can be taken away', () => {
  const config = configure();
  const first = openCa(config, door);
  rmSync(join(config.directory, 'deep', 'root-key.pem'));
  assert.is(openCa(config, door).rootPem, first.rootPem);
});

test('an issuing certificate without its root above it finds the root in its own file', () => {
  const config = configure();
  const first = openCa(config, door);
  writeFileSync(config.certFile, first.chainPem);
  assert.is(openCa(config, door).rootPem, first.rootPem);
  rmSync(join(config.directory, 'deep', 'root.pem'));
  const alone = openCa(config, door);
  assert.is(alone.rootPem, undefined);
  assert.is(alone.chainPem, first.chainPem);
});

test('a new issuing certificate is made from the root that is there', () => {
  const config = configure();
  const first = openCa(config, door);
  rmSync(config.keyFile);
  rmSync(config.certFile);
  const second = openCa(config, door);
  assert.is(second.rootPem, first.rootPem);
  assert.is.not(second.chainPem, first.chainPem);
});

test('a self-signed certificate without intermediate issues, and is its own chain', () => {
  const pem = rootPem(key);
  const ca = openCa(stored({ key: key.toPem(), cert: `# my CA\n${pem}` }), door);
  assert.is(ca.chainPem, pem);
  assert.is(ca.rootPem, pem);
  const leaf = issue(ca);
  assert.ok(leaf.verify(new X509Certificate(pem).publicKey));
});

test('a CA certificate without keyUsage may do everything', () => {
  const pem = rootPem(key, [basicConstraintsCa()]);
  assert.is(openCa(stored({ key: key.toPem(), cert: pem }), door).chainPem, pem);
});

test('further intermediates follow the issuing certificate, the root does not', () => {
  const top = makeIssuer(
    otherKey,
    Buffer.from(rootPem(otherKey).split('\n').slice(1, -2).join(''), 'base64'),
  );
  const parts = { serial: Uint8Array.of(3), notBeforeMs: NOW_MS, notAfterMs: NOW_MS + DAY_MS };
  const middleKey = generateCaKey('ec:P-384', random);
  const middleSubject = encodeName({ commonName: 'Middle' });
  const middle = signCertificate(
    planIntermediate({ ...parts, subject: middleSubject, publicKey: middleKey.publicKey }, top),
    otherKey,
  );
  const lowSubject = encodeName({ commonName: 'Low' });
  const low = signCertificate(
    planIntermediate(
      { ...parts, subject: lowSubject, publicKey: key.publicKey },
      makeIssuer(middleKey, middle),
    ),
    middleKey,
  );
  const chain = toPem('CERTIFICATE', low) + toPem('CERTIFICATE', middle);
  const ca = openCa(stored({ key: key.toPem(), cert: chain + rootPem(otherKey) }), door);
  assert.is(ca.chainPem, chain);
  assert.equal(new X509Certificate(ca.rootPem!).subject, 'CN=Own Root');
  assert.is(ca.spkiHashes.size, 3);
});

test('a start that was interrupted before the last rename is completed', () => {
  const config = configure();
  const first = openCa(config, door);
  renameSync(config.certFile, pendingPath(config.certFile));
  assert.is(openCa(config, door).chainPem, first.chainPem);
  assert.is(readFileSync(config.certFile, 'utf8'), first.chainPem + first.rootPem);
});

test('a pending certificate of another key is not taken', () => {
  const config = stored({ key: key.toPem() });
  writeFileSync(pendingPath(config.certFile), rootPem(otherKey));
  refuses(config, /is missing/);
  writeFileSync(pendingPath(config.certFile), 'half a fi');
  refuses(config, /is missing/);
});

test('a start that was interrupted earlier leaves its lock, and the message helps', () => {
  const config = stored({});
  writeFileSync(pendingPath(config.keyFile), key.toPem());
  refuses(config, /ca-key\.pem\.new is there: another process .* delete .* and start again/);
  rmSync(pendingPath(config.keyFile));
  assert.ok(openCa(config, door).chainPem.length > 0);
});

test('a root key that an interrupted start left gets its certificate', () => {
  const config = stored({ rootKey: otherKey.toPem() });
  const ca = openCa(config, door);
  const publicKey = new X509Certificate(ca.rootPem!).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  assert.equal(new Uint8Array(publicKey), new Uint8Array(otherKey.publicKey.spki));
});

test('when the files cannot be written no half of a CA is left', () => {
  const config = stored({});
  const blocked = { ...config, rootKeyFile: join(config.keyFile, 'no-directory', 'root-key.pem') };
  writeFileSync(`${config.keyFile}-x`, '');
  const impossible = { ...blocked, rootKeyFile: join(`${config.keyFile}-x`, 'root-key.pem') };
  assert.throws(() => openCa(impossible, door));
  assert.throws(() => readFileSync(config.keyFile), /ENOENT/);
  assert.throws(() => readFileSync(pendingPath(config.keyFile)), /ENOENT/);
  assert.ok(openCa(config, door).chainPem.length > 0);
});

test('a file that cannot be read is not taken for one that is missing', () => {
  const config = stored({ cert: rootPem(key) });
  const unreadable = { ...config, keyFile: join(config.certFile, 'key.pem') };
  assert.throws(() => openCa(unreadable, door), /ENOTDIR/);
  chmodSync(config.certFile, 0o600);
});

test('CRLs and secrets come from the issuing key', () => {
  const ca = openCa(configure(), door);
  const times = { number: 1, thisUpdateMs: NOW_MS, nextUpdateMs: NOW_MS + DAY_MS, revoked: [] };
  assert.ok(ca.crl(times).length > 100);
  assert.is(ca.deriveSecret('cluster').length, 32);
  assert.not.equal(ca.deriveSecret('cluster'), ca.deriveSecret('certificate serial numbers'));
});

test('a request for another CA is our own mistake', () => {
  const ca = openCa(configure(), door);
  const request = { ca: 'other', order: 'o', identifiers: [], csr: '', notBeforeMs: NOW_MS };
  assert.throws(
    () => ca.issue(request),
    (error: unknown) => error instanceof AssertionFailure,
  );
});

test('addresses of the configuration are in the leaf', () => {
  const ca = openCa(
    configure({
      crlUrl: 'http://ca.test/crl',
      ocspUrl: 'http://ca.test/ocsp',
      issuerUrl: 'http://ca.test/ca.der',
    }),
    door,
  );
  const leaf = issue(ca);
  assert.match(
    leaf.infoAccess ?? '',
    /OCSP - URI:http:\/\/ca\.test\/ocsp\nCA Issuers - URI:http:\/\/ca\.test\/ca\.der/,
  );
});

test.after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

test.run();
