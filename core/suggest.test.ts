import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nearest } from './suggest.ts';

const KEYS = ['interval_secs', 'tombstone_ttl_secs', 'fan_out', 'peers', 'id'];

test('what resembles nothing gets no suggestion', () => {
  assert.is(nearest('zzzz', KEYS), undefined);
  assert.is(nearest('', KEYS), undefined);
  assert.is(nearest('peers', []), undefined);
});

test('typing mistakes find their word', () => {
  assert.is(nearest('intervall_secs', KEYS), 'interval_secs');
  assert.is(nearest('intreval_secs', KEYS), 'interval_secs');
  assert.is(nearest('fanout', KEYS), 'fan_out');
  assert.is(nearest('FAN-OUT', KEYS), 'fan_out');
  assert.is(nearest('peer', KEYS), 'peers');
  assert.is(nearest('di', KEYS), 'id');
});

test('on a tie the first wins', () => {
  assert.is(nearest('ab', ['ac', 'ad']), 'ac');
});

test.run();
