// Tests of the first start that need whole processes or slow keys.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toBase64Url } from '../../core/bytes.ts';
import { openCa } from './ca.ts';
import type { CaConfig } from './ca-config.ts';
import { parseCertificate } from './certificate.ts';
import { generateCaKey } from './keys.ts';
import { makeCsr } from './make-csr.ts';
import { fromPem } from './pem.ts';

const NOW_MS = Date.UTC(2026, 8, 1);
const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
const door = { nowMs: NOW_MS, random };
const directory = mkdtempSync(join(tmpdir(), 'akamu-start-'));

function configure(changes: Pick<CaConfig, 'keyType'>): CaConfig {
  return {
    id: 'default',
    keyFile: join(directory, changes.keyType, 'ca-key.pem'),
    certFile: join(directory, changes.keyType, 'ca.pem'),
    validityDays: 90,
    caValidityYears: 10,
    commonName: 'Test CA',
    ...changes,
  };
}

test('several processes that start at once open one and the same CA', async () => {
  const config = configure({ keyType: 'rsa:2048' });
  const module = new URL('./ca.js', import.meta.url).href;
  const script = `
    const { openCa } = await import(${JSON.stringify(module)});
    const random = (length) => crypto.getRandomValues(new Uint8Array(length));
    const ca = openCa(${JSON.stringify(config)}, { nowMs: ${NOW_MS}, random });
    process.stdout.write(ca.chainPem);`;
  const start = (): Promise<string> =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]).then(
      ({ stdout }) => stdout,
    );
  const chains = await Promise.all([start(), start(), start()]);
  assert.is(new Set(chains).size, 1);
  assert.is(chains[0], openCa(config, door).chainPem);
});

for (const keyType of ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const) {
  test(`RFC 9881: the chain of a CA with an ${keyType} key verifies`, () => {
    const ca = openCa(configure({ keyType }), door);
    const [issuing, root] = [ca.chainPem, ca.rootPem!].map((pem) =>
      parseCertificate(fromPem(pem)[0]!.der),
    );
    const identifiers = [{ type: 'dns', value: 'a.test' } as const];
    const key = generateCaKey(keyType, random);
    const csr = toBase64Url(makeCsr({ key, names: identifiers }));
    const request = { ca: ca.id, order: 'o', identifiers, csr, notBeforeMs: NOW_MS };
    const result = ca.issue(request);
    assert.ok(result.ok, result.ok ? '' : result.detail);
    const leaf = parseCertificate(Buffer.from(result.certificate.der, 'base64'));
    const scheme = { 'ml-dsa-44': ml_dsa44, 'ml-dsa-65': ml_dsa65, 'ml-dsa-87': ml_dsa87 }[keyType];
    for (const [lower, upper] of [
      [leaf, issuing],
      [issuing, root],
      [root, root],
    ]) {
      const publicKey = upper!.spki.subarray(-scheme.lengths.publicKey!);
      assert.ok(scheme.verify(lower!.signature, lower!.tbs, publicKey));
    }
  });
}

test.after(() => rmSync(directory, { recursive: true, force: true }));

test.run();
