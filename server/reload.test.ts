import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Config, readConfig } from '../io/config/index.ts';
import { reloadChanges } from './reload.ts';

function config(text: string): Config {
  const result = readConfig(text, 'test.toml');
  if (!result.ok) throw new Error(result.errors[0]!.message);
  return result.config;
}

test('what cannot change while the server runs stays, and is named as the file has it', () => {
  const loaded = config('listen_addr = "127.0.0.1:9443"\n[server]\nmax_body_bytes = 70000\n');
  const { next, needRestart } = reloadChanges(config(''), loaded);
  assert.is(next.listenAddr, '127.0.0.1:8443');
  assert.equal(needRestart, ['listen_addr', 'server.max_body_bytes']);
});

test('what can change is put in force and not complained about', () => {
  const loaded = config('[server]\norder_expiry_secs = 3600\n[log]\nlevel = "debug"\n');
  const { next, needRestart } = reloadChanges(config(''), loaded);
  assert.is(next.server.orderExpirySecs, 3600);
  assert.is(next.log.level, 'debug');
  assert.equal(needRestart, []);
});

test('the format of the log waits for a restart', () => {
  const { next, needRestart } = reloadChanges(config(''), config('[log]\nformat = "json"\n'));
  assert.is(next.log.format, 'text');
  assert.equal(needRestart, ['log.format']);
});

test('peers change while the server runs; the rest of [gossip], and having it, wait', () => {
  const first = '[gossip]\npeers = ["http://a:1", "http://b:1"]\n';
  const loaded = config('[gossip]\npeers = ["http://c:1"]\ninterval_secs = 20\n');
  const { next, needRestart } = reloadChanges(config(first), loaded);
  assert.equal(next.gossip?.peers, ['http://c:1']);
  assert.is(next.gossip?.intervalSecs, 15);
  assert.equal(needRestart, ['gossip.interval_secs']);
  assert.equal(reloadChanges(config(''), config(first)).needRestart, ['gossip']);
  assert.equal(reloadChanges(config(first), config('')).needRestart, ['gossip']);
});

test('an unchanged file changes nothing', () => {
  assert.equal(reloadChanges(config(''), config('')).needRestart, []);
});

test.run();
