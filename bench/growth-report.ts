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

/** The whole report as text. */
export function renderGrowth(result: GrowthResult): string {
  const { options, server, failures, badNonces, stretches } = result;
  const issued = stretches[stretches.length - 1]?.issued ?? 0;
  const [first, last] = firstAndLast(stretches, options.from);
  const { residentBytesAtFirst, residentBytesAtLast } = result;
  const ratio = (a: number, b: number) => figure(b / a);
  const rows = [
    [`${server.name} ${server.version}`, '', `at ${options.from}`, `at ${issued}`, 'last/first'],
    [
      'RSS at rest',
      'MiB',
      mebibytes(residentBytesAtFirst),
      mebibytes(residentBytesAtLast),
      ratio(residentBytesAtFirst, residentBytesAtLast),
    ],
    [
      'server CPU per certificate',
      'ms',
      figure(first.cpuMsPerCert),
      figure(last.cpuMsPerCert),
      ratio(first.cpuMsPerCert, last.cpuMsPerCert),
    ],
    [
      'certs/s',
      '',
      figure(first.certsPerSecond),
      figure(last.certsPerSecond),
      ratio(first.certsPerSecond, last.certsPerSecond),
    ],
  ];
  const count = first.certificates;
  const notes = `RSS: median of 30 VmRSS readings of the server process over 3 s, after 5 s without load.
server CPU: utime + stime from /proc/PID/stat over the ${count} certificates after the first reading, and over the last ${last.certificates}.
certs/s: over the same certificates, ${options.workers} clients with an account each, ${options.isTls || options.peerOnly ? 'HTTPS' : 'plain HTTP'}, the making of CSRs not counted.
badNonce answers: ${badNonces}.`;
  const tmpfs = result.isInMemory ? '\nThe database was on tmpfs; use --dir.' : '';
  const list = failures.map((failure) => `\n  ${failure}`).join('');
  const verdict = failures.length === 0 ? 'No failures.' : `${failures.length} FAILURES${list}`;
  return `${table(rows)}\n\n${notes}${tmpfs}\n\n${verdict}\n`;
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
