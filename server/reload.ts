// What of a changed configuration can be put in force while the server runs (SIGHUP), and what has
// to wait for a restart. Invariant: every changed key is one or the other; none is dropped in
// silence. Never here: reading files, putting anything in force.

import type { Config } from '../io/config/index.ts';

/** Parts that take effect at once. `ca` and `server` do so but for the keys below. */
const LIVE = ['log'] as const;
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
  /** Changed keys that need a restart, as `section.field`. */
  readonly needRestart: readonly string[];
}

export function reloadChanges(current: Config, loaded: Config): ReloadChanges {
  const server = { ...current.server, ...pick(loaded.server, LIVE_SERVER) };
  const next = { ...current, ...pick(loaded, LIVE), server };
  return { next, needRestart: differences(next, loaded) };
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
  return text(left) === text(right) ? [] : [path.join('.')];
}

function isBranch(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !(value instanceof Map);
}

function text(value: unknown): string {
  return JSON.stringify(value instanceof Map ? [...value] : value) ?? 'undefined';
}
