// How the server process ends: by a failure while it starts, and when nobody reads its log. The
// program runs as it is installed. Never here: what it serves (server/testing has the scenarios).

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freeStablePorts } from './testing/ports.ts';

const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url));
const LIMIT_MS = 8_000;

const ADMIN = '[admin]\nlisten_addr = "127.0.0.1:0"\n[tls]\nenabled = false\n';

function configuration(acme: string, rest: string): string {
  return `listen_addr = "${acme}"\nbase_url = "http://localhost"\n${rest}`;
}

/** Runs `serve` with these addresses until `end` settles, then kills what is left. */
async function withServer(
  acme: string,
  end: (child: ChildProcess, log: () => string, file: string) => Promise<void>,
  rest: string = ADMIN,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-serve-'));
  const file = join(directory, 'akamu.toml');
  writeFileSync(file, configuration(acme, rest));
  const child = spawn(process.execPath, [PROGRAM, 'serve'], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    await end(child, () => text, file);
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
      assert.not.match(log(), 'stack=');
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

test('a node whose configuration file is gone keeps what it has at a reload, and says so', async () => {
  await withServer('127.0.0.1:0', async (child, log, file) => {
    await until(() => log().includes('node: listening'));
    rmSync(file);
    child.kill('SIGHUP');
    await until(() => log().includes('not reloaded'));
    assert.match(log(), /ERROR config: not reloaded: the old configuration .* no such file/);
    assert.not.match(log(), 'config: reloaded');
  });
});

test('a CA that is gone is not made anew beside a database that was used with it', async () => {
  await withServer('127.0.0.1:0', async (child, log, file) => {
    await until(() => log().includes('node: listening'));
    const made = /WARN ca: made a new root and issuing CA id="default" root_sha256="(.*)"/;
    const pem = readFileSync(join(dirname(file), 'data/ca/root.pem'));
    assert.is(made.exec(log())?.[1], new X509Certificate(pem).fingerprint256);
    const stopped = exitOf(child);
    child.kill('SIGTERM');
    assert.is(await stopped, 0);
    const ca = join(dirname(file), 'data/ca');
    rmSync(ca, { recursive: true });
    const again = spawnSync(process.execPath, [PROGRAM, 'serve'], { cwd: dirname(file) });
    assert.is(again.status, 1);
    const said = again.stderr.toString();
    assert.match(said, /ERROR node: stopped by a failure error="the files of the CA \\"default\\"/);
    assert.match(
      said,
      /data\/ca\/key\.pem and data\/ca\/cert\.pem, are missing, .* data\/akamu\.db /,
    );
    assert.match(said, /Restore the files of the CA, or start with an empty database, .*"\n$/);
    assert.not.ok(existsSync(ca));
  });
});

test('a node without [gossip] says that it works alone, and has no keys', async () => {
  await withServer('127.0.0.1:0', async (_, log) => {
    await until(() => log().includes('node: listening'));
    assert.match(log(), /^\S+ INFO gossip: no peers configured — loop disabled$/m);
  });
});

test('a reload brings peers to a node that had none, and calls them', async () => {
  const [port, peer] = await freeStablePorts(2);
  const section = (peers: string): string => {
    const rest = `[admin]\nlisten_addr = "127.0.0.1:${port}"\n[tls]\nenabled = false\n`;
    return `${rest}[gossip]\npeers = [${peers}]\ninterval_secs = 1\n`;
  };
  await withServer(
    '127.0.0.1:0',
    async (child, log, file) => {
      await until(() => log().includes('node: listening'));
      assert.match(log(), 'INFO gossip: no peers configured — loop disabled');
      const url = `http://127.0.0.1:${peer}`;
      writeFileSync(file, configuration('127.0.0.1:0', section(`"${url}"`)));
      child.kill('SIGHUP');
      await until(() => log().includes('no KEM key'));
      assert.match(log(), `INFO gossip: no KEM key for peer, skipping peer="${url}"`);
      assert.not.match(log(), 'takes effect only at the next start');
    },
    section(''),
  );
});

test.run();
