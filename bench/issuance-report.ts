// How the results of the issuance benchmark look, and how each figure was measured. Pure.
// Invariant: every column has its line under the table, and failures cannot be overlooked.
// Never here: measuring.

import type { IssuanceResult } from './issuance.ts';
import type { Measured } from './measure.ts';
import type { Incident } from './participant.ts';
import { figure, groupBy, mebibytes, median, table } from './report.ts';

export interface Summary {
  readonly server: string;
  readonly load: string;
  readonly rounds: number;
  readonly certsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpuMsPerCert: number;
  readonly clientCpuMsPerCert: number;
  readonly peakResidentBytes: number;
  readonly othersPercent: number;
  readonly requestsPerCert: number;
  readonly storeReadsPerCert: number | undefined;
  readonly badNonces: number;
  readonly failures: number;
}

const MAX_FAILURES_SHOWN = 10;
const NOISY_PERCENT = 10;

/** Medians over the rounds, per load and server, in the order of their first appearance. */
export function summarize(parts: readonly Measured[]): readonly Summary[] {
  return groupBy(parts, (part) => `${part.load}\n${part.server}`).map(summaryOf);
}

/**
 * What makes the run a failed one, in words: every flow that failed, every server that broke,
 * every time our own server hung. That a peer hung is reported, but says nothing about ours.
 */
export function failuresOf(result: IssuanceResult): readonly string[] {
  const label = (part: { server: string; failures: readonly string[] }, load: string) =>
    part.failures.map((failure) => `${part.server}, ${load}: ${failure}`);
  return [
    ...result.warmupFailures,
    ...result.incidents.filter((incident) => !isPeerHang(incident)).map(textOf),
    ...result.parts.flatMap((part) => label(part, part.load)),
    ...result.pending.flatMap((cost) => label(cost, 'pending orders')),
  ];
}

