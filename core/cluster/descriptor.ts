// How a node introduces itself to others: where it is and by which keys it is known.
// Invariant: `node` is derived from the certificate's public key, so a descriptor names its keys.
// Never here: how a descriptor is authenticated, and which descriptors are believed.

import { fromBase64Url, toUtf8 } from '../bytes.ts';
import { sameJson } from '../crdt/canonical.ts';
import type { Json } from '../crdt/record.ts';
import { isJsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';

/** A node as its peers pin it. Plain data, stored in its `node` record. */
export interface NodeDescriptor {
  /**
   * The node's id: the first 20 octets of SHA-256 over the DER SubjectPublicKeyInfo of its signing
   * key, unpadded base64url (27 characters).
   */
  readonly node: string;
  /** Base URL of its admin listener, without a trailing slash. */
  readonly url: string;
  /** ML-KEM-768 encapsulation key, unpadded base64url of 1184 octets (FIPS 203). */
  readonly kem: string;
  /**
   * DER of its self-signed ECDSA P-256 signing certificate, unpadded base64url. It names the URL,
   * the hash of the KEM key and `madeMs`, so only the node itself can change any of them.
   */
  readonly certificate: string;
  /** When this was made, Unix ms in whole seconds. A later one of the same node replaces it. */
  readonly madeMs: number;
}

const NODE = /^[A-Za-z0-9_-]{1,64}$/;
const URL = /^https?:\/\/[\x21-\x7e]*[\x21-\x2e\x30-\x7e]$/;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** The descriptor that a peer sent or a record holds; undefined when it is not one. */
export function readDescriptor(json: unknown): NodeDescriptor | undefined {
  if (!isJsonObject(json)) return undefined;
  const { node, url, kem, certificate, madeMs } = json;
  if (typeof node !== 'string' || !NODE.test(node)) return undefined;
  if (typeof url !== 'string' || url.length > LIMITS.nodeUrlLength) return undefined;
  if (!URL.test(url) || !isKey(kem) || !isKey(certificate)) return undefined;
  if (typeof madeMs !== 'number' || !Number.isSafeInteger(madeMs) || madeMs < 0) return undefined;
  return { node, url, kem, certificate, madeMs };
}

/** The descriptor as a record holds it. */
export function descriptorToJson({ node, url, kem, certificate, madeMs }: NodeDescriptor): Json {
  return { node, url, kem, certificate, madeMs };
}

export function sameDescriptor(a: NodeDescriptor | undefined, b: NodeDescriptor): boolean {
  return a !== undefined && sameJson(descriptorToJson(a), descriptorToJson(b));
}

/** True when both speak of the same keys. */
export function sameKeys(a: NodeDescriptor, b: NodeDescriptor): boolean {
  return a.kem === b.kem && a.certificate === b.certificate;
}

/**
 * The octets by which a node's nonces name it: the first 8 of its id. Ids that are not 20 octets in
 * base64url, as tests use them, count as text.
 */
export function issuerOf(node: string): Uint8Array {
  const octets = fromBase64Url(node);
  const issuer = new Uint8Array(8);
  issuer.set((octets?.length === 20 ? octets : toUtf8(node)).subarray(0, 8));
  return issuer;
}

function isKey(json: Json | undefined): json is string {
  return typeof json === 'string' && json.length <= LIMITS.nodeKeyLength && BASE64URL.test(json);
}
