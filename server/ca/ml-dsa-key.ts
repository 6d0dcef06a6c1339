// ML-DSA private keys in PKCS#8 (RFC 9881 §6): seed, expandedKey and both forms are read; the seed
// form is written, the expanded one only for a key whose seed nobody has.
// Invariant: a seed and an expanded key that stand side by side belong together (RFC 9881 §8.2).
// Never here: signing.

import { equalBytes } from '../../core/bytes.ts';
import {
  bitString,
  contextTag,
  encode,
  integer,
  octetString,
  sequence,
  TAG,
} from '../../core/der.ts';
import { DerReader, readDer } from '../../core/der-reader.ts';
import { keyAlgorithm, kindOfAlgorithm } from './public-key.ts';
import { refuse } from './refusal.ts';
import { ML_DSA, type MlDsaKind } from './signature-algorithm.ts';

const SEED_LENGTH = 32;

export interface MlDsaKey {
  readonly kind: MlDsaKind;
  /** Undefined when only the expanded key is known; it cannot be turned back. */
  readonly seed: Uint8Array | undefined;
  readonly expanded: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The key pair of a 32-byte seed. */
export function mlDsaKeyOfSeed(kind: MlDsaKind, seed: Uint8Array): MlDsaKey {
  const { secretKey, publicKey } = ML_DSA[kind].keygen(seed);
  return { kind, seed, expanded: secretKey, publicKey };
}

/** Reads PKCS#8 DER; undefined when it holds a key that is not ML-DSA. Throws Refusal, DerError. */
export function readMlDsaKey(pkcs8: Uint8Array): MlDsaKey | undefined {
  const what = 'the private key';
  const fields = new DerReader(readDer(pkcs8, TAG.sequence, what).content, what);
  fields.next(TAG.integer, 'the version');
  const kind = kindOfAlgorithm(fields.next(TAG.sequence, 'the algorithm').bytes);
  if (kind === undefined || !isMlDsa(kind)) return undefined;
  return readChoice(kind, fields.next(TAG.octetString, what).content);
}

/** PKCS#8 DER of a key. */
export function writeMlDsaKey(key: MlDsaKey): Uint8Array {
  const choice =
    key.seed === undefined
      ? octetString(key.expanded)
      : encode(contextTag(0, 'primitive'), key.seed);
  return sequence(integer(0), keyAlgorithm(key.kind), octetString(choice));
}

/** DER SubjectPublicKeyInfo of a key. */
export function mlDsaSpki(key: MlDsaKey): Uint8Array {
  return sequence(keyAlgorithm(key.kind), bitString(key.publicKey));
}

export function isMlDsa(kind: string): kind is MlDsaKind {
  return Object.hasOwn(ML_DSA, kind);
}

/** CHOICE { seed [0], expandedKey OCTET STRING, both SEQUENCE { seed, expandedKey } }. */
function readChoice(kind: MlDsaKind, der: Uint8Array): MlDsaKey {
  const choice = new DerReader(der, 'the private key');
  const seed = choice.optional(contextTag(0, 'primitive'), 'the seed');
  const both = choice.optional(TAG.sequence, 'both');
  if (seed !== undefined) {
    choice.end();
    return keyOfSeed(kind, seed.content);
  }
  if (both === undefined) {
    const expanded = choice.next(TAG.octetString, 'the expanded key').content;
    choice.end();
    return keyOfExpanded(kind, expanded);
  }
  choice.end();
  const pair = new DerReader(both.content, 'both');
  const key = keyOfSeed(kind, pair.next(TAG.octetString, 'the seed').content);
  const expanded = pair.next(TAG.octetString, 'the expanded key').content;
  pair.end();
  if (!equalBytes(key.expanded, expanded)) {
    refuse('the seed and the expanded key in it do not belong together');
  }
  return key;
}

function keyOfSeed(kind: MlDsaKind, seed: Uint8Array): MlDsaKey {
  if (seed.length !== SEED_LENGTH) refuse(`its ML-DSA seed has ${seed.length} octets, not 32`);
  return mlDsaKeyOfSeed(kind, seed.slice());
}

function keyOfExpanded(kind: MlDsaKind, expanded: Uint8Array): MlDsaKey {
  const wanted = ML_DSA[kind].lengths.secretKey;
  if (expanded.length !== wanted) {
    refuse(`its expanded ML-DSA key has ${expanded.length} octets, not ${wanted}`);
  }
  const own = expanded.slice();
  return { kind, seed: undefined, expanded: own, publicKey: ML_DSA[kind].getPublicKey(own) };
}
