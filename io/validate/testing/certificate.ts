// Challenge certificates for tests (RFC 8737 §3), right or wrong in every respect a validator
// checks. Invariant: what is not asked to be wrong is right. Never here: certificates for anything
// but tests; the keys are thrown away with the process.

import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { Identifier } from '../../../core/acme/identifier.ts';
import { ipToBytes } from '../../../core/acme/ip-address.ts';

export interface ChallengeCertificateOptions {
  /** The entries of subjectAltName; empty leaves the extension out. */
  readonly names: readonly Identifier[];
  /** What the acmeIdentifier extension is the digest of; absent leaves it out. */
  readonly keyAuthorization?: string;
  /** Default true. */
  readonly critical?: boolean;
  /** Writes the acmeIdentifier extension that many times. Default 1. */
  readonly copies?: number;
  /** Default: the subject itself. */
  readonly issuer?: string;
  /** Signs with a key that is not the certificate's. Default false. */
  readonly signedByOther?: boolean;
}

export interface CertificateAndKey {
  /** PEM, for a TLS server. */
  readonly cert: string;
  readonly key: string;
  readonly der: Buffer;
}

const OID = {
  commonName: '550403',
  subjectAltName: '551d11',
  acmeIdentifier: '2b0601050507011f',
  ecdsaWithSha256: '2a8648ce3d040302',
} as const;

/** A certificate over a new P-256 key, valid for a day around `nowMs` (default: now). */
export function makeChallengeCertificate(
  options: ChallengeCertificateOptions,
  nowMs: number = Date.now(),
): CertificateAndKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  const algorithm = der(0x30, oid(OID.ecdsaWithSha256));
  const tbs = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    algorithm,
    name(options.issuer ?? 'ACME challenge'),
    der(0x30, time(nowMs - 43_200_000), time(nowMs + 43_200_000)),
    name('ACME challenge'),
    publicKey,
    der(0xa3, der(0x30, ...extensions(options))),
  );
  const signature = sign('sha256', tbs, options.signedByOther ? otherKey() : privateKey);
  const whole = der(0x30, tbs, algorithm, der(0x03, Buffer.of(0), signature));
  const lines = whole.toString('base64').replace(/(.{64})/g, '$1\n');
  const cert = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  return { cert, key: privateKey, der: whole };
}

/** One DER element. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  if (size < 0x80) return Buffer.concat([Buffer.of(tag, size), content]);
  if (size < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, size), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, size >> 8, size & 0xff), content]);
}

function extensions(options: ChallengeCertificateOptions): readonly Buffer[] {
  const { names, keyAuthorization, critical = true, copies = 1 } = options;
  const all: Buffer[] = [];
  if (names.length > 0) {
    all.push(extension(OID.subjectAltName, false, der(0x30, ...names.map(generalName))));
  }
  if (keyAuthorization !== undefined) {
    const digest = der(0x04, createHash('sha256').update(keyAuthorization).digest());
    const one = extension(OID.acmeIdentifier, critical, digest);
    all.push(...new Array<Buffer>(copies).fill(one));
  }
  return all;
}

function extension(identifier: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [der(0x01, Buffer.of(0xff))] : [];
  return der(0x30, oid(identifier), ...flag, der(0x04, value));
}

function generalName({ type, value }: Identifier): Buffer {
  return type === 'dns' ? der(0x82, Buffer.from(value, 'latin1')) : der(0x87, ipToBytes(value)!);
}

function name(commonName: string): Buffer {
  const value = der(0x0c, Buffer.from(commonName));
  return der(0x30, der(0x31, der(0x30, oid(OID.commonName), value)));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(digits.slice(2)));
}

function otherKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
}
