// How the results of the gossip benchmark look. Pure. Never here: measuring.

import type { GossipResult, RoundCost } from './gossip.ts';
import { figure, percentile, table } from './report.ts';
import type { Visibility } from './visibility.ts';

/**
 * What a round without changes costs with most records held, as a multiple of what it costs with
 * fewest: about 1, if it does not depend on them. By nodes.
 */
export function idleRatios(
  rounds: readonly RoundCost[],
): readonly { readonly nodes: number; readonly octets: number; readonly cpu: number }[] {
  const idle = rounds.filter(({ changes }) => changes === 0);
  return [...new Set(idle.map(({ nodes }) => nodes))].map((nodes) => {
    const same = idle.filter((round) => round.nodes === nodes).sort((a, b) => a.held - b.held);
    const [least, most] = [same[0]!, same.at(-1)!];
    return { nodes, octets: most.octets / least.octets, cpu: most.cpuMs / least.cpuMs };
  });
}

/** The whole report as text. */
export function renderGossip(result: GossipResult): string {
  const { failures, rounds, visibility } = result;
  const tmpfs = result.isInMemory ? ['The databases were on tmpfs; use --dir.'] : [];
  const list = failures.map((failure) => `\n  ${failure}`).join('');
  const verdict = failures.length === 0 ? 'No failures.' : `${failures.length} FAILURES${list}`;
  const blocks = [
    roundTable(rounds),
    ratioLines(rounds),
    visibilityTable(visibility),
    LEGEND,
    ...tmpfs,
    verdict,
  ];
  return `${blocks.join('\n\n')}\n`;
}

const LEGEND = `A round: one node calls one other until both have seen the same; real sealing and SQLite files,
both nodes in one process, without HTTP. octets: bodies both ways. CPU: both nodes, all threads.
visible: from the answer to a client until the database of every node has the account; nodes are
processes on this host. others: CPU time of everything else, as a share of all that was used.`;

function roundTable(rounds: readonly RoundCost[]): string {
  const rows = rounds.map(({ held, nodes, changes, octets, messages, cpuMs }) => [
    String(held),
    String(nodes),
    String(changes),
    figure(messages),
    figure(octets),
    changes === 0 ? '' : figure(octets / changes),
    figure(cpuMs),
    changes === 0 ? '' : figure((1000 * cpuMs) / changes),
  ]);
  const head = [
    'held',
    'nodes',
    'changes',
    'messages',
    'octets',
    'a change',
    'CPU ms',
    'µs a change',
  ];
  return table([head, ...rows]);
}

function ratioLines(rounds: readonly RoundCost[]): string {
  const held = rounds.map((round) => round.held);
  const [least, most] = [Math.min(...held), Math.max(...held)];
  const lines = idleRatios(rounds).map(({ nodes, octets, cpu }) => {
    return `  ${nodes} nodes: ${figure(octets)} times the octets, ${figure(cpu)} times the CPU`;
  });
  return [`An idle round with ${most} records held, against one with ${least}:`, ...lines].join(
    '\n',
  );
}

function visibilityTable(visibility: readonly Visibility[]): string {
  const rows = visibility.map(({ nodes, load, everywhereMs, ...rest }) => [
    `${nodes} nodes, ${load}`,
    String(everywhereMs.length),
    ...[50, 90, 99, 100].map((p) => figure(percentile(everywhereMs, p))),
    figure(rest.certsPerSecond),
    figure(rest.othersPercent),
  ]);
  const head = ['visible, ms', 'writes', 'p50', 'p90', 'p99', 'most', 'certs/s', 'others %'];
  return table([head, ...rows]);
}
