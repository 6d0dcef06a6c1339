// A node's part in its cluster, opened on its database: its keys, the channel they make, the way
// out to peers, and what the core is told. Invariant: keys are durable before anybody hears of
// them, and stay the node's for good. Never here: requests of peers, what the core does.

import type { GossipOptions } from '../../core/cluster/cluster.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { Channel, ChannelOptions } from '../../io/channel/channel.ts';
import { CLUSTER_SECRET_LABEL } from '../../io/channel/cluster-key.ts';
import {
  makeNodeKeys,
  type NodeKeys,
  nodeKeyFacts,
  readNodeKeys,
  withUrl,
} from '../../io/channel/node-keys.ts';
import { openChannel } from '../../io/channel/open-channel.ts';
import type { GossipConfig } from '../../io/config/index.ts';
import type { Log } from '../../io/log.ts';
import type { Metrics } from '../../io/metrics.ts';
import type { Store } from '../../io/store/store.ts';
import type { CertificateAuthority } from '../ca/ca.ts';
import { Calls } from './calls.ts';
import { Notices } from './notices.ts';
import { channelLimits, gossipOptions } from './options.ts';
import { Rotation } from './rotation.ts';

export interface ClusterOptions {
  readonly config: GossipConfig;
  /** Where other nodes find this one's admin listener. */
  readonly url: string;
  readonly authority: CertificateAuthority;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What a node in a cluster has beside its core. */
export interface Membership {
  /** As it introduces itself now. */
  readonly descriptor: NodeDescriptor;
  readonly gossip: GossipOptions;
  readonly channel: Channel;
  readonly calls: Calls;
  readonly rotation: Rotation;
}

/** Rejects with a NodeKeyError that names the fix when the keys cannot be used. */
export async function joinCluster(
  store: Store,
  options: ClusterOptions,
  hooks: Required<Pick<ChannelOptions, 'died' | 'outdated'>>,
): Promise<Membership> {
  const { config, authority, log, metrics } = options;
  const clusterSecret = authority.deriveSecret(CLUSTER_SECRET_LABEL);
  const notices = new Notices(log);
  const keys = await loadNodeKeys(store, clusterSecret, options.url, Date.now());
  const channel = openChannel({
    keys,
    clusterSecret,
    nowMs: Date.now,
    limits: channelLimits(config),
    ...hooks,
  });
  return {
    get descriptor() {
      return channel.descriptor;
    },
    gossip: gossipOptions(config, authority, keys.descriptor),
    channel,
    calls: new Calls(channel, notices, metrics),
    rotation: new Rotation({ keys, clusterSecret, store, channel, nowMs: Date.now, notices }),
  };
}

export async function leaveCluster({ calls, channel }: Membership): Promise<void> {
  calls.close();
  await channel.close();
}

/** The keys in the database; made at the first start in a cluster. */
export async function loadNodeKeys(
  store: Store,
  clusterSecret: Uint8Array,
  url: string,
  nowMs: number,
): Promise<NodeKeys> {
  const known = readNodeKeys(await store.meta(), clusterSecret);
  const keys = known === undefined ? makeNodeKeys(url, nowMs) : withUrl(known, url, nowMs);
  if (keys !== known) {
    await store.commit({ records: [], forget: [], meta: nodeKeyFacts(keys, clusterSecret) });
  }
  return keys;
}
