// Tests of what the cluster benchmark compares.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClusterPart } from './cluster.ts';
import { renderCluster, summarizeCluster } from './cluster-report.ts';

function part(
  name: ClusterPart['name'],
  certificates: number,
  failures: string[] = [],
): ClusterPart {
  const latenciesMs = Array.from({ length: certificates }, () => 10);
  const result = {
    elapsedMs: 1000,
    latenciesMs,
    requests: 7,
    badNonces: 0,
    requestMs: [1],
    failures,
  };
  const cpu = { serverCpuMs: certificates, clientCpuMs: certificates, othersCpuMs: 0 };
  return { name, nodes: name === 'one node' ? 1 : 3, result, ...cpu };
}

const RESULT = {
  options: {
    command: 'cluster',
    nodes: 3,
    clients: 10,
    seconds: 4,
    rounds: 1,
    asJson: false,
    directory: undefined,
  },
  isInMemory: false,
  parts: [part('one node', 100), part('cluster', 60)],
  ownNonceMs: [1, 1, 1],
  foreignNonceMs: [1.5, 1.5, 9],
  equalMs: 80,
  failures: [],
} as const;

test('a failure in any part is in the report, with its words', () => {
  const failures = ['cluster: HTTP 500'];
  assert.match(renderCluster({ ...RESULT, failures }), /1 FAILURES\n {2}cluster: HTTP 500/);
});

test('rounds of the same part count as their median', () => {
  const rounds = [part('cluster', 10), part('cluster', 50), part('cluster', 20)];
  assert.equal(
    summarizeCluster(rounds).map(({ name, certsPerSecond }) => [name, certsPerSecond]),
    [['cluster', 20]],
  );
});

test('the cluster is compared with one node, a foreign nonce with an own one', () => {
  const text = renderCluster(RESULT);
  assert.match(text, /through 3 nodes: 60\.0 % of what one node gives/);
  assert.match(text, /0\.50 ms more at the median/);
});

test.run();
