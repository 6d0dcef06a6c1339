import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { OPTIONS, resolve } from './options.ts';

const BUSY = { clients: 16, flowsPerHour: 240, safetySecs: 1200, exchangeTimeoutMs: 10_000 };

test('a world has as long to settle as fetching everything anew may take in it', () => {
  const usual = OPTIONS.livenessSecs.default;
  const quick = resolve(1, { ...BUSY, pageRecords: 1000, delayUs: 1000, lossPpm: 0 });
  assert.is(quick.livenessSecs, usual);
  const slow = resolve(1, { ...BUSY, pageRecords: 3, delayUs: 150_000, lossPpm: 250_000 });
  // 10,240 records on 3,414 pages, each 0.3 s and every second time 10 s more; and that twice.
  assert.is(slow.livenessSecs, 31_915);
  assert.is(resolve(1, { ...slow, livenessSecs: 7 }).livenessSecs, 7);
});

test.run();
