// The schema on servers: what is refused at opening, what operators see in the views, and what a
// user needs to be allowed. Each test runs on PostgreSQL and on MariaDB, as far as there are any.

import * as assert from 'uvu/assert';
import type { Json, Record } from '../../core/crdt/record.ts';
import { openMariadb } from './mariadb.ts';
import { openPostgres } from './postgres.ts';
import { batchOf, sampleRecord } from './samples.contract.ts';
import { MIGRATIONS } from './schema.ts';
import { StoreError } from './store.ts';
import { MARIADB, POSTGRES, suiteOn, type TestDatabase } from './testing/test-database.ts';

const DAY_MS = 86_400_000;

async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.catch((reason: unknown) => reason);
  assert.instance(error, StoreError);
  return error as StoreError;
}

function at(value: Json): Json {
  return { at: [1, 0, 'node'], value };
}

function certificate(id: string, notAfterMs: number, more: Record['fields'] = {}): Record {
  const identifiers = [{ type: 'dns', value: `${id}.example` }];
  const times = { notBeforeMs: notAfterMs - 90 * DAY_MS, notAfterMs };
  const value = { ca: 'root', order: 'o1', account: 'ann', identifiers, der: 'MIIB', ...times };
  return sampleRecord('certificate', id, 1, { made: at(value), status: 'valid', ...more });
}

/** Each answer as text, times as UTC to the second, so that both servers can be compared. */
function plain(rows: unknown[][]): (string | null)[][] {
  return rows.map((row) =>
    row.map((cell) => {
      if (cell === null || cell === undefined) return null;
      if (cell instanceof Date) return cell.toISOString().slice(0, 19);
      return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
    }),
  );
}

async function withRecords(database: TestDatabase, records: Record[]): Promise<void> {
  const store = await database.open();
  await store.commit(
    batchOf(
      records,
      [],
      [
        ['node-key/signing', '{"public":"AA"}'],
        ['node', 'n'],
      ],
    ),
  );
  await store.close();
}

