// From configuration and CA to what the core, the channel and the keys of a node go by.
// Invariant: what all nodes of a cluster must have in common follows from the CA key and from
// nothing else. Never here: keys of the node, files.

import { assert } from '../../core/assert.ts';
import type { GossipOptions } from '../../core/cluster/cluster.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { DigestKey } from '../../core/crdt/digest.ts';
import type { PageLimits } from '../../core/crdt/serve.ts';
import type { ChannelLimits } from '../../io/channel/channel.ts';
import { readDescriptor } from '../../io/channel/descriptor.ts';
import { parseListenAddress, urlOf } from '../../io/config/address.ts';
import type { Config, GossipConfig } from '../../io/config/index.ts';
import type { CertificateAuthority } from '../ca/ca.ts';
import { GOSSIP_PATHS } from './paths.ts';

/**
 * A page: large enough that a new node is in sync soon, small enough that merging one leaves ACME
 * requests waiting for some milliseconds only (README.md has the figures).
 */
export const PAGE: PageLimits = { records: 500, octets: 512 * 1024 };
/** A page for a new node, while no client waits: what each message costs is paid less often. */
const BULK_PAGE: PageLimits = { records: 2_000, octets: 2 * 1024 * 1024 };
/** What a sealed body may grow to when it is opened: a page and a push, and room. */
const INFLATED_OCTETS = 64 * 1024 * 1024;

/** Where other nodes find this one's admin listener. */
export function advertisedUrl({ gossip, admin }: Config, hostname: string): string {
  if (gossip?.advertiseUrl !== undefined) return gossip.advertiseUrl;
  const address = parseListenAddress(admin.listenAddr);
  assert(address?.kind === 'tcp', 'the configuration refuses a cluster on a Unix socket');
  return urlOf(address, hostname);
}

export function gossipOptions(
  config: GossipConfig,
  authority: CertificateAuthority,
  self: NodeDescriptor,
): GossipOptions {
  return {
    self,
    peers: config.peers,
    isGenuine: (descriptor) => !('fault' in readDescriptor(descriptor)),
    intervalMs: config.intervalSecs * 1000,
    fanOut: config.fanOut,
    page: PAGE,
    bulkPage: BULK_PAGE,
    ownershipTtlMs: config.ownershipTtlSecs * 1000,
    tombstoneTtlMs: config.tombstoneTtlSecs * 1000,
    clockToleranceMs: config.clockSkewToleranceSecs * 1000,
    digestKey: digestKey(authority),
  };
}

export function channelLimits(config: GossipConfig): ChannelLimits {
  return {
    skewToleranceMs: config.clockSkewToleranceSecs * 1000,
    maxAgeMs: config.gossipEnvelopeMaxAgeSecs * 1000,
    sealedOctets: GOSSIP_PATHS.sync.maxOctets,
    inflatedOctets: INFLATED_OCTETS,
  };
}

/** Under which all nodes of a cluster compare what they hold. */
export function digestKey(authority: CertificateAuthority): DigestKey {
  const view = new DataView(authority.deriveSecret('cluster state digest').slice().buffer);
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
}
