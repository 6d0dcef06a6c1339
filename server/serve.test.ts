// How the server process ends: by a failure while it starts, and when nobody reads its log. The
// program runs as it is installed. Never here: what it serves (server/testing has the scenarios).

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url));
const LIMIT_MS = 8_000;

/** Runs `serve` with these addresses until `end` settles, then kills what is left. */
async function withServer(
  acme: string,
  end: (child: ChildProcess, log: () => string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-serve-'));
  const file = join(directory, 'akamu.toml');
  const top = `listen_addr = "${acme}"\nbase_url = "http://localhost"\n`;
  const rest = '[admin]\nlisten_addr = "127.0.0.1:0"\n[tls]\nenabled = false\n';
  writeFileSync(file, top + rest);
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--config', file], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    await end(child, () => text);
  } finally {
    child.kill('SIGKILL');
    await exited;
    rmSync(directory, { recursive: true });
  }
}

/** The exit code, or what it did instead of ending. */
function exitOf(child: ChildProcess): Promise<number | string | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('it goes on'), LIMIT_MS);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? signal);
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!condition() && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a server that cannot listen ends, and lets go of its database', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  try {
    await withServer(`127.0.0.1:${port}`, async (child, log) => {
      assert.is(await exitOf(child), 1);
      assert.match(log(), /another process listens there/);
    });
  } finally {
    other.close();
  }
});

test('a server whose log nobody reads any more goes on, and stops cleanly', async () => {
  await withServer('127.0.0.1:0', async (child, log) => {
    await until(() => log().includes('--agree-tos'));
    child.stderr!.destroy();
    child.kill('SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.is(child.exitCode, null);
    const exit = exitOf(child);
    child.kill('SIGTERM');
    child.kill('SIGHUP');
    assert.is(await exit, 0);
  });
});

test.run();
