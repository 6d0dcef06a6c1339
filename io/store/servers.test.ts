// What only a database on a server can get wrong: its lock, its connection, its refusals. Each test
// runs on PostgreSQL and on MariaDB, as far as the environment names them.

import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { DatabaseServer } from '../config/database-url.ts';
import { openMariadb } from './mariadb.ts';
import { explainMariadb } from './mariadb-open.ts';
import { openPostgres } from './postgres.ts';
import { explainPostgres } from './postgres-open.ts';
import { batchOf, sampleRecord } from './samples.contract.ts';
import type { ServerOptions } from './session.ts';
import { type Store, StoreError } from './store.ts';
import { MARIADB, POSTGRES, suiteOn, type TestDatabase } from './testing/test-database.ts';

const PASSWORD = 'p@ss/w rd%';

async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, StoreError);
  return error as StoreError;
}

function openAt(server: DatabaseServer, options: ServerOptions = {}): Promise<Store> {
  return server.kind === 'postgres' ? openPostgres(server, options) : openMariadb(server, options);
}

/** Commit number `seq`: rows it adds, a row every commit overwrites, and a fact. */
function commitOf(seq: number): Parameters<Store['commit']>[0] {
  const added = Array.from({ length: 4 }, (_, at) => {
    return sampleRecord('order', `${seq}-${at}`, seq * 5 + at, { blob: 'x'.repeat(300) });
  });
  const counter = sampleRecord('account', 'counter', seq * 5 + 4, { seq });
  return batchOf([...added, counter], [], [['seq', `${seq}`]]);
}

