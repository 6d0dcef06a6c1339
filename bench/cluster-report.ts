// How the results of the cluster benchmark look. Pure. Never here: measuring.

import type { ClusterPart, ClusterResult } from './cluster.ts';
import { figure, groupBy, median, percentile, table } from './report.ts';

export interface ClusterSummary {
  readonly name: ClusterPart['name'];
  readonly nodes: number;
  readonly certsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpuMsPerCert: number;
  readonly clientCpuMsPerCert: number;
  readonly othersPercent: number;
  readonly requestsPerCert: number;
  readonly failures: number;
}

/** Medians over the rounds, per kind of part. */
export function summarizeCluster(parts: readonly ClusterPart[]): readonly ClusterSummary[] {
  return groupBy(parts, ({ name }) => name).map((group) => {
    const middle = (read: (part: ClusterPart) => number): number => median(group.map(read));
    const count = ({ result }: ClusterPart): number => result.latenciesMs.length;
    const { name, nodes } = group[0]!;
    return {
      name,
      nodes,
      certsPerSecond: middle((part) => count(part) / (part.result.elapsedMs / 1000)),
      p50Ms: middle(({ result }) => percentile(result.latenciesMs, 50)),
      p99Ms: middle(({ result }) => percentile(result.latenciesMs, 99)),
      serverCpuMsPerCert: middle((part) => part.serverCpuMs / count(part)),
      clientCpuMsPerCert: middle((part) => part.clientCpuMs / count(part)),
      othersPercent: middle(({ othersCpuMs, serverCpuMs, clientCpuMs }) => {
        return (100 * othersCpuMs) / (othersCpuMs + serverCpuMs + clientCpuMs);
      }),
      requestsPerCert: middle((part) => part.result.requests / count(part)),
      failures: group.reduce((sum, { result }) => sum + result.failures.length, 0),
    };
  });
}

/** The whole report as text. */
export function renderCluster(result: ClusterResult): string {
  const { options, failures } = result;
  const summaries = summarizeCluster(result.parts);
  const rate = (name: ClusterPart['name']): number => {
    return summaries.find((one) => one.name === name)?.certsPerSecond ?? Number.NaN;
  };
  const [own, foreign] = [result.ownNonceMs, result.foreignNonceMs].map((times) => {
    return [percentile(times, 50), percentile(times, 99)] as const;
  });
  const share = (100 * rate('cluster')) / rate('one node');
  const lines = [
    `Issuance through ${options.nodes} nodes: ${figure(share)} % of what one node gives.`,
    `Redeeming the nonce of another node: ${figure(foreign![0] - own![0])} ms more at the median ` +
      `(own ${figure(own![0])}, foreign ${figure(foreign![0])}; ` +
      `p99 ${figure(own![1])}, ${figure(foreign![1])}).`,
    `After the load all digests were equal within ${figure(result.equalMs)} ms.`,
  ];
  const legend = `Medians over ${options.rounds} interleaved rounds of ${options.seconds} s, ${options.clients} clients, plain HTTP; every request
goes to a node at random, so all but 1 in ${options.nodes} bring a nonce of another node. others: CPU time of
everything but these servers and the client, as a share of all that was used.`;
  const list = failures.map((failure) => `\n  ${failure}`).join('');
  const verdict = failures.length === 0 ? 'No failures.' : `${failures.length} FAILURES${list}`;
  const tmpfs = result.isInMemory ? ['The databases were on tmpfs; use --dir.'] : [];
  return `${[resultTable(summaries), lines.join('\n'), legend, ...tmpfs, verdict].join('\n\n')}\n`;
}

function resultTable(summaries: readonly ClusterSummary[]): string {
  const head = ['load', 'nodes', 'certs/s', 'p50 ms', 'p99 ms', 'server CPU ms', 'client CPU ms'];
  const rows = summaries.map((row) => [
    row.name,
    String(row.nodes),
    figure(row.certsPerSecond),
    figure(row.p50Ms),
    figure(row.p99Ms),
    figure(row.serverCpuMsPerCert),
    figure(row.clientCpuMsPerCert),
    figure(row.othersPercent),
    figure(row.requestsPerCert),
    String(row.failures),
  ]);
  return table([[...head, 'others %', 'requests', 'failures'], ...rows]);
}
