// The contract for the store in a SQLite file, and what only a file can get wrong.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_PAGE_RECORDS } from './row.ts';
import { batchOf, sampleRecord } from './samples.contract.ts';
import { openSqlite, type SqliteOptions } from './sqlite.ts';
import { openDatabase } from './sqlite-open.ts';
import { storeContract } from './store.contract.ts';
import { MOST_WAITING, type Store, StoreError } from './store.ts';

storeContract('sqlite', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-store-'));
  return {
    open: () => openSqlite(join(directory, 'akamu.db')),
    dispose: async () => rmSync(directory, { recursive: true }),
  };
});

/** Runs with the path of a database that does not exist yet, in a directory removed afterwards. */
async function withFile(run: (file: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-store-'));
  try {
    await run(join(directory, 'state', 'akamu.db'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function withStore(
  file: string,
  run: (store: Store) => Promise<void>,
  options: SqliteOptions = {},
): Promise<void> {
  const store = await openSqlite(file, options);
  try {
    await run(store);
  } finally {
    await store.close();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, StoreError);
  return error as StoreError;
}

test('a second opener is told which file is in use and what to do', () =>
  withFile(async (file) => {
    await withStore(file, async (store) => {
      const error = await failureOf(openSqlite(file, { busyMs: 50 }));
      assert.is(error.fault, 'locked');
      assert.match(error.message, file);
      assert.match(error.message, 'stop that process, or give this node its own [database] url');
      const script = file.replace('akamu.db', 'second-opener.mjs');
      writeFileSync(script, openingScript(file));
      const child = spawnSync(process.execPath, [script]);
      assert.is(child.stdout.toString().trim(), 'locked', child.stderr.toString());
      await store.commit(batchOf([sampleRecord('order', 'still-works', 1)]));
    });
    await withStore(file, (store) => store.check());
  }));

test('a thread that dies is reported, not waited for', () =>
  withFile(async (file) => {
    // Threads inherit this flag and do not accept it.
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', openingScript(file)]);
    assert.is(child.stdout.toString().trim(), 'failed', child.stderr.toString());
  }));

/** A program that prints why it could not open `file`. */
function openingScript(file: string): string {
  const module = new URL('./sqlite.js', import.meta.url).href;
  return `import { openSqlite } from ${JSON.stringify(module)};
    await openSqlite(${JSON.stringify(file)}, { busyMs: 50 }).catch((e) => console.log(e.fault));`;
}

test('a file of another program is refused and left alone', () =>
  withFile(async (file) => {
    await withStore(file, async () => undefined);
    const text = file.replace('akamu.db', 'text');
    writeFileSync(text, 'not a database, but long enough to look like one\n'.repeat(100));
    assert.is((await failureOf(openSqlite(text))).fault, 'foreign');
    const other = file.replace('akamu.db', 'other.db');
    const database = new Database(other);
    database.exec('CREATE TABLE songs (title)');
    database.close();
    const error = await failureOf(openSqlite(other));
    assert.is(error.fault, 'foreign');
    assert.match(error.message, other);
    const again = new Database(other);
    const tables = again.prepare('SELECT name FROM sqlite_schema').pluck().all();
    again.close();
    assert.equal(tables, ['songs']);
  }));

test('a path that cannot be created is named in the error', async () => {
  const error = await failureOf(openSqlite('/dev/null/akamu.db'));
  assert.is(error.fault, 'failed');
  assert.match(error.message, '/dev/null/akamu.db');
});

for (const suffix of ['', '-wal']) {
  test(`a database whose file akamu.db${suffix} was deleted acknowledges nothing more`, () =>
    withFile(async (file) => {
      await withStore(file, (store) => store.commit(batchOf([sampleRecord('order', 'a', 1)])));
      await withStore(file, async (store) => {
        await store.commit(batchOf([sampleRecord('order', 'b', 2)]));
        rmSync(`${file}${suffix}`);
        const error = await failureOf(store.commit(batchOf([sampleRecord('order', 'c', 3)])));
        assert.is(error.fault, 'failed');
        assert.match(error.message, 'was deleted or replaced');
      });
    }));
}

test('a database that must exist is not created', () =>
  withFile(async (file) => {
    const error = await failureOf(openSqlite(file, { mustExist: true }));
    assert.is(error.fault, 'failed');
    assert.match(error.message, 'is not there');
    assert.not.ok(existsSync(file));
    await withStore(file, async () => undefined);
    await withStore(file, (store) => store.check(), { mustExist: true });
  }));

test('a full disk refuses the commit whole, and everything after it until reopened', () =>
  withFile(async (file) => {
    const small = sampleRecord('order', 'small', 1);
    const huge = sampleRecord('order', 'huge', 2, { blob: 'x'.repeat(1_000_000) });
    const run = async (store: Store): Promise<void> => {
      await store.commit(batchOf([small], [], [['seq', '1']]));
      const late = sampleRecord('order', 'late', 3);
      const [failed, queued, read] = await Promise.all([
        failureOf(store.commit(batchOf([late, huge], [small], [['seq', '2']]))),
        failureOf(store.commit(batchOf([late]))),
        failureOf(store.load([small])),
      ]);
      assert.is(failed.fault, 'failed');
      assert.match(failed.message, 'full');
      assert.equal([queued.fault, read.fault], ['stopped', 'stopped']);
      assert.is((await failureOf(store.commit(batchOf([late])))).fault, 'stopped');
      assert.is((await failureOf(store.check())).fault, 'stopped');
    };
    await withStore(file, run, { maxPages: 100 });
    await withStore(file, async (store) => {
      assert.equal(await store.after('node.1', 0, 9), [small]);
      assert.equal(await store.meta(), new Map([['seq', '1']]));
    });
  }));

test('an operator who holds the database too long stops the node, but loses nothing', () =>
  withFile(async (file) => {
    const run = async (store: Store): Promise<void> => {
      const operator = new Database(file);
      try {
        operator.exec('BEGIN IMMEDIATE');
        const error = await failureOf(store.commit(batchOf([sampleRecord('order', 'a', 1)])));
        assert.is(error.fault, 'failed');
        assert.match(error.message, 'locked');
      } finally {
        operator.close();
      }
    };
    await withStore(file, run, { busyMs: 20 });
    await withStore(file, async (store) => assert.equal(await store.after('node.1', 0, 9), []));
  }));

test('files are for the owner alone, directories are made, and nothing but the lock stays', () =>
  withFile(async (file) => {
    await withStore(file, async (store) => {
      await store.commit(batchOf([sampleRecord('order', 'a', 1)]));
      for (const suffix of ['', '-wal', '-shm', '.lock']) {
        assert.is(statSync(file + suffix).mode & 0o777, 0o600, suffix);
      }
    });
    assert.is(statSync(join(file, '..')).mode & 0o777, 0o700);
    assert.not.ok(existsSync(`${file}-wal`));
  }));

test('every commit is synced: the log is written ahead, and synchronous is FULL', () =>
  withFile(async (file) => {
    const { database, release } = openDatabase(file);
    const FULL = 2;
    assert.is(database.pragma('journal_mode', { simple: true }), 'wal');
    assert.is(database.pragma('synchronous', { simple: true }), FULL);
    release();
  }));

test('the log is copied into the database while it runs, so it stays small', () =>
  withFile(async (file) => {
    await withStore(file, async (store) => {
      const blob = 'x'.repeat(1_500);
      for (let round = 0; round < 40; round += 1) {
        const record = (_: unknown, at: number) =>
          sampleRecord('order', `${round}-${at}`, round * 500 + at + 1, { blob });
        await store.commit(batchOf(Array.from({ length: 500 }, record)));
      }
      await store.check();
      assert.ok(statSync(`${file}-wal`).size < 24_000_000);
      assert.ok(statSync(file).size > 20_000_000);
      assert.is((await store.after('node.1', 19_990, MAX_PAGE_RECORDS)).length, 10);
    });
  }));

test('while the database works the event loop keeps turning', () =>
  withFile(async (file) => {
    await withStore(file, async (store) => {
      const records = Array.from({ length: 10_000 }, (_, at) =>
        sampleRecord('order', `${at}`, at + 1, { blob: 'x'.repeat(500) }),
      );
      let turns = 0;
      let isDone = false;
      const commit = store.commit(batchOf(records)).then(() => {
        isDone = true;
      });
      while (!isDone) {
        turns += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await commit;
      assert.ok(turns > 50, `${turns} turns`);
    });
  }));

test('more waiting requests than the bound are refused, the others answered', () =>
  withFile(async (file) => {
    await withStore(file, async (store) => {
      const asked = Array.from({ length: MOST_WAITING + 104 }, () =>
        store.check().catch((e: StoreError) => e),
      );
      const answers = await Promise.all(asked);
      const refused = answers.filter((answer) => answer !== undefined);
      assert.is(refused.length, 104);
      assert.ok(refused.every((answer) => answer?.fault === 'overloaded'));
      await store.check();
    });
  }));

test.run();
