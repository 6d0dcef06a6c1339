import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createMetrics, METRICS, type ProcessSample, processSampler } from './metrics.ts';

const SAMPLE: ProcessSample = {
  akamu_event_loop_lag_max_seconds: 0.25,
  process_resident_memory_bytes: 1000,
  process_cpu_seconds_total: 1.5,
  process_start_time_seconds: 1700000000,
};

function sampled(): ReturnType<typeof createMetrics> {
  return createMetrics(() => SAMPLE);
}

/** The sample lines of one metric. */
function samples(text: string, name: string): readonly string[] {
  return text.split('\n').filter((line) => line.startsWith(name));
}

test('a label that takes too many values is cut off at its bound', () => {
  const metrics = sampled();
  for (let i = 0; i < 1000; i++) {
    metrics.increment('akamu_http_requests_total', { route: `/${i}`, status: `${i}` });
  }
  const lines = samples(metrics.render(), 'akamu_http_requests_total{');
  assert.ok(lines.length <= 65 * 41);
  assert.ok(lines.includes('akamu_http_requests_total{route="other",status="other"} 936'));
});

test('a value outside a closed set counts as other', () => {
  const metrics = sampled();
  metrics.increment('akamu_validations_total', { type: 'x-01', outcome: 'valid' });
  assert.equal(samples(metrics.render(), 'akamu_validations_total{'), [
    'akamu_validations_total{type="other",outcome="valid"} 1',
  ]);
});

test('a label value cannot break out of its quotes', () => {
  const metrics = sampled();
  metrics.increment('akamu_acme_problems_total', { type: 'a"} 1\nb\\' });
  assert.equal(samples(metrics.render(), 'akamu_acme_problems_total{'), [
    'akamu_acme_problems_total{type="a\\"} 1\\nb\\\\"} 1',
  ]);
});

test('a counter never falls, and takes amounts', () => {
  const metrics = sampled();
  metrics.increment('akamu_store_records_written_total', {}, 5);
  metrics.increment('akamu_store_records_written_total', undefined, -3);
  metrics.increment('akamu_store_records_written_total');
  const [line] = samples(metrics.render(), 'akamu_store_records_written_total ');
  assert.is(line, 'akamu_store_records_written_total 6');
});

test('a histogram is cumulative and ends in +Inf, sum and count', () => {
  const metrics = sampled();
  for (const seconds of [0.0005, 0.003, 0.2, 60, Number.NaN]) {
    metrics.observe('akamu_store_commit_seconds', seconds);
  }
  const lines = samples(metrics.render(), 'akamu_store_commit_seconds');
  const at = (le: string): string | undefined =>
    lines.find((line) => line.includes(`le="${le}"`))?.split(' ')[1];
  assert.equal(
    [at('0.0005'), at('0.005'), at('0.25'), at('10'), at('+Inf')],
    ['1', '2', '3', '3', '4'],
  );
  assert.ok(lines.includes('akamu_store_commit_seconds_count 4'));
  assert.ok(lines.includes('akamu_store_commit_seconds_sum 60.2035'));
});

test('every metric has its help and type, and is there at 0 when it has no labels', () => {
  const text = sampled().render();
  for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
    assert.match(text, `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    if (Object.keys(labels).length === 0) assert.ok(samples(text, name).length > 0, name);
  }
  assert.ok(text.endsWith('\n') && !text.includes('\n\n'));
});

test('every line is in the exposition format', () => {
  const metrics = sampled();
  metrics.increment('akamu_http_requests_total', { route: 'new-order', status: '201' });
  metrics.set('akamu_core_cache_records', 12);
  const line = /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{(?:[a-z]+="[^"]*",?)+\})? [0-9.e+-]+)$/;
  for (const each of metrics.render().trimEnd().split('\n')) assert.match(each, line);
});

test('the process is sampled at each scrape', () => {
  const text = sampled().render();
  assert.match(text, '\nprocess_resident_memory_bytes 1000\n');
  assert.match(text, '\nakamu_event_loop_lag_max_seconds 0.25\n');
});

test('the longest delay of the event loop is seen once', async () => {
  const sample = processSampler();
  await new Promise((resolve) => setTimeout(resolve, 60));
  sample();
  const until = performance.now() + 200;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.ok(sample().akamu_event_loop_lag_max_seconds > 0.1);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.ok(sample().akamu_event_loop_lag_max_seconds < 0.1);
  assert.ok(sample().process_resident_memory_bytes > 1e6);
});

test.run();
