// A node's own keys: ECDSA P-256 to sign messages, ML-KEM-768 (FIPS 203) to receive them.
// Invariant: the node's id follows from the signing key, so it lasts as long as that key; the KEM
// key can be replaced. Never here: keys of others, and the database that keeps these.

import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';

export interface NodeKeys {
  /** Private signing key, PKCS#8 DER. */
  readonly signing: Uint8Array;
  /** FIPS 203 seeds (d‖z, 64 octets): the present KEM key, then the one before it, if any. */
  readonly kemSeeds: readonly Uint8Array[];
  /** How others know us. */
  readonly descriptor: NodeDescriptor;
}