for (const host of [POSTGRES, MARIADB]) {
  const isPostgres = host.kind === 'postgres';
  suiteOn(host, 'schema', (define) => {
    const test = (title: string, run: (database: TestDatabase) => Promise<void>): void =>
      define(title, async () => {
        const database = await host.create();
        try {
          await run(database);
        } finally {
          await database.dispose();
        }
      });

    test('tables of another program are refused and left alone', async (database) => {
      for (const name of ['migrations', 'orders']) {
        await database.sql(`CREATE TABLE ${name} (version INTEGER)`);
        const error = await failureOf(database.open());
        assert.is(error.fault, 'foreign');
        assert.match(error.message, `has ${name} of another program; give Akamu a database`);
        assert.equal(await database.sql(`SELECT * FROM ${name}`), []);
        await database.sql(`DROP TABLE ${name}`);
      }
      await database.sql('CREATE TABLE songs (title TEXT)');
      await (await database.open()).close();
    });

    test('a database of a newer version is refused with the way out, and untouched', async (database) => {
      await (await database.open()).close();
      const next = MIGRATIONS.length + 1;
      await database.sql(`INSERT INTO migrations (version, title) VALUES (${next}, 'later')`);
      const error = await failureOf(database.open());
      assert.is(error.fault, 'newer');
      assert.match(error.message, `has schema ${next}, known is ${MIGRATIONS.length}`);
      assert.match(error.message, 'restore a backup');
    });

    test('a start that was broken off in the middle of a migration goes on where it was', async (database) => {
      await (await database.open()).close();
      await database.sql('DELETE FROM migrations WHERE version = 2');
      if (isPostgres) await database.sql('DROP VIEW node_keys');
      await (await database.open()).close();
      const versions = await database.sql('SELECT version FROM migrations ORDER BY version');
      assert.equal(
        versions.flat().map(Number),
        MIGRATIONS.map(({ version }) => version),
      );
      assert.equal(await database.sql('SELECT * FROM node_keys'), []);
    });

    test('the certificates view shows every fact of a certificate, times as UTC and ms', async (database) => {
      const revocation = at({ atMs: Date.UTC(2026, 0, 2, 3, 4, 5), reason: 1 });
      const notAfterMs = Date.UTC(2026, 2, 1);
      await withRecords(database, [
        certificate('0a', notAfterMs, { status: 'revoked', revocation }),
      ]);
      const columns = `serial, names, account, order_id, ca, status, not_before_ms, not_after_ms,
        revoked_at_ms, revocation_reason, spki_hash, der`;
      assert.equal(plain(await database.sql(`SELECT ${columns} FROM certificates`)), [
        [
          ...['0a', '0a.example', 'ann', 'o1', 'root', 'revoked'],
          ...[`${notAfterMs - 90 * DAY_MS}`, `${notAfterMs}`, `${Date.UTC(2026, 0, 2, 3, 4, 5)}`],
          ...['1', null, 'MIIB'],
        ],
      ]);
      const seconds = isPostgres
        ? (name: string) => `to_char(${name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')`
        : (name: string) => `date_format(${name}, '%Y-%m-%d %H:%i:%s')`;
      const times = ['not_before', 'not_after', 'revoked_at'].map(seconds).join();
      assert.equal(await database.sql(`SELECT ${times} FROM certificates`), [
        ['2025-12-01 00:00:00', '2026-03-01 00:00:00', '2026-01-02 03:04:05'],
      ]);
    });

    test('what expires this week is one plain SELECT', async (database) => {
      const nowMs = Date.now();
      await withRecords(database, [
        certificate('gone', nowMs - DAY_MS),
        certificate('soon', nowMs + 2 * DAY_MS),
        certificate('later', nowMs + 8 * DAY_MS),
      ]);
      const [now, week] = isPostgres
        ? ['now()', "now() + interval '7 days'"]
        : ['utc_timestamp()', 'utc_timestamp() + INTERVAL 7 DAY'];
      const rows = await database.sql(
        `SELECT serial FROM certificates WHERE not_after BETWEEN ${now} AND ${week}`,
      );
      assert.equal(rows, [['soon']]);
    });

    test('orders, accounts, authorizations and the keys of the node read as tables', async (database) => {
      const createdMs = Date.UTC(2026, 0, 1);
      const identifier = { type: 'dns', value: 'h.example' };
      const order = { account: 'ann', identifiers: [identifier], authorizations: ['z'], createdMs };
      const authorization = { account: 'ann', identifier, wildcard: true, createdMs };
      await withRecords(database, [
        sampleRecord('order', 'o', 1, {
          made: at({ ...order, expiresMs: createdMs + DAY_MS, ca: 'root' }),
          status: 'valid',
          csr: at({ csr: 'AA', atMs: createdMs + 1_000 }),
          certificate: at({ serial: '0a' }),
        }),
        sampleRecord('account', 'ann', 2, {
          made: at({ createdMs }),
          status: 'valid',
          key: at({ jwk: {}, thumbprint: 'tp' }),
          contact: at(['mailto:a@h.example']),
        }),
        sampleRecord('authorization', 'z', 3, {
          made: at(authorization),
          status: 'valid',
          'dns-01': 'valid',
          validated: at({ type: 'dns-01', atMs: createdMs + 2_000 }),
        }),
      ]);
      const orders = `SELECT id, names, account, status, ca, authorizations, certificate_serial,
        created_ms, finalized_ms, expires_ms FROM orders`;
      assert.equal(plain(await database.sql(orders)), [
        [
          ...['o', 'h.example', 'ann', 'valid', 'root', '["z"]', '0a'],
          ...[createdMs, createdMs + 1_000, createdMs + DAY_MS].map(String),
        ],
      ]);
      const accounts = 'SELECT id, status, thumbprint, contact, created_ms FROM accounts';
      assert.equal(plain(await database.sql(accounts)), [
        ['ann', 'valid', 'tp', '["mailto:a@h.example"]', `${createdMs}`],
      ]);
      const authorizations = `SELECT id, name, account, status, http_01, dns_01, validated_by,
        validated_ms FROM authorizations WHERE wildcard IN ('true', '1')`;
      assert.equal(plain(await database.sql(authorizations)), [
        ['z', '*.h.example', 'ann', 'valid', null, 'valid', 'dns-01', `${createdMs + 2_000}`],
      ]);
      assert.equal(await database.sql('SELECT name, value FROM node_keys'), [
        ['signing', '{"public":"AA"}'],
      ]);
    });

    test('a record of odd shape does not break the views', async (database) => {
      let deep: Json = 1;
      for (let level = 0; level < 500; level += 1) deep = [deep];
      const odd = [
        sampleRecord('certificate', 'a', 1, {}),
        sampleRecord('certificate', 'b', 2, { made: 'text', revocation: [1] }),
        certificate('c', 1e300),
        certificate('d', -1),
        certificate('e', DAY_MS, { revocation: at({ atMs: 'soon', reason: { a: 1 } }) }),
        certificate('f', DAY_MS, { blob: 'nul\0 and \ud800, and a text that says \\u0000' }),
        certificate('g', DAY_MS, { deep }),
      ];
      await withRecords(database, odd);
      const rows = await database.sql(`SELECT serial, not_after_ms, revoked_at_ms, revocation_reason
        FROM certificates ORDER BY serial`);
      assert.equal(plain(rows), [
        ['a', null, null, null],
        ['b', null, null, null],
        ['c', '1e+300', null, null],
        ['d', '-1', null, null],
        ['e', `${DAY_MS}`, null, null],
        ['f', `${DAY_MS}`, null, null],
        ['g', `${DAY_MS}`, null, null],
      ]);
      const times = await database.sql(`SELECT serial, not_before, not_after, revoked_at, der
        FROM certificates ORDER BY serial`);
      const shown = plain(times);
      assert.equal(
        shown.map(([, , notAfter]) => notAfter !== null),
        [false, false, false, false, true, true, true],
      );
      assert.is(shown[5]?.[4], 'MIIB', 'what a database cannot show of a record hides only itself');
    });

    test('a plain user who owns the database needs no other right', async (database) => {
      const user = new URL(database.url).searchParams.get('options')?.split('=')[1] ?? '';
      const name = `${user || new URL(database.url).pathname.slice(1)}_u`;
      const password = 'p@ss/w rd%';
      const server = { ...database.server, user: name, password };
      const steps = isPostgres
        ? [
            `CREATE ROLE ${name} LOGIN PASSWORD '${password}'`,
            `ALTER SCHEMA ${user} OWNER TO ${name}`,
          ]
        : [
            `CREATE USER ${name}@'%' IDENTIFIED BY '${password}'`,
            `CREATE USER ${name}@localhost IDENTIFIED BY '${password}'`,
            `GRANT ALL ON ${server.database}.* TO ${name}@'%'`,
            `GRANT ALL ON ${server.database}.* TO ${name}@localhost`,
          ];
      const undo = isPostgres
        ? [
            `ALTER SCHEMA ${user} OWNER TO current_user`,
            `DROP OWNED BY ${name}`,
            `DROP ROLE ${name}`,
          ]
        : [`DROP USER ${name}@'%'`, `DROP USER ${name}@localhost`];
      try {
        for (const step of steps.slice(0, isPostgres ? 1 : 2)) await database.sql(step);
        const refused = await failureOf(isPostgres ? openPostgres(server) : openMariadb(server));
        assert.match(refused.message, /the user has no schema|GRANT ALL ON/);
        for (const step of steps.slice(isPostgres ? 1 : 2)) await database.sql(step);
        const open = isPostgres ? openPostgres : openMariadb;
        const store = await open(server, { maxConnections: 3 });
        await store.commit(batchOf([certificate('a', DAY_MS)]));
        await Promise.all([store.meta(), store.check(), store.after('node.1', 0, 5)]);
        await store.close();
        const again = await open(server);
        assert.is((await again.after('node.1', 0, 5)).length, 1);
        await again.close();
      } finally {
        for (const step of undo) await database.sql(step);
      }
    });
  }).run();
}
