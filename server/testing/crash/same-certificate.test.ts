import { generateKeyPairSync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeNodeCertificate } from '../../../io/channel/node-certificate.ts';
import { isSameCertificate } from './same-certificate.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEM = new Uint8Array(1184);

/** Signed anew each time. */
function pem(url: string): string {
  const der = makeNodeCertificate({ url, kemPublicKey: KEM, madeMs: 1_000 }, privateKey);
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

test('a certificate that says something else, or has another chain, is another one', () => {
  const [one, other] = [pem('http://a.test'), pem('http://b.test')];
  assert.not(isSameCertificate(one, other));
  assert.not(isSameCertificate(one + one, one + other));
  assert.not(isSameCertificate(one, one + one));
});

test('two signatures over one certificate are one certificate', () => {
  const [one, other] = [pem('http://a.test'), pem('http://a.test')];
  assert.is.not(one, other);
  assert.ok(isSameCertificate(one, other));
  assert.ok(isSameCertificate(one + one, other + one));
});

test.run();
