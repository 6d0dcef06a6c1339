import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from '../io/config/index.ts';
import { OperatorError } from '../io/operator-error.ts';
import type { CertificateAuthority } from './ca/ca.ts';
import { openIdentity } from './tls.ts';

const directory = mkdtempSync(join(tmpdir(), 'akamu-tls-'));
const NO_CA = undefined as unknown as CertificateAuthority;

test("an operator's files that are no certificate and key are refused by their names", () => {
  const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  for (const file of [certFile, keyFile]) writeFileSync(file, 'nothing');
  const read = readConfig('', 'test');
  assert.ok(read.ok);
  const config = { ...read.config.tls, certFile, keyFile };
  assert.throws(
    () => openIdentity(config, 'https://a.test', NO_CA, 90, 0),
    (error: Error) =>
      error instanceof OperatorError &&
      error.message.startsWith(`[tls] cert_file ${certFile} and key_file ${keyFile} cannot be`),
  );
});

test.after(() => rmSync(directory, { recursive: true }));

test.run();
