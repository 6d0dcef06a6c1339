// The build of a node as it runs in a simulated world: how a process begins on a disk, with which
// peers, keys and limits, and who signs.
// Invariant: a process begins with the disk and the configuration, and nothing else of the past.
// Never here: effects (machine.ts).

import type { Policy } from '../core/acme/policy.ts';
import { assert } from '../core/assert.ts';
import { issuerOf } from '../core/cluster/descriptor.ts';
import { changedFacts, replicaFrom } from '../core/crdt/facts.ts';
import { emptyReplica, type ReplicaState } from '../core/crdt/replica.ts';
import { Node } from '../core/node.ts';
import type { SimCrypto } from './crypto.ts';
import type { Machine } from './machine.ts';
import type { Options } from './options.ts';
import { isJoiner } from './plan-members.ts';
import { stream } from './prng.ts';
import type { Build, Stage } from './stage.ts';

export const BASE_URL = 'https://ca.sim';
const DAY_MS = 86_400_000;
const BOOT = stream('node.boot');
const NONCE_KEY = new Uint8Array(32).fill(7);
const SEALING_KEY = new Uint8Array(32).fill(9);
/** Incarnations a node can take between two fresh databases. */
const INCARNATIONS = 1000;

export const POLICY: Policy = {
  baseUrl: BASE_URL,
  cas: [
    {
      id: 'default',
      chainPem: '-----BEGIN CERTIFICATE-----\nY2hhaW4=\n-----END CERTIFICATE-----\n',
      fullChainPem: '-----BEGIN CERTIFICATE-----\nZnVsbA==\n-----END CERTIFICATE-----\n',
      rootPem: '-----BEGIN CERTIFICATE-----\ncm9vdA==\n-----END CERTIFICATE-----\n',
      keyHashes: ['ca-key'],
      keyId: 'Y2EtaWQ',
      validityMs: 90 * DAY_MS,
      crlNextUpdateMs: DAY_MS,
    },
  ],
  challengeTypes: ['http-01', 'dns-01', 'tls-alpn-01'],
  orderExpiryMs: DAY_MS,
  authorizationExpiryMs: DAY_MS,
  externalAccountRequired: false,
  eabKeys: new Map(),
  caaIdentities: [],
  renewalRetryAfterSecs: 21_600,
};

/** The build without defects. */
export function soundBuild(crypto: SimCrypto): Build {
  return {
    createNode: (machine, stage) => createNode(machine, stage, crypto),
    issue: (request) => crypto.issue(request),
    waitsForDisk: true,
  };
}

export function createNode(machine: Machine, stage: Stage, crypto: SimCrypto): Node {
  const { options, draws } = stage;
  const peers = Array.from({ length: options.nodes }, (_, index) => index)
    .filter((index) => mayCall(machine.index, index, options))
    .map((index) => `http://${stage.nodeName(index)}`);
  const { digestKey } = stage;
  const page = { records: options.pageRecords, octets: options.pageBytes };
  const { gossipIntervalMs: intervalMs, fanOut } = options;
  const self = machine.descriptor;
  const ownershipTtlMs = options.ownershipTtlSecs * 1000;
  const clockToleranceMs = options.clockToleranceSecs * 1000;
  const times = { ownershipTtlMs, clockToleranceMs };
  return new Node({
    node: machine.id,
    replica: replicaAtStart(machine),
    ...(options.nodes > 1 && {
      gossip: { self, peers, intervalMs, fanOut, page, digestKey, ...times },
    }),
    nonces: {
      issuer: issuerOf(machine.id),
      boot: draws.bytes(4, BOOT, machine.index, machine.boot),
      key: NONCE_KEY,
    },
    sealingKey: SEALING_KEY,
    policy: machine.policy,
    primitives: crypto.primitives,
    limits: { cacheRecords: options.cacheRecords, nonceWindow: options.nonceWindow },
  });
}

/** Whom a node has in its configuration: one who joins knows node 0, and nobody knows him. */
export function mayCall(own: number, other: number, options: Options): boolean {
  if (own === other || isJoiner(other, options)) return false;
  return other === 0 || !isJoiner(own, options);
}

/** What the disk knows of the replica; a fresh database gets an origin never used before. */
function replicaAtStart({ disk, id, index, boot }: Machine): ReplicaState {
  const name = `${id}-${index}-${boot}`;
  const known = replicaFrom(disk.facts, name);
  if (known !== undefined) {
    assert('origin' in known, `the facts of ${id} cannot be read`);
    return known;
  }
  const fresh = emptyReplica(`${id}.${boot * INCARNATIONS}`, name);
  disk.apply({ records: [], forget: [], facts: changedFacts(undefined, fresh) });
  return fresh;
}
