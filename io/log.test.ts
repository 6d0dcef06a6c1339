import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  createLog,
  createProcessLog,
  type Log,
  type LogOptions,
  redact,
  redactUrl,
} from './log.ts';

function capture(options: Partial<LogOptions> = {}): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = createLog({
    level: 'info',
    format: 'text',
    timestamps: false,
    now: () => Date.UTC(2026, 10, 22, 10),
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines };
}

test('a value cannot forge a line, a field or a colour', () => {
  const { log, lines } = capture();
  log.info('acme', 'm\nERROR x: y', { a: 'x" b="1\nINFO z: q\u001b[31m\u2028\u202e\u0085\ud800' });
  assert.is(lines.length, 1);
  assert.is(
    lines[0],
    'INFO acme: m\\nERROR x: y a="x\\" b=\\"1\\nINFO z: q\\u001b[31m\\u2028\\u202e\\u0085\\ud800"\n',
  );
});

test('names of fields are made plain and cannot pass for members of the line', () => {
  const { log, lines } = capture({ format: 'json' });
  log.info('t', 'm', { 'a b"': 1, level: 'x', message: 'y' });
  const parsed: unknown = JSON.parse(lines[0] ?? '');
  assert.equal(parsed, {
    time: '2026-11-22T10:00:00.000Z',
    level: 'info',
    target: 't',
    message: 'm',
    a_b_: 1,
    level_: 'x',
    message_: 'y',
  });
});

test('values and fields are bounded', () => {
  const { log, lines } = capture();
  const fields = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, i]));
  log.info('t', 'm'.repeat(1e6), { long: 'x'.repeat(1e6), ...fields });
  assert.ok((lines[0]?.length ?? 0) < 6000);
  assert.match(lines[0] ?? '', /x…" f0=0 /);
});

test('messages below the level are dropped, and the level can change', () => {
  const { log, lines } = capture({ level: 'warn' });
  log.info('t', 'no');
  log.debug('t', 'no');
  log.warn('t', 'yes');
  log.setLevel('debug');
  log.debug('t', 'now');
  assert.equal(lines, ['WARN t: yes\n', 'DEBUG t: now\n']);
});

test('the cluster page: the line of a first contact, letter for letter', () => {
  const { log, lines } = capture();
  log.info('gossip', 'first-contact merge complete', {
    peer: 'http://node2.acme.internal:8081',
    accounts: 142,
    orders: 891,
    certificates: 734,
    authorizations: 1023,
    cluster_nodes: 2,
  });
  assert.is(
    lines[0],
    'INFO gossip: first-contact merge complete peer="http://node2.acme.internal:8081"' +
      ' accounts=142 orders=891 certificates=734 authorizations=1023 cluster_nodes=2\n',
  );
  log.warn('gossip', 'no peers configured — loop disabled');
  assert.is(lines[1], 'WARN gossip: no peers configured — loop disabled\n');
});

test('numbers and flags are bare, and what is undefined is left out', () => {
  const { log, lines } = capture();
  log.error('t', 'say "a"', { n: 1.5, big: 7n, yes: true, gone: undefined, none: Number.NaN });
  assert.is(lines[0], 'ERROR t: say "a" n=1.5 big=7 yes=true none=NaN\n');
});

test('a line begins with the time, unless the journal has it', () => {
  const written: string[] = [];
  const config = { level: 'info', format: 'text' } as const;
  const write = (line: string): void => void written.push(line);
  createProcessLog(config, {}, write).info('t', 'm');
  createProcessLog(config, { JOURNAL_STREAM: '8:1' }, write).info('t', 'm');
  assert.match(written[0] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO t: m\n$/);
  assert.is(written[1], 'INFO t: m\n');
});

test('JSON stays JSON whatever the numbers', () => {
  const { log, lines } = capture({ format: 'json' });
  log.info('t', 'm', { a: Number.POSITIVE_INFINITY, b: 2n, c: false, d: '"\u2028' });
  const { a, b, c, d } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.equal([a, b, c, d], ['Infinity', 2, false, '"\u2028']);
});

test('redaction leaves nothing of the secret', () => {
  assert.is(redact('hunter2'), '[redacted]');
  assert.is(redactUrl('postgres://u:hun@ter2@h/d'), 'postgres://u:[redacted]@h/d');
  assert.is(redactUrl('sqlite://data/akamu.db'), 'sqlite://data/akamu.db');
});

test.run();
