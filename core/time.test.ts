import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatTime, parseTime } from './time.ts';

const DAY_MS = 86_400_000;

test('RFC 3339 §5.6: what is no date-time is refused', () => {
  const refusedTexts = [
    ['nothing', ''],
    ['a date alone', '2026-01-02'],
    ['no zone', '2026-01-02T03:04:05'],
    ['a space for the T', '2026-01-02 03:04:05Z'],
    ['a year of two digits', '26-01-02T03:04:05Z'],
    ['a year of five digits', '12026-01-02T03:04:05Z'],
    ['a month of one digit', '2026-1-02T03:04:05Z'],
    ['no seconds', '2026-01-02T03:04Z'],
    ['an empty fraction', '2026-01-02T03:04:05.Z'],
    ['an offset without colon', '2026-01-02T03:04:05+0100'],
    ['text before', ' 2026-01-02T03:04:05Z'],
    ['text after', '2026-01-02T03:04:05Z\n'],
    ['other digits', '２０26-01-02T03:04:05Z'],
    ['Unix time', '1767323045'],
  ];
  for (const [why, text] of refusedTexts) assert.is(parseTime(text!), undefined, why);
});

test('RFC 3339 §5.7: fields out of their range are refused', () => {
  const refusedTexts = [
    ['month 0', '2026-00-02T03:04:05Z'],
    ['month 13', '2026-13-02T03:04:05Z'],
    ['day 0', '2026-01-00T03:04:05Z'],
    ['day 32', '2026-01-32T03:04:05Z'],
    ['day 31 of April', '2026-04-31T03:04:05Z'],
    ['day 29 of a February that has 28', '2026-02-29T03:04:05Z'],
    ['day 29 in a century that is no leap year', '2100-02-29T03:04:05Z'],
    ['hour 24', '2026-01-02T24:00:00Z'],
    ['minute 60', '2026-01-02T03:60:05Z'],
    ['second 61', '2026-01-02T03:04:61Z'],
    ['offset hour 24', '2026-01-02T03:04:05+24:00'],
    ['offset minute 60', '2026-01-02T03:04:05-01:60'],
  ];
  for (const [why, text] of refusedTexts) assert.is(parseTime(text!), undefined, why);
});

test('RFC 3339 §5.8: the examples are read', () => {
  assert.is(parseTime('1985-04-12T23:20:50.52Z'), Date.UTC(1985, 3, 12, 23, 20, 50));
  assert.is(parseTime('1996-12-19T16:39:57-08:00'), Date.UTC(1996, 11, 20, 0, 39, 57));
  assert.is(parseTime('1937-01-01T12:00:27.87+00:20'), Date.UTC(1937, 0, 1, 11, 40, 27));
  assert.is(parseTime('1990-12-31T23:59:60Z'), Date.UTC(1991, 0, 1));
});

test('RFC 3339 §5.6: T and Z may be small', () => {
  assert.is(parseTime('2026-01-02t03:04:05z'), Date.UTC(2026, 0, 2, 3, 4, 5));
});

test('leap days are read', () => {
  assert.is(parseTime('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29));
  assert.is(parseTime('2000-02-29T00:00:00Z'), Date.UTC(2000, 1, 29));
});

test('text has whole seconds in UTC', () => {
  assert.is(formatTime(0), '1970-01-01T00:00:00Z');
  assert.is(formatTime(999), '1970-01-01T00:00:00Z');
  assert.is(formatTime(-1), '1969-12-31T23:59:59Z');
  assert.is(formatTime(Date.UTC(2026, 10, 22, 3, 4, 5)), '2026-11-22T03:04:05Z');
});

test('text is that of the host for every day of four centuries and one', () => {
  const start = Date.UTC(1899, 0, 1);
  for (let day = 0; day < 146_097 + 366; day++) {
    const ms = start + day * DAY_MS + ((day * 7919) % 86_400) * 1000;
    const text = new Date(ms).toISOString().replace('.000Z', 'Z');
    if (formatTime(ms) !== text || parseTime(text) !== ms) assert.is(formatTime(ms), text);
  }
});

test('parsing what was formatted gives the moment rounded down to the second', () => {
  for (const ms of [0, 1, 999, 1000, 1_800_000_000_123, 253_402_300_799_999, -62_135_596_800_000]) {
    assert.is(parseTime(formatTime(ms)), Math.floor(ms / 1000) * 1000);
  }
});

test.run();
