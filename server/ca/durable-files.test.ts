// Tests of files that appear together or not at all.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dropPending, pendingPath, readIfPresent, settle, writePending } from './durable-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'akamu-files-'));
const path = (name: string): string => join(directory, name);

test('a pending file is not written twice', () => {
  const file = { path: path('once'), content: 'first', mode: 0o600 };
  writePending(file);
  assert.throws(() => writePending({ ...file, content: 'second' }), /EEXIST/);
  assert.is(readFileSync(pendingPath(file.path), 'utf8'), 'first');
});

test('what is neither pending nor there cannot be settled', () => {
  assert.throws(() => settle(path('nothing')), /ENOENT/);
});

test('a file that cannot be read is not missing', () => {
  assert.throws(() => readIfPresent(directory), /EISDIR/);
  assert.is(readIfPresent(path('missing')), undefined);
});

test('a settled file has its content and mode, and settling again does nothing', () => {
  const file = { path: path('deep/er/file'), content: 'content', mode: 0o600 };
  writePending(file);
  assert.is(readIfPresent(file.path), undefined);
  settle(file.path);
  settle(file.path);
  assert.is(readIfPresent(file.path), 'content');
  assert.is(statSync(file.path).mode & 0o777, 0o600);
  assert.is(readIfPresent(pendingPath(file.path)), undefined);
});

test('a pending file can be dropped, also when there is none', () => {
  writeFileSync(pendingPath(path('drop')), '');
  dropPending(path('drop'));
  dropPending(path('drop'));
  assert.is(readIfPresent(pendingPath(path('drop'))), undefined);
});

test.after(() => rmSync(directory, { recursive: true, force: true }));

test.run();