for (const host of [POSTGRES, MARIADB]) {
  suiteOn(host, 'connections and locks', (define) => {
    const test = (title: string, run: (database: TestDatabase) => Promise<void>): void =>
      define(title, async () => {
        const database = await host.create();
        try {
          await run(database);
        } finally {
          await database.dispose();
        }
      });

    test('a second opener is told who has the database and what to do', async (database) => {
      const store = await database.open();
      const error = await failureOf(database.open({ busyMs: 100 }));
      assert.is(error.fault, 'locked');
      assert.match(error.message, /backend \d+ from|connection \d+/);
      assert.match(error.message, 'stop that process, or give this node its own [database] url');
      await store.commit(batchOf([sampleRecord('order', 'still-works', 1)]));
      await store.close();
      const next = await database.open({ busyMs: 2_000 });
      await next.check();
      await next.close();
    });

    test('of ten that start at once one gets the database, and its schema is whole', async (database) => {
      const asked = Array.from({ length: 10 }, () =>
        database.open({ busyMs: 100 }).catch((error: StoreError) => error),
      );
      const answers = await Promise.all(asked);
      const stores = answers.flatMap((answer) => (answer instanceof StoreError ? [] : [answer]));
      const faults = answers.flatMap((answer) =>
        answer instanceof StoreError ? [answer.fault] : [],
      );
      assert.is(stores.length, 1);
      assert.equal(faults, Array(9).fill('locked'));
      await stores[0]!.commit(commitOf(1));
      await stores[0]!.close();
    });

    test('when the server ends the connection, everything is refused and the lock is free', async (database) => {
      const store = await database.open();
      await store.commit(commitOf(1));
      assert.is(await database.kill(), 1);
      const error = await failureOf(store.commit(commitOf(2)));
      assert.is(error.fault, 'failed');
      const later = [store.check(), store.meta(), store.load([]), store.commit(commitOf(3))];
      const faults = (await Promise.all(later.map(failureOf))).map(({ fault }) => fault);
      assert.equal(faults, Array(4).fill('failed'));
      const next = await database.open({ mustExist: true });
      assert.equal(await next.meta(), new Map([['seq', '1']]));
      assert.is((await failureOf(store.check())).fault, 'failed', 'it never connects again');
      await store.close();
      await next.close();
    });

    test('killed at any moment of its commits, it has lost no acknowledged one, and each is whole', async (database) => {
      let acknowledged = 0;
      for (let round = 0; round < 12; round += 1) {
        const store = await database.open();
        const first = acknowledged + 1;
        const found = Number((await store.meta()).get('seq') ?? 0);
        assert.ok(found >= acknowledged, `acknowledged ${acknowledged}, found ${found}`);
        await requireWhole(store, found);
        acknowledged = found;
        const killing = killAfter(database, 5 + 7 * round);
        for (;;) {
          const done = await store.commit(commitOf(acknowledged + 1)).then(
            () => true,
            () => false,
          );
          if (!done) break;
          acknowledged += 1;
        }
        assert.ok((await killing) > 0);
        assert.ok(acknowledged >= first - 1);
        assert.is((await failureOf(store.check())).fault, 'failed');
        await store.close();
      }
      assert.ok(acknowledged > 12, `${acknowledged} commits`);
    });

    test('a database that must exist is not begun anew', async (database) => {
      const error = await failureOf(database.open({ mustExist: true }));
      assert.is(error.fault, 'failed');
      assert.match(error.message, 'is empty');
      const store = await database.open();
      await store.close();
      await (await database.open({ mustExist: true })).close();
    });

    test('an operator who locks a row too long stops the store, but loses nothing', async (database) => {
      const store = await database.open({ lockWaitSecs: 1 });
      await store.commit(commitOf(1));
      const release = await database.hold();
      const error = await failureOf(store.commit(commitOf(2)));
      assert.is(error.fault, 'failed');
      assert.match(error.message, 'end that transaction');
      assert.is((await failureOf(store.check())).fault, 'stopped');
      await store.close();
      await release();
      const next = await database.open();
      assert.equal(await next.meta(), new Map([['seq', '1']]));
      await next.close();
    });

    test('reads on several connections see every commit asked for before them', async (database) => {
      const store = await database.open({ maxConnections: 4 });
      for (let seq = 1; seq <= 30; seq += 1) {
        void store.commit(commitOf(seq));
        const reads = Array.from({ length: 6 }, () =>
          store.load([{ kind: 'account', id: 'counter' }]),
        );
        for (const [record] of await Promise.all(reads)) assert.is(record?.fields['seq'], seq);
      }
      await store.close();
      // The server hears of it a moment after the client is done.
      for (let i = 0; i < 100 && (await database.connections()) > 0; i += 1) await sleep(50);
      assert.is(await database.connections(), 0);
    });

    test('what the operator can do is said, and never the password', async ({ server }) => {
      const wrong: [Partial<DatabaseServer>, RegExp][] = [
        [
          { port: 1, password: PASSWORD },
          /ECONNREFUSED.*start the server, or correct host and port/,
        ],
        [{ host: '/nowhere/at.all', password: PASSWORD }, /ENOENT.*correct the path of its socket/],
        [
          { host: 'no-such-host.invalid', password: PASSWORD },
          /correct the host|cannot be resolved/,
        ],
        [{ database: 'no_such_database' }, /make it: CREATE DATABASE|GRANT ALL/],
        [{ caFile: '/nowhere/ca.pem', tlsMode: 'require' }, /correct the file/],
      ];
      for (const [part, remedy] of wrong) {
        const error = await failureOf(openAt({ ...server, ...part }));
        assert.is(error.fault, 'failed');
        assert.match(error.message, remedy);
        assert.match(error.message, `${server.kind}://`);
        assert.not.match(error.message, PASSWORD);
      }
    });

    test('TLS that is asked for is spoken or the database refused', async (database) => {
      const { server } = database;
      const [row] = await database.sql(
        host.kind === 'postgres' ? "SELECT current_setting('ssl')" : 'SELECT @@have_ssl',
      );
      const isOffered = row?.[0] === 'on' || row?.[0] === 'YES';
      if (isOffered) {
        await (await openAt({ ...server, tlsMode: 'require' })).close();
        const { caFile, ...unknown } = server;
        const error = await failureOf(openAt({ ...unknown, tlsMode: 'verify-full' }));
        assert.match(error.message, 'in the URL (sslrootcert, ssl-ca)');
        if (caFile === undefined) return;
        await (await openAt({ ...server, tlsMode: 'verify-full' })).close();
        const named = { ...server, host: 'localhost' };
        await (await openAt({ ...named, tlsMode: 'verify-ca' })).close();
        const other = await failureOf(openAt({ ...named, tlsMode: 'verify-full' }));
        assert.match(other.message, 'use the host name that the certificate of the server has');
      } else {
        for (const tlsMode of ['require', 'verify-ca', 'verify-full'] as const) {
          const error = await failureOf(openAt({ ...server, tlsMode }));
          assert.is(error.fault, 'failed');
          assert.match(error.message, 'does not speak TLS');
        }
      }
      await (await openAt({ ...server, tlsMode: 'prefer' })).close();
      await (await openAt({ ...server, tlsMode: 'disable' })).close();
    });

    test('a wrong password is a matter of the URL', async ({ server }) => {
      const refused =
        host.kind === 'postgres'
          ? explainPostgres(server, Object.assign(new Error('no'), { code: '28P01' }))
          : explainMariadb(
              server,
              Object.assign(new Error('no'), { code: 'ER_ACCESS_DENIED_ERROR' }),
            );
      assert.match(refused.message, 'correct user and password in [database] url');
      if (host.kind === 'postgres') return;
      const error = await failureOf(openAt({ ...server, user: 'nobody_here', password: PASSWORD }));
      assert.match(error.message, 'correct user and password in [database] url');
      assert.not.match(error.message, PASSWORD);
    });
  }).run();
}

async function killAfter(database: TestDatabase, ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return database.kill();
}

/** Every commit up to `last` is there with all its rows, and nothing of a later one. */
async function requireWhole(store: Store, last: number): Promise<void> {
  if (last === 0) return;
  const [counter] = await store.load([{ kind: 'account', id: 'counter' }]);
  assert.is(counter?.fields['seq'], last);
  const records = await store.after('node.1', 0, 10_000);
  const orders = records.filter(({ kind }) => kind === 'order');
  assert.equal(
    orders.map(({ dot }) => dot.seq),
    Array.from({ length: last * 4 }, (_, at) => 5 + (at >> 2) * 5 + (at & 3)),
  );
}
