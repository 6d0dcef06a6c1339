// Promise 1 against sudden death: a child commits and acknowledges, is killed at a random moment,
// and the reopened database holds all that was acknowledged, each commit whole.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { batchOf, sampleRecord } from './samples.contract.ts';
import { openSqlite } from './sqlite.ts';
import type { Batch, Store } from './store.ts';

const ROUNDS = 15;
const MOST_MS_ALIVE = 60;
const RECORDS_PER_COMMIT = 20;
const CHILD = 'commit-until-killed';

/** Commit number `seq`: rows that it adds, a row that every commit overwrites, and a fact. */
function commitOf(seq: number): Batch {
  const first = seq * RECORDS_PER_COMMIT;
  const added = Array.from({ length: RECORDS_PER_COMMIT - 1 }, (_, at) =>
    sampleRecord('order', `${seq}-${at}`, first + at, { blob: 'x'.repeat(300) }),
  );
  const counter = sampleRecord('account', 'counter', first + RECORDS_PER_COMMIT - 1, { seq });
  return batchOf([...added, counter], [], [['seq', `${seq}`]]);
}

async function commitUntilKilled(file: string): Promise<never> {
  const store = await openSqlite(file);
  for (let seq = (await lastCommit(store)) + 1; ; seq += 1) {
    await store.commit(commitOf(seq));
    process.stdout.write(`${seq}\n`);
  }
}

async function lastCommit(store: Store): Promise<number> {
  return Number((await store.meta()).get('seq') ?? 0);
}

/** Starts a child, kills it a random while after its first answer; answers the last one it gave. */
async function runAndKill(file: string): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), CHILD, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.stdout?.on('data', (chunk) => {
    if (output === '') killSoon(child);
    output += chunk;
  });
  await exited;
  const whole = output.slice(0, output.lastIndexOf('\n'));
  return Number(whole.slice(whole.lastIndexOf('\n') + 1));
}

function killSoon(child: ChildProcess): void {
  setTimeout(() => child.kill('SIGKILL'), Math.random() * MOST_MS_ALIVE);
}

async function requireWhole(store: Store, acknowledged: number): Promise<number> {
  const last = await lastCommit(store);
  assert.ok(last >= acknowledged, `acknowledged ${acknowledged}, found ${last}`);
  const [counter] = await store.load([{ kind: 'account', id: 'counter' }]);
  assert.is(counter?.fields['seq'], last);
  let seen = RECORDS_PER_COMMIT - 1;
  for (;;) {
    const page = await store.after('node.1', seen, 5_000);
    if (page.length === 0) break;
    // Every commit's last seq is the overwritten row's, so it is missing but for the last commit.
    for (const { dot } of page) {
      const isNext = dot.seq === seen + 1;
      const isBeyondCounter = dot.seq === seen + 2 && (seen + 2) % RECORDS_PER_COMMIT === 0;
      assert.ok(isNext || isBeyondCounter, `gap between ${seen} and ${dot.seq}`);
      seen = dot.seq;
    }
  }
  assert.is(seen, last * RECORDS_PER_COMMIT + RECORDS_PER_COMMIT - 1);
  return last;
}

test('a process killed at any moment has lost nothing that it acknowledged', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-crash-'));
  const file = join(directory, 'akamu.db');
  try {
    let last = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const acknowledged = await runAndKill(file);
      assert.ok(acknowledged > last, 'the child got to commit');
      const store = await openSqlite(file);
      try {
        last = await requireWhole(store, acknowledged);
      } finally {
        await store.close();
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

if (process.argv[2] === CHILD) await commitUntilKilled(process.argv[3]!);
else test.run();
