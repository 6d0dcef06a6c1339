import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderErrors } from './config-error.ts';
import { type LoadResult, loadConfig } from './load.ts';

const test = suite<{ directory: string; before: string }>('load');

test.before((context) => {
  context.before = process.cwd();
  context.directory = mkdtempSync(join(tmpdir(), 'akamu-config-'));
  process.chdir(context.directory);
});
test.after((context) => {
  process.chdir(context.before);
  rmSync(context.directory, { recursive: true });
});

function rendered(result: LoadResult): string {
  return result.ok ? '' : renderErrors(result.errors);
}

test('a named pipe is refused at once, not waited for', () => {
  assert.is(spawnSync('mkfifo', ['pipe']).status, 0);
  assert.match(rendered(loadConfig('pipe')), 'is not a regular file');
});

test('a file that is named must be there', () => {
  assert.is(
    rendered(loadConfig('nowhere.toml')),
    'nowhere.toml: error: there is no such file\n   = fix: write one with: akamu init --config FILE\n',
  );
});

test('what is not a small file of UTF-8 is refused', () => {
  mkdirSync('directory');
  writeFileSync('latin1.toml', Buffer.from([0x23, 0xe9, 0x0a]));
  writeFileSync('large.toml', Buffer.alloc((1 << 20) + 1, 0x0a));
  assert.match(rendered(loadConfig('directory')), /is not a regular file/);
  assert.match(rendered(loadConfig('latin1.toml')), /is not UTF-8/);
  assert.match(rendered(loadConfig('large.toml')), /is larger than 1048576 bytes/);
});

test('without a name: akamu.toml if it is there, else the defaults', () => {
  const defaults = loadConfig();
  assert.ok(defaults.ok);
  assert.is(defaults.file, undefined);
  writeFileSync('akamu.toml', '[log]\nlevel = "debug"\n');
  const found = loadConfig();
  assert.ok(found.ok);
  assert.equal([found.file, found.config.log.level], ['akamu.toml', 'debug']);
  writeFileSync('akamu.toml', '[log]\nlevel = "loud"\n');
  assert.match(rendered(loadConfig()), /^akamu\.toml:2:9: error: /);
});

test.run();
