// Tests of reading the server's own counters.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sumOfMetric } from './akamu.ts';

const exposition = `# HELP akamu_store_reads_total Records read.
# TYPE akamu_store_reads_total counter
akamu_store_reads_total{kind="order"} 12
akamu_store_reads_total{kind="account",x="a b"} 30
akamu_store_reads_total_other 1000
akamu_plain_total 7
`;

test('a metric that is not there is not zero', () => {
  assert.is(sumOfMetric(undefined, 'akamu_plain_total'), undefined);
  assert.is(sumOfMetric(exposition, 'akamu_store_reads'), undefined);
});

test('a metric is summed over its labels', () => {
  assert.is(sumOfMetric(exposition, 'akamu_store_reads_total'), 42);
  assert.is(sumOfMetric(exposition, 'akamu_plain_total'), 7);
});

test.run();
