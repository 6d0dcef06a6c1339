// How a node introduces itself to others: where it is and by which keys it is known.
// Invariant: `node` is derived from the certificate's public key, so a descriptor names its keys.
// Never here: how a descriptor is authenticated, and which descriptors are believed.

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
