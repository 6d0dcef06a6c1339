// The KEM of the channel with the algorithms that go with it: ML-KEM-768, HKDF-SHA-256, AES-256 key
// wrap, AES-256-GCM (RFC 9936 §2.2.1, RFC 8619, RFC 3565, RFC 5084).
// Invariant: one suite is one fixed set of algorithms; nothing is negotiated.
// Never here: how messages are laid out.

import { hash } from 'node:crypto';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { bitString, objectIdentifier, sequence } from '../../core/der.ts';

/** The primitive (FIPS 203). Keys are raw; a private key is kept as its seed d‖z. */
export interface Kem {
  keygen(seed: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array };
  encapsulate(publicKey: Uint8Array): { cipherText: Uint8Array; sharedSecret: Uint8Array };
  decapsulate(cipherText: Uint8Array, secretKey: Uint8Array): Uint8Array;
}

export interface KemSuite {
  readonly kem: Kem;
  readonly kemOid: string;
  readonly ciphertextOctets: number;
  /** Length of the key-encryption key, and of the content key as well. */
  readonly keyOctets: number;
  readonly wrapOid: string;
  readonly wrapCipher: 'id-aes128-wrap' | 'id-aes256-wrap';
  readonly contentOid: string;
  readonly contentCipher: 'aes-128-gcm' | 'aes-256-gcm';
}

export const ML_KEM_768: KemSuite = {
  kem: ml_kem768,
  kemOid: '2.16.840.1.101.3.4.4.2',
  ciphertextOctets: 1088,
  keyOctets: 32,
  wrapOid: '2.16.840.1.101.3.4.1.45',
  wrapCipher: 'id-aes256-wrap',
  contentOid: '2.16.840.1.101.3.4.1.46',
  contentCipher: 'aes-256-gcm',
};

export const KEM_PUBLIC_OCTETS = 1184;
export const KEM_SEED_OCTETS = 64;

/** SubjectPublicKeyInfo of an ML-KEM-768 key (RFC 9935 §4). */
export function kemSpki(publicKey: Uint8Array): Uint8Array {
  return sequence(sequence(objectIdentifier(ML_KEM_768.kemOid)), bitString(publicKey));
}

/** RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the key bits. */
export function keyIdentifier(publicKey: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', publicKey, 'buffer').subarray(0, 20));
}
