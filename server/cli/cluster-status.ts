// `akamu cluster status`: the cluster as the node of this host sees it, for people and programs.
// Invariant: it only asks; what it was not told it does not claim. Never here: the cluster's rules
// (core/cluster/status.ts says what the answer holds).

import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../io/config/index.ts';
import { AdminFailure, askAdmin } from './admin-client.ts';
import { EXIT, type ExitCode, type OptionValues, type World } from './command.ts';
import { withConfig } from './node.ts';

/** What `GET /admin/gossip/status` answers, as far as it is shown. */
export interface ClusterStatus {
  readonly node: string;
  readonly url: string;
  readonly incarnation: string;
  readonly ready: boolean;
  readonly reason: string | null;
  readonly position: number;
  readonly members: readonly MemberStatus[];
  /** Configured URLs at which no node has been met, and that no member has. */
  readonly strangers: readonly string[];
  readonly removed: readonly string[];
  readonly leases: number;
  readonly redemptions: number;
}

interface MemberStatus {
  readonly node: string;
  readonly url: string;
  /** Null while it has not been heard of since the start. */
  readonly reachable: boolean | null;
  readonly lastExchangeMs: number | null;
  /** Events it lacks, and events it has that the asked node lacks. */
  readonly lagEvents: { readonly there: number; readonly here: number } | null;
  readonly digest: 'equal' | 'different' | 'unknown';
  readonly incarnation: string | null;
  /** How far its clock is ahead; null while that is not known. */
  readonly clockSkewSecs: number | null;
}

const WATCH_MS = 2_000;
const REACHABLE = new Map<boolean | null, string>([
  [true, 'yes'],
  [false, 'no'],
  [null, 'not yet'],
]);

export async function showStatus(values: OptionValues, world: World): Promise<ExitCode> {
  let isWell = true;
  const code = await withConfig('akamu cluster status', values, world, async (config) => {
    for (let isFirst = true; ; isFirst = false) {
      isWell = await showOnce(config, values, world, isFirst);
      if (!values.has('watch')) return;
      await sleep(WATCH_MS);
    }
  });
  return code === EXIT.ok && !isWell ? EXIT.failure : code;
}

/** Shows it once; whether all is well. */
async function showOnce(
  config: Config,
  values: OptionValues,
  world: World,
  isFirst: boolean,
): Promise<boolean> {
  let status: ClusterStatus;
  try {
    status = read(await askAdmin(config, 'GET', '/admin/gossip/status'));
  } catch (error) {
    // A node that is being restarted is just what one watches for.
    if (isFirst || !(error instanceof AdminFailure)) throw error;
    world.tell(`akamu cluster status: ${error.message}\n`);
    return false;
  }
  if (values.has('json')) world.print(`${JSON.stringify(status)}\n`);
  else world.print(`${isFirst ? '' : '\n'}${statusPage(status)}`);
  return isHealthy(status);
}

/** Every node known or configured answers, and none has another state at the same place. */
export function isHealthy({ ready, strangers, members }: ClusterStatus): boolean {
  const isFine = ({ reachable, digest }: MemberStatus): boolean => {
    return reachable === true && digest !== 'different';
  };
  return ready && strangers.length === 0 && members.every(isFine);
}

/** The status for people, in at most 100 columns where ids and URLs allow it. */
export function statusPage(status: ClusterStatus): string {
  const { node, url, incarnation, ready, reason, position, leases, redemptions } = status;
  const head = [
    ['this node', `${node} at ${url}`],
    ['ready', ready ? 'yes' : `no: ${reason ?? 'it does not say why'}`],
    ['incarnation', `${incarnation}, ${position} events`],
    ['under way', `${leases} leases, ${redemptions} redemptions`],
    ...status.strangers.map((stranger) => ['not met yet', stranger] as const),
    ...status.removed.map((id) => ['removed', id] as const),
  ] as const;
  const lines = head.map(([name, value]) => `${name.padEnd(13)}${value}`);
  const rows = status.members.map(rowOf);
  const table = rows.length === 0 ? ['no other nodes'] : columns([TITLES, ...rows]);
  return `${[...lines, '', ...table].join('\n')}\n`;
}

const TITLES = [
  'NODE',
  'URL',
  'REACHABLE',
  'HEARD',
  'LACKS',
  'OWES US',
  'CLOCK',
  'DIGEST',
] as const;

function rowOf(member: MemberStatus): readonly string[] {
  const { node, url, reachable, lastExchangeMs, lagEvents, digest, clockSkewSecs } = member;
  const clock = clockSkewSecs === null ? '-' : `${clockSkewSecs > 0 ? '+' : ''}${clockSkewSecs} s`;
  const heard = lastExchangeMs === null ? '-' : `${Math.round(lastExchangeMs / 1000)} s ago`;
  const lag = [lagEvents?.there ?? '-', lagEvents?.here ?? '-'].map(String);
  return [node, url, REACHABLE.get(reachable) ?? '?', heard, ...lag, clock, digest];
}

function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = TITLES.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => {
    return row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  });
}

function read(json: unknown): ClusterStatus {
  const isStatus = typeof json === 'object' && json !== null && 'node' in json && 'members' in json;
  if (isStatus) return json as ClusterStatus;
  throw new AdminFailure('this is no status of a cluster; is it another version that runs?');
}
