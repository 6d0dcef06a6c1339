// How the results of the growth benchmark look, and how each figure was measured. Pure.
// Invariant: start and end are windows of the same size, the start after the first reading, when
// the server is warm.
// Never here: measuring.

import type { GrowthResult, Stretch } from './growth.ts';
import { figure, mebibytes, table } from './report.ts';

export interface Cost {
  readonly certificates: number;
  readonly certsPerSecond: number;
  readonly cpuMsPerCert: number;
}

export interface Point extends Cost {
  readonly issued: number;
  readonly residentBytes: number;
}

const POINTS = 10;
const WINDOW_CERTIFICATES = 5_000;

/** Cost over stretches as one. */
export function costOf(stretches: readonly Stretch[]): Cost {
  const total = (read: (stretch: Stretch) => number) =>
    stretches.reduce((sum, stretch) => sum + read(stretch), 0);
  const certificates = total((stretch) => stretch.certificates);
  return {
    certificates,
    certsPerSecond: certificates / (total((stretch) => stretch.elapsedMs) / 1000),
    cpuMsPerCert: total((stretch) => stretch.serverCpuMs) / certificates,
  };
}

/** The first and the last stretches after `from`, up to 5,000 certificates or a third of all. */
export function firstAndLast(stretches: readonly Stretch[], from: number): readonly [Cost, Cost] {
  const warm = stretches.filter((stretch) => stretch.issued > from);
  const total = costOf(warm).certificates;
  const goal = Math.min(WINDOW_CERTIFICATES, total / 3);
  return [costOf(upTo(warm, goal)), costOf(upTo([...warm].reverse(), goal))];
}

/** Ten points of the way, or fewer on a short one: cost since the point before, memory there. */
export function curveOf(stretches: readonly Stretch[]): readonly Point[] {
  const count = Math.min(POINTS, stretches.length);
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * stretches.length) / count);
    const end = Math.floor(((i + 1) * stretches.length) / count);
    const { issued, residentBytes } = stretches[end - 1]!;
    return { ...costOf(stretches.slice(start, end)), issued, residentBytes };
  });
}

/** The whole report as text. */
export function renderGrowth(result: GrowthResult): string {
  const { options, failures, stretches } = result;
  const [first, last] = firstAndLast(stretches, options.from);
  const tmpfs = result.isInMemory ? ['The database was on tmpfs; use --dir.'] : [];
  const list = failures.map((failure) => `\n  ${failure}`).join('');
  const verdict = failures.length === 0 ? 'No failures.' : `${failures.length} FAILURES${list}`;
  const tables = [curveTable(stretches), comparison(result, first, last)];
  return `${[...tables, legend(result, first, last), ...tmpfs, verdict].join('\n\n')}\n`;
}

function curveTable(stretches: readonly Stretch[]): string {
  const rows = curveOf(stretches).map((point) => [
    String(point.issued),
    '',
    mebibytes(point.residentBytes),
    figure(point.cpuMsPerCert),
    figure(point.certsPerSecond),
  ]);
  return table([['issued', '', 'RSS MiB', 'server CPU ms', 'certs/s'], ...rows]);
}

function comparison({ options, server, ...result }: GrowthResult, first: Cost, last: Cost): string {
  const issued = result.stretches[result.stretches.length - 1]?.issued ?? 0;
  const row = (
    name: string,
    unit: string,
    [a, b]: [number, number],
    show: (value: number) => string = figure,
  ) => [name, unit, show(a), show(b), figure(b / a)];
  const resident: [number, number] = [result.residentBytesAtFirst, result.residentBytesAtLast];
  return table([
    [`${server.name} ${server.version}`, '', `at ${options.from}`, `at ${issued}`, 'last/first'],
    row('RSS at rest', 'MiB', resident, mebibytes),
    row('server CPU per certificate', 'ms', [first.cpuMsPerCert, last.cpuMsPerCert]),
    row('certs/s', '', [first.certsPerSecond, last.certsPerSecond]),
  ]);
}

function legend({ options, badNonces }: GrowthResult, first: Cost, last: Cost): string {
  const transport = options.isTls || options.peerOnly ? 'HTTPS' : 'plain HTTP';
  const windows = `${first.certificates} after the first reading and the last ${last.certificates}`;
  return `RSS: VmRSS of the server process; at rest, 5 s after the load: median of 30 over 3 s.
server CPU: utime + stime of the server process, all threads, from /proc/PID/stat, per certificate.
certs/s: ${options.workers} clients, an account each, ${transport}, keep-alive, without making CSRs.
at ${options.from}, at the end: RSS when so many were issued; CPU and certs/s over ${windows}.
badNonce answers: ${badNonces}.`;
}

function upTo(stretches: readonly Stretch[], goal: number): readonly Stretch[] {
  const taken: Stretch[] = [];
  let count = 0;
  for (const stretch of stretches) {
    if (count >= goal) break;
    taken.push(stretch);
    count += stretch.certificates;
  }
  return taken;
}
