// Tests of the TLS identity that all servers of a run share.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeTlsIdentity } from './tls-identity.ts';

test('RFC 5280 §4.1: the certificate is signed by its own key and valid around now', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tls-identity-test-'));
  try {
    const nowMs = Date.UTC(2026, 2, 4, 5, 6, 7);
    const { certificateFile, keyFile } = makeTlsIdentity(directory, nowMs);
    const certificate = new X509Certificate(readFileSync(certificateFile));
    assert.ok(certificate.verify(certificate.publicKey));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(readFileSync(keyFile))));
    assert.is(certificate.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1');
    assert.is(Date.parse(certificate.validFrom), nowMs - 3_600_000);
    assert.ok(Date.parse(certificate.validTo) > nowMs);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
