// Keys a CA signs with: made, read from PEM, written as PKCS#8, and the secrets derived from them.
// Invariant: the key object is made once and kept, so that a signature costs no parsing; whatever
// is signed with RSA, Ed25519 or ML-DSA is signed the same every time.
// Never here: files, certificates.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import type { Reading } from '../../core/primitives.ts';
import { KEY_TYPES, type KeyType } from '../../io/config/config.ts';
import {
  isMlDsa,
  type MlDsaKey,
  mlDsaKeyOfSeed,
  mlDsaSpki,
  readMlDsaKey,
  writeMlDsaKey,
} from './ml-dsa-key.ts';
import { fromPem, type PemBlock, toPem } from './pem.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';
import { attempt, demand, refuse } from './refusal.ts';
import {
  ML_DSA,
  readSignatureAlgorithm,
  signatureAlgorithmOf,
  verifySignature,
} from './signature-algorithm.ts';

/** Values of `key_type` in the configuration. */
export const CA_KEY_TYPES: typeof KEY_TYPES = KEY_TYPES;
export type CaKeyType = KeyType;

export interface CaKey {
  readonly type: CaKeyType;
  readonly publicKey: PublicKey;
  /** AlgorithmIdentifier of what `sign` makes. */
  readonly signatureAlgorithm: Uint8Array;
  /** Signs whole messages (it hashes itself). */
  sign(message: Uint8Array): Uint8Array;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
  /** PKCS#8. */
  toPem(): string;
  /** The private key as bytes that are the same in whatever form it was stored. */
  secretBytes(): Uint8Array;
}

/** Bytes from the operating system's generator. */
export type RandomBytes = (length: number) => Uint8Array;

/** Makes a key. RSA takes a second or two. */
export function generateCaKey(type: CaKeyType, random: RandomBytes): CaKey {
  if (isMlDsa(type)) return mlDsaCaKey(mlDsaKeyOfSeed(type, random(32)));
  const [family, size] = type.split(':') as [string, string | undefined];
  if (family === 'ec')
    return nodeCaKey(generateKeyPairSync('ec', { namedCurve: size! }).privateKey);
  if (family === 'ed25519') return nodeCaKey(generateKeyPairSync('ed25519').privateKey);
  return nodeCaKey(generateKeyPairSync('rsa', { modulusLength: Number(size) }).privateKey);
}

/** Reads the first private key of a PEM file. Reasons complete "key_file …: ". */
export function readCaKey(pem: string): Reading<CaKey> {
  return attempt('the private key', () => {
    const block = fromPem(pem).find(({ label }) => label.endsWith('PRIVATE KEY'));
    if (block === undefined) refuse('there is no PEM block "PRIVATE KEY" in it');
    if (block.encrypted) {
      refuse('the private key is encrypted; decrypt it with "openssl pkey -in FILE -out NEWFILE"');
    }
    const mlDsa = block.label === 'PRIVATE KEY' ? readMlDsaKey(block.der) : undefined;
    return mlDsa === undefined ? nodeCaKey(importPrivateKey(block)) : mlDsaCaKey(mlDsa);
  });
}

/** A 32-byte secret of this key for one purpose (HKDF, RFC 5869); labels must differ by purpose. */
export function deriveSecret(key: CaKey, label: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key.secretBytes(), 'akamu ca key v1', label, 32));
}

function nodeCaKey(privateKey: KeyObject): CaKey {
  const type = typeOf(privateKey);
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const publicKey = demand(readPublicKey(new Uint8Array(spki)));
  const hash = readSignatureAlgorithm(signatureAlgorithmOf(publicKey.kind).der, 'it').hash;
  return caKey(type, publicKey, {
    sign: (message) => sign(hash, message, privateKey),
    toPem: () => privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    secretBytes: () => secretBytesOf(privateKey),
  });
}

/** FIPS 204 lets the signer choose; without extra entropy one message has one signature. */
function mlDsaCaKey(key: MlDsaKey): CaKey {
  const publicKey = demand(readPublicKey(mlDsaSpki(key)));
  return caKey(key.kind, publicKey, {
    sign: (message) => ML_DSA[key.kind].sign(message, key.expanded, { extraEntropy: false }),
    toPem: () => toPem('PRIVATE KEY', writeMlDsaKey(key)),
    secretBytes: () => key.expanded,
  });
}

function caKey(
  type: CaKeyType,
  publicKey: PublicKey,
  secret: Pick<CaKey, 'sign' | 'toPem' | 'secretBytes'>,
): CaKey {
  const signatureAlgorithm = signatureAlgorithmOf(publicKey.kind).der;
  const algorithm = readSignatureAlgorithm(signatureAlgorithm, 'it');
  return {
    type,
    publicKey,
    signatureAlgorithm,
    verify: (message, signature) => verifySignature(algorithm, publicKey, message, signature),
    ...secret,
  };
}

function importPrivateKey(block: PemBlock): KeyObject {
  try {
    return createPrivateKey(block.text);
  } catch {
    return refuse(`its PEM block "${block.label}" does not hold a private key that can be read`);
  }
}

function typeOf(key: KeyObject): CaKeyType {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  const curves: { readonly [name: string]: string } = { prime256v1: 'P-256', secp384r1: 'P-384' };
  const names: { readonly [family: string]: string } = {
    ec: `ec:${curves[namedCurve ?? ''] ?? namedCurve}`,
    rsa: `rsa:${modulusLength}`,
  };
  const name = names[key.asymmetricKeyType ?? ''] ?? String(key.asymmetricKeyType);
  const type = CA_KEY_TYPES.find((candidate) => candidate === name);
  return (
    type ?? refuse(`a CA key cannot be of type ${name}; use one of ${CA_KEY_TYPES.join(', ')}`)
  );
}

/** EC: the scalar; Ed25519: the seed; RSA: PKCS#1. */
function secretBytesOf(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'der' });
  return Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url');
}
