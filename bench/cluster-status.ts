// What nodes say to operators about their cluster, and when they agree.
// Invariant: read through the front door only. Never here: figures.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterNode } from './cluster-node.ts';
import { getText } from './server-process.ts';

/** What `GET /admin/gossip/status` says, as far as it is needed here. */
export interface Status {
  readonly digest: { readonly day: number; readonly sum: string };
  readonly members: readonly {
    readonly lagEvents: { readonly here: number; readonly there: number } | null;
  }[];
}

const POLL_MS = 50;
const EQUAL_LIMIT_MS = 60_000;

export async function statusOf({ adminUrl }: ClusterNode): Promise<Status | undefined> {
  const text = await getText(`${adminUrl}/admin/gossip/status`);
  return text === undefined ? undefined : (JSON.parse(text) as Status);
}

/** How long until all nodes know each other and have the same digest, ms. */
export async function untilEqual(nodes: readonly ClusterNode[]): Promise<number> {
  const startMs = performance.now();
  let digests: readonly (string | undefined)[] = [];
  while (performance.now() < startMs + EQUAL_LIMIT_MS) {
    const all = await Promise.all(nodes.map(statusOf));
    digests = all.map((status) => status && `${status.digest.day} ${status.digest.sum}`);
    const isSame = digests.every((digest) => digest !== undefined && digest === digests[0]);
    const isWhole = all.every((status) => status?.members.length === nodes.length - 1);
    if (isSame && isWhole) return performance.now() - startMs;
    await sleep(POLL_MS);
  }
  throw new Error(`after ${EQUAL_LIMIT_MS} ms digests are ${digests.join(', ')}`);
}
