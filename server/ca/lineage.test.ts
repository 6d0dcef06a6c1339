// Which files are taken for the CA that a database was used with, and which are not.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CertificateAuthority, openCa } from './ca.ts';
import { type CaConfig, CaError } from './ca-config.ts';
import { signCertificate } from './certificate.ts';
import { type Issuer, makeIssuer } from './issuer.ts';
import { type CaKey, generateCaKey } from './keys.ts';
import type { Lineage } from './lineage.ts';
import { encodeName } from './name.ts';
import { toPem } from './pem.ts';
import { DAY_MS, planIntermediate, planRoot } from './profile.ts';

const NOW_MS = Date.UTC(2026, 8, 1);
const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
const directories: string[] = [];

const newKey = (): CaKey => generateCaKey('ec:P-256', random);

function configure(files: { key?: CaKey; cert?: readonly Issuer[]; root?: Issuer } = {}): CaConfig {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-lineage-'));
  directories.push(directory);
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  if (files.key) writeFileSync(keyFile, files.key.toPem(), { mode: 0o600 });
  if (files.cert) writeFileSync(certFile, files.cert.map(pemOf).join(''));
  if (files.root) {
    writeFileSync(join(directory, 'root.pem'), pemOf(files.root));
    writeFileSync(join(directory, 'root-key.pem'), files.root.key.toPem(), { mode: 0o600 });
  }
  const names = { id: 'default', commonName: 'Test CA', keyType: 'ec:P-256' } as const;
  return { ...names, keyFile, certFile, validityDays: 90, caValidityYears: 10 };
}

function pemOf({ certificate }: Issuer): string {
  return toPem('CERTIFICATE', certificate.der);
}

function partsOf(key: CaKey, commonName: string): Parameters<typeof planRoot>[0] {
  return {
    serial: random(16).map((octet) => octet | 1),
    subject: encodeName({ commonName }),
    notBeforeMs: NOW_MS - DAY_MS,
    notAfterMs: NOW_MS + 1000 * DAY_MS,
    publicKey: key.publicKey,
  };
}

function newRoot(key: CaKey = newKey()): Issuer {
  return makeIssuer(key, signCertificate(planRoot(partsOf(key, 'Root')), key));
}

function issuingUnder(root: Issuer, key: CaKey = newKey()): Issuer {
  return makeIssuer(key, signCertificate(planIntermediate(partsOf(key, 'CA'), root), root.key));
}

function open(config: CaConfig, used?: CertificateAuthority): CertificateAuthority {
  const lineage: Lineage | undefined = used && { database: 'my.db', keyIds: used.keyIds };
  return openCa(config, { nowMs: NOW_MS, random, lockWaitMs: 60, ...(lineage && { lineage }) });
}

function refuses(config: CaConfig, used: CertificateAuthority, pattern: RegExp): void {
  const directory = join(config.keyFile, '..');
  const before = readdirSync(directory);
  assert.throws(
    () => open(config, used),
    (error: Error) => error instanceof CaError && pattern.test(error.message),
  );
  assert.equal(readdirSync(directory), before);
}

test('a CA whose files are gone is not made anew, and all that matters is named', () => {
  const config = configure();
  const gone = `${config.keyFile} and ${config.certFile}, are missing, but the database my.db was`;
  refuses(config, open(configure()), new RegExp(gone));
  refuses(config, open(configure()), /Restore the files .* or start with an empty database/);
});

test('a root of another CA does not let an issuing CA be made', () => {
  refuses(configure({ root: newRoot() }), open(configure()), /are missing, but the database/);
});

test('the files of another CA are refused, also of one with the same names', () => {
  const other = configure();
  open(other);
  refuses(other, open(configure()), /is another one than that with which the database my\.db was/);
});

test('what is known only by its certificates opens with its files, and is not made', () => {
  const lineage = { database: 'my.db', keyIds: new Set<string>() };
  const door = { nowMs: NOW_MS, random, lineage };
  const config = configure();
  assert.throws(() => openCa(config, door), /are missing/);
  open(config);
  assert.is(openCa(config, door).made, undefined);
});

test('a new issuing CA is made under the root that is there', () => {
  const config = configure();
  const before = open(config);
  assert.is(before.made, 'a new root and issuing CA');
  rmSync(config.keyFile);
  rmSync(config.certFile);
  const after = open(config, before);
  assert.is(after.made, 'a new issuing CA under the root that was there');
  assert.is(open(config, after).made, undefined);
});

test('an intermediate is renewed or replaced under its root, whether the root is here or not', () => {
  const root = newRoot();
  const [old, renewed] = [issuingUnder(root), issuingUnder(root)];
  const again = issuingUnder(root, old.key);
  const used = [[old], [old, root]].map((cert) => open(configure({ key: old.key, cert })));
  for (const before of used) {
    for (const next of [again, renewed]) {
      for (const cert of [[next], [next, root]]) {
        assert.is(open(configure({ key: next.key, cert }), before).made, undefined);
      }
    }
  }
});

test('a root is replaced above the same issuing key', () => {
  const [old, next] = [newRoot(), newRoot()];
  const issuing = issuingUnder(old);
  const before = open(configure({ key: issuing.key, cert: [issuing, old] }));
  const renewed = issuingUnder(next, issuing.key);
  const after = open(configure({ key: issuing.key, cert: [renewed, next] }), before);
  assert.is(after.made, undefined);
  const later = issuingUnder(next);
  assert.is(open(configure({ key: later.key, cert: [later, next] }), after).made, undefined);
});

test.after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

test.run();
