// What a node derives from the CA key that every member holds: the key that proves membership, and
// the key that wraps the node's own keys in its database.
// Invariant: each purpose has its own key, and none tells anything of another or of the CA key.
// Never here: the CA key itself.

import { hkdfSync } from 'node:crypto';

/** The label under which the CA derives the secret of the cluster. */
export const CLUSTER_SECRET_LABEL = 'akamu cluster secret v1';

const SECRET_OCTETS = 32;
const PURPOSES = {
  identity: 'akamu cluster identity exchange v1',
  'node keys': 'akamu cluster node key wrapping v1',
} as const;

/** 32 octets for one purpose. */
export function clusterKey(clusterSecret: Uint8Array, purpose: keyof typeof PURPOSES): Uint8Array {
  if (clusterSecret.length !== SECRET_OCTETS) throw new RangeError('a cluster secret is 32 octets');
  const info = PURPOSES[purpose];
  return new Uint8Array(hkdfSync('sha256', clusterSecret, '', info, SECRET_OCTETS));
}
