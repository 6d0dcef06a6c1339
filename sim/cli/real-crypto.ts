// Real cryptography for a simulated world: hashes, keys, signatures, certificate requests,
// certificates and lists as production makes them. Ed25519 throughout, because its signatures
// are a function of key and message, so that runs stay reproducible.
// Invariant: as deterministic as the cheap stand-in. Never here: randomness, files.

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { Identifier } from '../../core/acme/identifier.ts';
import { toBase64Url, toUtf8 } from '../../core/bytes.ts';
import type { Primitives } from '../../core/primitives.ts';
import { createPrimitives } from '../../io/crypto/primitives.ts';
import { readCertificate, signCertificate } from '../../server/ca/certificate.ts';
import { buildCrl } from '../../server/ca/crl.ts';
import { readCsr } from '../../server/ca/csr.ts';
import { issueLeaf, type LeafAuthority } from '../../server/ca/issue.ts';
import { makeIssuer } from '../../server/ca/issuer.ts';
import { type CaKey, readCaKey } from '../../server/ca/keys.ts';
import { makeCsr } from '../../server/ca/make-csr.ts';
import { encodeName } from '../../server/ca/name.ts';
import { planRoot } from '../../server/ca/profile.ts';
import type { SimCrypto, SimKey } from '../crypto.ts';

/** PKCS#8 of an Ed25519 key up to its 32 octets (RFC 8410 §7). */
const PKCS8_HEAD = '302e020100300506032b657004220420';
const ROOT_FROM_MS = 1_500_000_000_000;
const ROOT_TO_MS = 4_000_000_000_000;

export function realCrypto(): SimCrypto {
  const primitives = createPrimitives({ readCsr, readCertificate });
  const authority = makeAuthority();
  return {
    primitives,
    newKey: (name) => newKey(name, primitives),
    encodeCsr: (names, key) => encodeCsr(names, key),
    issue: (request) => issueLeaf(authority, request),
    buildCrl: ({ number, thisUpdateMs, nextUpdateMs, revoked }) => {
      const entries = revoked.map((serial) => ({ serial, atMs: thisUpdateMs, reason: 0 }));
      return buildCrl({
        issuer: authority.issuer,
        number,
        thisUpdateMs,
        nextUpdateMs,
        revoked: entries,
      });
    },
  };
}

/** A key pair that remembers what it needs to sign certificate requests. */
interface RealKey extends SimKey {
  readonly caKey: CaKey;
}

function newKey(name: string, primitives: Primitives): RealKey {
  const pem = pemOf(name);
  const privateKey = createPrivateKey(pem);
  const { kty, crv, x } = createPublicKey(privateKey).export({ format: 'jwk' });
  const reading = primitives.readKey({ kty, crv, x });
  if (!reading.ok) throw new Error(reading.reason);
  return {
    alg: 'EdDSA',
    ...reading.value,
    caKey: caKeyOf(pem),
    sign: (message) => new Uint8Array(sign(null, toUtf8(message), privateKey)),
  };
}

function encodeCsr(names: readonly Identifier[], key: SimKey): string {
  return toBase64Url(makeCsr({ key: (key as RealKey).caKey, names }));
}

function makeAuthority(): LeafAuthority {
  const key = caKeyOf(pemOf('the simulated CA'));
  const root = planRoot({
    serial: Uint8Array.of(1),
    subject: encodeName({ commonName: 'Simulated CA' }),
    notBeforeMs: ROOT_FROM_MS,
    notAfterMs: ROOT_TO_MS,
    publicKey: key.publicKey,
  });
  return {
    issuer: makeIssuer(key, signCertificate(root, key)),
    policy: { validityDays: 90 },
    serialSecret: new Uint8Array(32).fill(5),
    ownKeys: new Set([key.publicKey.spkiHash]),
  };
}

function caKeyOf(pem: string): CaKey {
  const reading = readCaKey(pem);
  if (!reading.ok) throw new Error(reading.reason);
  return reading.value;
}

function pemOf(name: string): string {
  const seed = createHash('sha256').update(name).digest();
  const der = Buffer.concat([Buffer.from(PKCS8_HEAD, 'hex'), seed]);
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
}
