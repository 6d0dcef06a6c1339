// A self-signed certificate (RFC 5280) for the HTTPS listener of the servers under test.
// Invariant: every server of a run gets the same key and certificate, so that TLS costs the same.
// Never here: anything a client would have to trust; the load client does not verify it.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bitString,
  characterString,
  contextTag,
  encode,
  explicit,
  integer,
  objectIdentifier,
  sequence,
  setOf,
  TAG,
  time,
  unsignedInteger,
} from '../core/der.ts';
import { dnsName, ecdsaWithSha256, subjectAltNames } from './csr.ts';

export interface TlsIdentity {
  readonly certificateFile: string;
  readonly keyFile: string;
}

const HOUR_MS = 3_600_000;
const version3 = explicit(0, integer(2));

/** Makes a P-256 key and a certificate for localhost and 127.0.0.1, valid for 30 days. */
export function makeTlsIdentity(directory: string, nowMs: number): TlsIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const body = tbsCertificate(publicKey, nowMs);
  const signature = bitString(sign('sha256', body, privateKey));
  const identity = {
    certificateFile: join(directory, 'tls-cert.pem'),
    keyFile: join(directory, 'tls-key.pem'),
  };
  const certificate = sequence(body, ecdsaWithSha256, signature);
  writeFileSync(identity.certificateFile, pem('CERTIFICATE', certificate));
  writeFileSync(identity.keyFile, privateKey, { mode: 0o600 });
  return identity;
}

function tbsCertificate(publicKey: Uint8Array, nowMs: number): Uint8Array {
  const commonName = characterString(TAG.printableString, 'akamu benchmark');
  const name = sequence(setOf(sequence(objectIdentifier('2.5.4.3'), commonName)));
  const loopback = encode(contextTag(7, 'primitive'), Uint8Array.of(127, 0, 0, 1));
  const extensions = sequence(subjectAltNames(dnsName('localhost'), loopback));
  return sequence(
    version3,
    unsignedInteger(Uint8Array.of(1, ...randomBytes(8))),
    ecdsaWithSha256,
    name,
    sequence(time(nowMs - HOUR_MS), time(nowMs + 30 * 24 * HOUR_MS)),
    name,
    publicKey,
    explicit(3, extensions),
  );
}

function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${(lines ?? []).join('\n')}\n-----END ${label}-----\n`;
}
