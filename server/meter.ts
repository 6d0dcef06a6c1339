// What is measured: inputs and effects as they pass, requests as they are answered, and sizes at
// every scrape. Invariant: measuring changes nothing. Never here: the metrics themselves
// (io/metrics.ts has the table).

import type { Effect, WebResponse } from '../core/effect.ts';
import type { Input } from '../core/input.ts';
import type { ChannelStats } from '../io/channel/channel.ts';
import type { Watch } from '../io/driver.ts';
import type { Metrics } from '../io/metrics.ts';
import type { StoreStats } from '../io/store/store.ts';
import type { Engine } from './engine.ts';
import type { Observer } from './http.ts';

/** Counts what goes through the door of the core. */
export function watchCore(metrics: Metrics): Watch {
  return {
    input: (_, input) => countInput(metrics, input),
    effect: (effect) => countEffect(metrics, effect),
    commit: (seconds) => metrics.observe('akamu_store_commit_seconds', seconds),
  };
}

/** Counts answered requests. */
export function observeRequests(metrics: Metrics): Observer {
  return (_, response, seconds) => {
    countResponse(metrics, response);
    metrics.observe('akamu_http_request_seconds', seconds);
  };
}

/** Makes a function that renders all metrics, with sizes as they are now. */
export function exposition(metrics: Metrics, engine: Engine): () => string {
  let seen = { reads: 0, commits: 0, recordsWritten: 0 };
  let sealed = { octetsIn: 0, octetsOut: 0 };
  return () => {
    const { storeStats, gauges, channelStats } = engine;
    if (channelStats !== undefined) sealed = countSealed(metrics, sealed, channelStats);
    if (gauges !== undefined) {
      metrics.set('akamu_core_cache_records', gauges.cached);
      metrics.set('akamu_core_parked_inputs', gauges.parked);
      metrics.set('akamu_gossip_leases', gauges.leases);
      for (const [peer, events] of gauges.lags) {
        metrics.set('akamu_gossip_peer_lag_events', events, { peer });
      }
    }
    if (storeStats !== undefined) seen = countStore(metrics, seen, storeStats);
    return metrics.render();
  };
}

type Counted = Pick<StoreStats, 'reads' | 'commits' | 'recordsWritten'>;

/** Adds what a store has done since the last scrape; a reopened store starts from nothing. */
function countStore(metrics: Metrics, seen: Counted, stats: StoreStats): Counted {
  const since = (name: keyof Counted): number => {
    return stats[name] >= seen[name] ? stats[name] - seen[name] : stats[name];
  };
  metrics.increment('akamu_store_reads_total', {}, since('reads'));
  metrics.increment('akamu_store_commits_total', {}, since('commits'));
  metrics.increment('akamu_store_records_written_total', {}, since('recordsWritten'));
  return { reads: stats.reads, commits: stats.commits, recordsWritten: stats.recordsWritten };
}

type Sealed = Pick<ChannelStats, 'octetsIn' | 'octetsOut'>;

/** Adds what a channel has carried since the last scrape; a new one starts from nothing. */
function countSealed(metrics: Metrics, seen: Sealed, stats: Sealed): Sealed {
  for (const [direction, name] of [
    ['in', 'octetsIn'],
    ['out', 'octetsOut'],
  ] as const) {
    const since = stats[name] >= seen[name] ? stats[name] - seen[name] : stats[name];
    metrics.increment('akamu_gossip_sealed_bytes_total', { direction }, since);
  }
  return { octetsIn: stats.octetsIn, octetsOut: stats.octetsOut };
}

function countInput(metrics: Metrics, input: Input): void {
  metrics.increment('akamu_core_inputs_total', { kind: input.kind });
  switch (input.kind) {
    case 'validated': {
      const outcome = input.result.ok ? 'valid' : 'invalid';
      metrics.increment('akamu_validations_total', { type: input.type, outcome });
      return;
    }
    case 'administer':
      metrics.increment('akamu_operator_commands_total', { command: input.command.kind });
      return;
    case 'told':
      countExchange(metrics, input.from, 'told');
      return;
    case 'unreachable':
      countExchange(metrics, input.peer, 'unreachable');
      return;
    case 'asked':
      metrics.increment('akamu_gossip_asked_total');
      return;
    case 'redeemed':
    case 'unredeemed':
      metrics.increment('akamu_gossip_redemptions_total', { outcome: input.kind });
      return;
  }
}

function countExchange(metrics: Metrics, peer: string, outcome: 'told' | 'unreachable'): void {
  metrics.increment('akamu_gossip_exchanges_total', { peer, outcome });
  metrics.set('akamu_gossip_peer_reachable', outcome === 'told' ? 1 : 0, { peer });
}

function countEffect(metrics: Metrics, effect: Effect): void {
  if (effect.kind !== 'persist') return;
  for (const { kind, fields } of effect.records) {
    if (kind !== 'certificate') continue;
    const name = fields['revocation'] === undefined ? 'issued' : 'revoked';
    metrics.increment(`akamu_certificates_${name}_total`);
  }
}

function countResponse(metrics: Metrics, response: WebResponse): void {
  const { route, status, problem } = response;
  metrics.increment('akamu_http_requests_total', { route, status: String(status) });
  if (problem !== undefined) metrics.increment('akamu_acme_problems_total', { type: problem });
}
