// AlgorithmIdentifiers of signatures (RFC 4055, RFC 5758 §3.2, RFC 8410 §3, RFC 9881 §3): which
// ones we make, which ones we verify, and how.
// Invariant: one row per algorithm; anything with SHA-1, MD5 or an unknown OID is refused by name.
// Never here: private keys.

import { constants, verify } from 'node:crypto';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { contextTag, nullValue, sequence, TAG } from '../../core/der.ts';
import {
  DerReader,
  type DerValue,
  objectIdentifierOf,
  readDer,
  smallIntegerOf,
} from '../../core/der-reader.ts';
import { encodedOid, OID, type OidName } from './oids.ts';
import type { KeyKind, PublicKey } from './public-key.ts';
import { refuse } from './refusal.ts';

export type SignatureHash = 'sha256' | 'sha384' | 'sha512';

export interface SignatureAlgorithm {
  readonly family: 'ec' | 'rsa' | 'ed25519' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87';
  /** Undefined where the scheme fixes it. */
  readonly hash: SignatureHash | undefined;
  /** Octets of salt when the padding is PSS. */
  readonly pssSaltLength?: number;
}

export type MlDsaKind = 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87';

/** ML-DSA parameter sets (FIPS 204 §4) by kind of key. */
export const ML_DSA: { readonly [kind in MlDsaKind]: typeof ml_dsa44 } = {
  'ml-dsa-44': ml_dsa44,
  'ml-dsa-65': ml_dsa65,
  'ml-dsa-87': ml_dsa87,
};

const ALGORITHMS: ReadonlyMap<string, SignatureAlgorithm> = new Map<string, SignatureAlgorithm>([
  [OID.ecdsaWithSha256, { family: 'ec', hash: 'sha256' }],
  [OID.ecdsaWithSha384, { family: 'ec', hash: 'sha384' }],
  [OID.ecdsaWithSha512, { family: 'ec', hash: 'sha512' }],
  [OID.sha256WithRsa, { family: 'rsa', hash: 'sha256' }],
  [OID.sha384WithRsa, { family: 'rsa', hash: 'sha384' }],
  [OID.sha512WithRsa, { family: 'rsa', hash: 'sha512' }],
  [OID.ed25519, { family: 'ed25519', hash: undefined }],
  [OID.mlDsa44, { family: 'ml-dsa-44', hash: undefined }],
  [OID.mlDsa65, { family: 'ml-dsa-65', hash: undefined }],
  [OID.mlDsa87, { family: 'ml-dsa-87', hash: undefined }],
]);

/** Broken hashes that old tools still sign with, and what to call them. */
const BROKEN: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.2', 'MD2'],
  ['1.2.840.113549.1.1.4', 'MD5'],
  ['1.2.840.113549.1.1.5', 'SHA-1'],
  ['1.2.840.10045.4.1', 'SHA-1'],
  ['1.2.840.10040.4.3', 'SHA-1'],
]);

const HASHES: ReadonlyMap<string, SignatureHash> = new Map<string, SignatureHash>([
  [OID.sha256, 'sha256'],
  [OID.sha384, 'sha384'],
  [OID.sha512, 'sha512'],
]);

/** The AlgorithmIdentifier a CA key of this kind signs with. */
export function signatureAlgorithmOf(kind: KeyKind): { oid: OidName; der: Uint8Array } {
  const oid = CA_ALGORITHMS[kind];
  const parameters = kind === 'rsa' ? [nullValue()] : [];
  return { oid, der: sequence(encodedOid(oid), ...parameters) };
}

/** The hash to sign with matches the curve's strength (RFC 5480 §4); RSA always takes SHA-256. */
const CA_ALGORITHMS = {
  'ec:P-256': 'ecdsaWithSha256',
  'ec:P-384': 'ecdsaWithSha384',
  'ec:P-521': 'ecdsaWithSha512',
  rsa: 'sha256WithRsa',
  ed25519: 'ed25519',
  'ml-dsa-44': 'mlDsa44',
  'ml-dsa-65': 'mlDsa65',
  'ml-dsa-87': 'mlDsa87',
} as const satisfies Record<KeyKind, OidName>;

