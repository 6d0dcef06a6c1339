// How the results of the join benchmark look. Pure. Never here: measuring.

import type { JoinResult } from './join.ts';
import type { LoadResult } from './load.ts';
import { figure, mebibytes, percentile, table } from './report.ts';

/** The whole report as text. */
export function renderJoin(result: JoinResult): string {
  const { records, options, failures } = result;
  const seconds = (result.inSyncMs - result.listeningMs) / 1000;
  const tmpfs = result.isInMemory ? ['The databases were on tmpfs; use --dir.'] : [];
  const list = failures.map((failure) => `\n  ${failure}`).join('');
  const verdict = failures.length === 0 ? 'No failures.' : `${failures.length} FAILURES${list}`;
  const cpuUs = (ms: number): string => figure((ms * 1000) / records);
  const rows = [
    [`a new node joins one with ${records} records`, '', ''],
    ['until it listens', 's', figure(result.listeningMs / 1000)],
    ['until it is ready', 's', figure(result.readyMs / 1000)],
    ['until it is in sync, under load', 's', figure(result.inSyncMs / 1000)],
    ['until digests are equal, after the load', 's', figure(result.equalMs / 1000)],
    ['records a second, since it listens', '', figure(records / seconds)],
    ['octets on the wire a record', '', figure(result.octets / records)],
    ['RSS of the first node, before', 'MiB', mebibytes(result.server.beforeBytes)],
    ['RSS of the first node, growth to its peak', 'MiB', growth(result.server)],
    ['RSS of the new node, once it listens', 'MiB', mebibytes(result.joiner.beforeBytes)],
    ['RSS of the new node, growth to its peak', 'MiB', growth(result.joiner)],
    ['CPU of the first node a record, load and all', 'µs', cpuUs(result.server.cpuMs)],
    ['CPU of the new node a record', 'µs', cpuUs(result.joiner.cpuMs)],
    ['CPU of the load client', 's', figure(result.clientCpuMs / 1000)],
    ['CPU of everything else', 's', figure(result.othersCpuMs / 1000)],
  ];
  const loads = table([
    [`${options.clients} clients on the first node`, '', 'without', 'with the join'],
    loadRow('certificates a second', '', result, ({ latenciesMs, elapsedMs }) => {
      return latenciesMs.length / (elapsedMs / 1000);
    }),
    ...[50, 99, 99.9, 100].map((p) =>
      loadRow(`request p${p}`, 'ms', result, ({ requestMs }) => percentile(requestMs, p)),
    ),
    loadRow('certificate p99', 'ms', result, ({ latenciesMs }) => percentile(latenciesMs, 99)),
  ]);
  return `${[table(rows), loads, ...tmpfs, verdict].join('\n\n')}\n`;
}

function growth({ beforeBytes, peakBytes }: JoinResult['server']): string {
  return mebibytes(peakBytes - beforeBytes);
}

function loadRow(
  name: string,
  unit: string,
  { before, during }: JoinResult,
  read: (load: LoadResult) => number,
): readonly string[] {
  return [name, unit, figure(read(before)), figure(read(during))];
}