/** The whole report as text. */
export function renderIssuance(result: IssuanceResult): string {
  const summaries = summarize(result.parts);
  const blocks = [
    result.servers.join('; '),
    resultTable(summaries),
    legend(result),
    pendingTable(result),
    ratioTable(summaries),
    warnings(result),
    hangList(result),
    failureList(failuresOf(result)),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function summaryOf(parts: readonly Measured[]): Summary {
  const middle = (read: (part: Measured) => number) => median(parts.map(read));
  const total = (read: (part: Measured) => number) =>
    parts.reduce((sum, part) => sum + read(part), 0);
  const reads = parts.flatMap((part) => part.storeReadsPerCert ?? []);
  return {
    server: parts[0]!.server,
    load: parts[0]!.load,
    rounds: parts.length,
    certsPerSecond: middle((part) => part.certsPerSecond),
    p50Ms: middle((part) => part.p50Ms),
    p99Ms: middle((part) => part.p99Ms),
    serverCpuMsPerCert: middle((part) => part.serverCpuMsPerCert),
    clientCpuMsPerCert: middle((part) => part.clientCpuMsPerCert),
    peakResidentBytes: middle((part) => part.peakResidentBytes),
    othersPercent: middle((part) => part.othersPercent),
    requestsPerCert: middle((part) => part.requestsPerCert),
    storeReadsPerCert: reads.length === 0 ? undefined : median(reads),
    badNonces: total((part) => part.badNonces),
    failures: total((part) => part.failures.length),
  };
}

function resultTable(summaries: readonly Summary[]): string {
  const head = ['load', 'server', 'certs/s', 'p50 ms', 'p99 ms', 'server CPU ms', 'client CPU ms'];
  const more = ['peak RSS MiB', 'others %', 'requests', 'SQL reads', 'badNonce', 'failures'];
  const rows = summaries.map((row) => [
    row.load,
    row.server,
    figure(row.certsPerSecond),
    figure(row.p50Ms),
    figure(row.p99Ms),
    figure(row.serverCpuMsPerCert),
    figure(row.clientCpuMsPerCert),
    mebibytes(row.peakResidentBytes),
    figure(row.othersPercent),
    figure(row.requestsPerCert),
    figure(row.storeReadsPerCert),
    String(row.badNonces),
    String(row.failures),
  ]);
  return table([[...head, ...more], ...rows]);
}

function legend({ options }: IssuanceResult): string {
  const { flows, seconds } = options.budget;
  const part = flows === undefined ? `${seconds} s` : `${flows} flows`;
  const transport = options.isTls ? 'HTTPS' : 'plain HTTP (ours), HTTPS (pebble)';
  return [
    `All figures: medians over ${options.rounds} interleaved rounds of ${part}; ` +
      `warm-up excluded; ${transport}, keep-alive.`,
    "certs/s: certificates downloaded, by the client's monotonic clock from the first " +
      'new-order to the last chain.',
    'p50, p99: from sending new-order to holding the chain; the pauses before polls are ' +
      'part of it: first 0.8 ms per client, at least 2, then doubled up to 100.',
    'server CPU ms: utime + stime of the server process, all threads, from /proc/PID/stat, ' +
      'per certificate.',
    'client CPU ms: getrusage of the load client, per certificate, with its DNS and ' +
      'http-01 servers in the same process.',
    'peak RSS: VmHWM of the server process, reset before each measured part.',
    'others: share of all cores that neither server nor client used, from /proc/stat, ' +
      'interrupts included; good to a few percent.',
    'requests: JWS posts per certificate; 7 is the least: new-order, authorization, ' +
      'challenge, poll, finalize, poll, download.',
    'SQL reads: akamu_store_reads_total from /metrics, before and after, per certificate.',
    'badNonce, failures: sums over all rounds; a failed flow is not retried and yields no ' +
      'certificate.',
  ].join('\n');
}

function pendingTable({ pending }: IssuanceResult): string {
  if (pending.length === 0) return '';
  const head = [
    'new-order cost',
    'server',
    'p50 ms first',
    'p50 ms last',
    'CPU ms first',
    'CPU ms last',
  ];
  const groups = groupBy(pending, (cost) => cost.server);
  const rows = groups.map((costs) => [
    `${costs[0]!.orders} pending`,
    costs[0]!.server,
    figure(median(costs.map((cost) => cost.firstP50Ms))),
    figure(median(costs.map((cost) => cost.lastP50Ms))),
    figure(median(costs.map((cost) => cost.firstCpuMs))),
    figure(median(costs.map((cost) => cost.lastCpuMs))),
  ]);
  return [
    table([head, ...rows]),
    'new-order cost: one new account, 16 connections; the first quarter of the orders against ' +
      'the last, medians over rounds.',
  ].join('\n');
}

function ratioTable(summaries: readonly Summary[]): string {
  const ours = summaries.filter((row) => row.server.startsWith('akamu'));
  const rows = ours.flatMap((our) => {
    const peers = summaries.filter((row) => row.load === our.load && row.server !== our.server);
    return peers.map((their) => [
      our.load,
      `akamu : ${their.server}`,
      figure(our.certsPerSecond / their.certsPerSecond),
      figure(their.serverCpuMsPerCert / our.serverCpuMsPerCert),
    ]);
  });
  if (rows.length === 0) return '';
  return `${table([['load', 'ratio', 'certs/s ours/theirs', 'CPU theirs/ours'], ...rows])}
ratio: of the medians above; above 1 is in our favour.
Pebble keeps everything in memory, akamu in a database file.`;
}

function warnings({ options, parts, isInMemory, lateRequests }: IssuanceResult): string {
  const lines = [
    isInMemory ? 'The database was on tmpfs: durable writes cost nothing here; use --dir.' : '',
    parts.some((part) => part.othersPercent > NOISY_PERCENT)
      ? `Others used over ${NOISY_PERCENT} % of the machine in some parts: trust CPU, not certs/s.`
      : '',
    options.rounds < 3 ? 'Fewer than three rounds: do not quote these figures.' : '',
    lateRequests > 0 ? `${lateRequests} CSRs were made inside measured parts (client CPU).` : '',
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function hangList({ incidents }: IssuanceResult): string {
  const hangs = incidents.filter(isPeerHang);
  if (hangs.length === 0) return '';
  const lines = hangs.map((incident) => {
    const outcome = incident.wasRepeated ? 'measured again' : 'NO FIGURES from this attempt';
    return `  ${textOf(incident)}: ${outcome}`;
  });
  return [`A PEER HUNG ${hangs.length} TIMES; discarded, restarted:`, ...lines].join('\n');
}

function isPeerHang({ isPeer, isHang }: Incident): boolean {
  return isPeer && isHang;
}

function textOf({ server, what }: Incident): string {
  return `${server}, ${what}`;
}

function failureList(failures: readonly string[]): string {
  if (failures.length === 0) return 'No failures.';
  const shown = failures.slice(0, MAX_FAILURES_SHOWN).map((failure) => `  ${failure}`);
  const rest = failures.length - shown.length;
  const more = rest > 0 ? [`  and ${rest} more`] : [];
  return [`${failures.length} FAILURES`, ...shown, ...more].join('\n');
}