/** Reads an AlgorithmIdentifier. Throws a Refusal or DerError. `what` is what it signs. */
export function readSignatureAlgorithm(der: Uint8Array, what: string): SignatureAlgorithm {
  const name = `the signature algorithm of ${what}`;
  const fields = new DerReader(readDer(der, TAG.sequence, name).content, name);
  const oid = objectIdentifierOf(fields.next(TAG.objectIdentifier, name), name);
  if (oid === OID.rsaPss) return readPss(fields, what);
  const algorithm = ALGORITHMS.get(oid);
  if (algorithm === undefined) {
    const broken = BROKEN.get(oid);
    const fix = `sign ${what} with SHA-256`;
    if (broken !== undefined)
      return refuse(`${what} is signed with ${broken}, which is broken; ${fix}`);
    return refuse(`${what} is signed with an unsupported algorithm (${oid}); ${fix}`);
  }
  // RFC 4055 §5: RSA's NULL parameters may be left out; all others have none at all.
  if (algorithm.family === 'rsa') fields.optional(TAG.null, name);
  fields.end();
  return algorithm;
}

/** True when `signature` over `data` was made with the private half of `key`. */
export function verifySignature(
  algorithm: SignatureAlgorithm,
  key: PublicKey,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const family = key.kind.startsWith('ec:') ? 'ec' : key.kind;
  if (family !== algorithm.family) return false;
  if (key.keyObject === undefined) return verifyMlDsa(key, data, signature);
  const { hash, pssSaltLength: saltLength } = algorithm;
  if (saltLength === undefined) return verify(hash, data, key.keyObject, signature);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return verify(hash, data, { key: key.keyObject, padding, saltLength }, signature);
}

function verifyMlDsa(key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  const scheme = ML_DSA[key.kind as MlDsaKind];
  if (signature.length !== scheme.lengths.signature) return false;
  return scheme.verify(signature, data, key.bits);
}

/** RSASSA-PSS-params (RFC 4055 §3.1). The defaults are SHA-1, so nothing may be left out. */
function readPss(algorithm: DerReader, what: string): SignatureAlgorithm {
  const parameters = new DerReader(
    algorithm.next(TAG.sequence, 'the PSS parameters').content,
    'the PSS parameters',
  );
  algorithm.end();
  const field = (number: number): DerValue | undefined =>
    parameters.optional(contextTag(number, 'constructed'), 'a PSS parameter');
  const [hashField, maskField, saltField] = [field(0), field(1), field(2)];
  const trailer = field(3);
  parameters.end();
  if (hashField === undefined || maskField === undefined || trailer !== undefined) {
    return refuse(`${what} is signed with RSA-PSS and SHA-1; use SHA-256 for hash and mask`);
  }
  const hash = readHash(hashField.content, what);
  const mask = new DerReader(
    readDer(maskField.content, TAG.sequence, 'the mask').content,
    'the mask',
  );
  const maskOid = objectIdentifierOf(mask.next(TAG.objectIdentifier, 'the mask'), 'the mask');
  const maskHash = readHash(mask.next(TAG.sequence, 'the mask hash').bytes, what);
  mask.end();
  if (maskOid !== OID.mgf1 || maskHash !== hash) {
    return refuse(`${what} is signed with RSA-PSS whose mask is not MGF1 with the same hash`);
  }
  const salt = saltField && readDer(saltField.content, TAG.integer, 'the salt length');
  const pssSaltLength = salt === undefined ? 20 : smallIntegerOf(salt, 'the salt length');
  return { family: 'rsa', hash, pssSaltLength };
}

function readHash(der: Uint8Array, what: string): SignatureHash {
  const fields = new DerReader(readDer(der, TAG.sequence, 'the hash').content, 'the hash');
  const oid = objectIdentifierOf(fields.next(TAG.objectIdentifier, 'the hash'), 'the hash');
  fields.optional(TAG.null, 'the hash parameters');
  fields.end();
  return HASHES.get(oid) ?? refuse(`${what} is signed with RSA-PSS over hash ${oid}; use SHA-256`);
}
