// Tests of what the issuance benchmark says about its measurements.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { IssuanceResult } from './issuance.ts';
import { failuresOf, renderIssuance, summarize } from './issuance-report.ts';
import type { Measured } from './measure.ts';
import { type Options, parseOptions } from './options.ts';

const part = (changes: Partial<Measured>): Measured => ({
  server: 'akamu',
  load: '10 clients',
  certificates: 100,
  certsPerSecond: 300,
  p50Ms: 20,
  p99Ms: 40,
  serverCpuMsPerCert: 2,
  clientCpuMsPerCert: 1,
  peakResidentBytes: 1 << 26,
  othersPercent: 1,
  requestsPerCert: 7,
  storeReadsPerCert: 0,
  badNonces: 0,
  failures: [],
  ...changes,
});

const result = (changes: Partial<IssuanceResult>): IssuanceResult => ({
  options: issuanceOptions(parseOptions(['issuance', '--peer', 'pebble'])),
  isInMemory: false,
  servers: ['akamu: 1'],
  parts: [part({})],
  pending: [],
  lateRequests: 0,
  incidents: [],
  warmupFailures: [],
  ...changes,
});

const hang = { server: 'pebble', what: '25 clients: no answer', isPeer: true, isHang: true };

test('every failed flow, and every broken server, makes the run a failed one', () => {
  const failed = result({
    parts: [part({ failures: ['new-order: HTTP 500'] })],
    incidents: [{ ...hang, isHang: false, wasRepeated: false }],
    warmupFailures: ['akamu, warm-up: new-nonce: HTTP 503'],
  });
  assert.is(failuresOf(failed).length, 3);
  const text = renderIssuance(failed);
  assert.match(text, '3 FAILURES');
  assert.match(text, 'akamu, 10 clients: new-order: HTTP 500');
});

test('our own server hanging is a failure even when a second attempt succeeded', () => {
  const ours = { ...hang, server: 'akamu', isPeer: false, wasRepeated: true };
  assert.is(failuresOf(result({ incidents: [ours] })).length, 1);
});

test('a peer hanging is reported, and is no failure of the run', () => {
  const hung = result({ incidents: [{ ...hang, wasRepeated: true }] });
  assert.equal(failuresOf(hung), []);
  assert.match(renderIssuance(hung), 'A PEER HUNG 1 TIMES');
  assert.match(renderIssuance(hung), 'No failures.');
});

test('a summary has medians of what was measured and sums of what went wrong', () => {
  const rounds = [300, 100, 200].map((certsPerSecond, i) =>
    part({ certsPerSecond, badNonces: i, failures: i === 0 ? ['x'] : [] }),
  );
  const [summary, ...others] = summarize(rounds);
  assert.is(others.length, 0);
  assert.is(summary?.certsPerSecond, 200);
  assert.is(summary?.badNonces, 3);
  assert.is(summary?.failures, 1);
  assert.is(summary?.rounds, 3);
});

test('ratios above one are in favour of ours', () => {
  const their = part({ server: 'pebble', certsPerSecond: 100, serverCpuMsPerCert: 3 });
  const text = renderIssuance(result({ parts: [part({}), their] }));
  assert.match(text, /10 clients\s+akamu : pebble\s+3\.00\s+1\.50/);
});

test('a database in memory, a busy machine, few rounds and late requests are admitted', () => {
  const options = issuanceOptions(parseOptions(['issuance', '--rounds', '1']));
  const parts = [part({ othersPercent: 40 })];
  const text = renderIssuance(result({ isInMemory: true, lateRequests: 5, options, parts }));
  for (const warning of ['tmpfs', 'Others used', 'Fewer than three rounds', '5 CSRs']) {
    assert.match(text, warning);
  }
});

function issuanceOptions(options: Options): IssuanceResult['options'] {
  if (options.command !== 'issuance') throw new Error('not issuance');
  return options;
}

test.run();
