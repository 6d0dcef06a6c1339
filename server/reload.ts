// What of a changed configuration can be put in force while the server runs (SIGHUP), and what has
// to wait for a restart. Invariant: every changed key is one or the other; none is dropped in
// silence. Never here: reading files, putting anything in force.

import type { Config, GossipConfig } from '../io/config/index.ts';

/** Keys of `server` that take effect at once; of the others only `log.level` and `gossip.peers` do. */
const LIVE_SERVER = [
  'orderExpirySecs',
  'authzExpirySecs',
  'externalAccountRequired',
  'eabKeys',
  'termsOfServiceUrl',
  'websiteUrl',
  'caaIdentities',
  'ariRetryAfterSecs',
  'ariExplanationUrl',
] as const;

export interface ReloadChanges {
  /** The configuration to go by: what can change, changed; the rest as it was. */
  readonly next: Config;
  /** Changed keys that need a restart, as the file has them: `section.key`. */
  readonly needRestart: readonly string[];
}

export function reloadChanges(current: Config, loaded: Config): ReloadChanges {
  const server = { ...current.server, ...pick(loaded.server, LIVE_SERVER) };
  const log = { ...current.log, level: loaded.log.level };
  const gossip = withPeers(current.gossip, loaded.gossip);
  const next = { ...current, log, server, gossip };
  return { next, needRestart: differences(next, loaded) };
}

/** Peers come and go while the node runs; a section does not. */
function withPeers(
  current: GossipConfig | undefined,
  loaded: GossipConfig | undefined,
): GossipConfig | undefined {
  if (current === undefined || loaded === undefined) return current;
  return { ...current, peers: loaded.peers };
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}

/** Paths of the leaves in which two configurations differ. */
function differences(left: unknown, right: unknown, path: readonly string[] = []): string[] {
  if (isBranch(left) && isBranch(right)) {
    const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    return names.flatMap((name) => differences(left[name], right[name], [...path, name]));
  }
  return text(left) === text(right) ? [] : [path.map(keyOf).join('.')];
}

function isBranch(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !(value instanceof Map);
}

function text(value: unknown): string {
  return JSON.stringify(value instanceof Map ? [...value] : value) ?? 'undefined';
}

/** `listen_addr` of `listenAddr`. */
function keyOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
