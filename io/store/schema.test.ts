// Migrations, the views for operators, and which index serves which selection.

import Database from 'better-sqlite3';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Selection } from '../../core/crdt/columns.ts';
import type { Json, Record } from '../../core/crdt/record.ts';
import { rowOf } from './row.ts';
import { MIGRATIONS, type Migration } from './schema.ts';
import { APPLICATION_ID, migrate } from './sqlite-open.ts';
import { selectionQuery } from './sqlite-select.ts';
import type { StoreError } from './store.ts';

const DAY_MS = 86_400_000;

function withDatabase(run: (database: Database.Database) => void): void {
  const database = new Database(':memory:');
  try {
    run(database);
  } finally {
    database.close();
  }
}

function schemaOf(database: Database.Database): unknown[] {
  return database.prepare('SELECT name FROM sqlite_schema ORDER BY name').pluck().all();
}

const NEXT: Migration = {
  version: MIGRATIONS.length + 1,
  title: 'a note beside every record',
  postgres: ['ALTER TABLE records ADD COLUMN note TEXT'],
  mariadb: ['ALTER TABLE records ADD COLUMN IF NOT EXISTS note TEXT'],
  sqlite: ['ALTER TABLE records ADD COLUMN note TEXT', 'CREATE INDEX notes ON records (note)'],
};

test('a failed migration leaves the database as it was', () =>
  withDatabase((database) => {
    migrate(database, 'x.db');
    const before = schemaOf(database);
    const broken = { ...NEXT, sqlite: [...NEXT.sqlite, 'CREATE TABLE records (again)'] };
    assert.throws(() => migrate(database, 'x.db', [...MIGRATIONS, broken]), /already exists/);
    assert.equal(schemaOf(database), before);
    assert.is(database.prepare('SELECT count(*) FROM migrations').pluck().get(), MIGRATIONS.length);
    const fresh = new Database(':memory:');
    assert.throws(() => migrate(fresh, 'x.db', [...MIGRATIONS, broken]), /already exists/);
    assert.equal(schemaOf(fresh), []);
    fresh.close();
  }));

test('a database of a newer version is refused with the way out, and untouched', () =>
  withDatabase((database) => {
    migrate(database, 'x.db', [...MIGRATIONS, NEXT]);
    const before = schemaOf(database);
    try {
      migrate(database, '/var/lib/akamu/x.db');
      assert.unreachable();
    } catch (error) {
      assert.is((error as StoreError).fault, 'newer');
      assert.match(
        (error as StoreError).message,
        `/var/lib/akamu/x.db has schema ${NEXT.version}, known is ${MIGRATIONS.length}`,
      );
      assert.match((error as StoreError).message, 'restore a backup');
    }
    assert.equal(schemaOf(database), before);
  }));

test('migrations are numbered without a gap, recorded, and applied once', () =>
  withDatabase((database) => {
    assert.equal(
      MIGRATIONS.map(({ version }) => version),
      MIGRATIONS.map((_, at) => at + 1),
    );
    migrate(database, 'x.db');
    migrate(database, 'x.db');
    migrate(database, 'x.db', [...MIGRATIONS, NEXT]);
    const applied = database.prepare('SELECT version, title FROM migrations').raw().all();
    assert.equal(
      applied,
      [...MIGRATIONS, NEXT].map(({ version, title }) => [version, title]),
    );
    assert.is(database.pragma('application_id', { simple: true }), APPLICATION_ID);
  }));

const SERVED: { readonly [index: string]: readonly Partial<Selection>[] } = {
  orders_by_owner: [
    { kind: 'order', owner: 'a' },
    { kind: 'order', owner: 'a', afterId: 'x' },
  ],
  authorizations_by_owner: [
    { kind: 'authorization', owner: 'a', name: 'n' },
    { kind: 'authorization', owner: 'a', name: 'n', state: 'valid', expiresAfterMs: 5 },
  ],
  records_by_state: [
    { kind: 'certificate', state: 'revoked', afterId: 'x' },
    { kind: 'order', state: 'processing' },
    { kind: 'authorization', state: 'pending' },
  ],
  records_by_expiry: [
    { kind: 'order', expiresBeforeMs: 5 },
    { kind: 'authorization', expiresBeforeMs: 5 },
  ],
};

test('the selections of the protocol search an index and scan nothing', () =>
  withDatabase((database) => {
    migrate(database, 'x.db');
    for (const [index, selections] of Object.entries(SERVED)) {
      for (const conditions of selections) {
        const { sql, parameters } = selectionQuery({ kind: 'order', limit: 5, ...conditions });
        const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
        const details = plan.map((step) => (step as { detail: string }).detail).join('\n');
        assert.match(details, index, sql);
        assert.not.match(details, /^SCAN/m);
      }
    }
  }));

/** A database with these records in it, for queries as an operator would type them. */
function withRecords(records: Record[], run: (database: Database.Database) => void): void {
  withDatabase((database) => {
    migrate(database, 'x.db');
    const insert = database.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    for (const record of records) insert.run(rowOf(record));
    run(database);
  });
}

function certificate(id: string, notAfterMs: number, more: Record['fields'] = {}): Record {
  const identifiers = [{ type: 'dns', value: `${id}.example` }];
  const der = 'MIIB';
  const times = { notBeforeMs: notAfterMs - 90 * DAY_MS, notAfterMs };
  const value = { ca: 'root', order: 'o1', account: 'ann', identifiers, der, ...times };
  return recordOf('certificate', id, { made: at(value), status: 'valid', ...more });
}

function recordOf(kind: string, id: string, fields: Record['fields']): Record {
  return { kind, id, fields, dot: { origin: 'node.1', seq: 1 } };
}

function at(value: Json): Json {
  return { at: [1, 0, 'node'], value };
}

test('what expires this week is one plain SELECT', () => {
  const nowMs = Date.now();
  const revocation = at({ atMs: nowMs, reason: 4 });
  const records = [
    certificate('gone', nowMs - DAY_MS),
    certificate('soon', nowMs + 2 * DAY_MS),
    certificate('withdrawn', nowMs + 3 * DAY_MS, { status: 'revoked', revocation }),
    certificate('later', nowMs + 8 * DAY_MS),
  ];
  withRecords(records, (database) => {
    const week = `SELECT serial, names, account, status FROM certificates
      WHERE not_after BETWEEN datetime('now') AND datetime('now', '+7 days') AND status = 'valid'`;
    assert.equal(database.prepare(week).raw().all(), [['soon', 'soon.example', 'ann', 'valid']]);
    const byMs = `SELECT serial FROM certificates WHERE not_after_ms < ? ORDER BY not_after_ms`;
    const until = nowMs + 7 * DAY_MS;
    const serials = database.prepare(byMs).pluck().all(until);
    assert.equal(serials, ['gone', 'soon', 'withdrawn']);
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${byMs}`).get(until);
    assert.match((plan as { detail: string }).detail, 'records_by_expiry');
  });
});

test('the certificates view shows every fact of a certificate, times as UTC text and ms', () => {
  const revocation = at({ atMs: Date.UTC(2026, 0, 2, 3, 4, 5), reason: 1 });
  const notAfterMs = Date.UTC(2026, 2, 1);
  const records = [certificate('0a', notAfterMs, { status: 'revoked', revocation })];
  withRecords(records, (database) => {
    assert.equal(database.prepare('SELECT * FROM certificates').get(), {
      serial: '0a',
      names: '0a.example',
      account: 'ann',
      order_id: 'o1',
      ca: 'root',
      status: 'revoked',
      not_before: '2025-12-01 00:00:00',
      not_after: '2026-03-01 00:00:00',
      not_before_ms: notAfterMs - 90 * DAY_MS,
      not_after_ms: notAfterMs,
      revoked_at: '2026-01-02 03:04:05',
      revoked_at_ms: Date.UTC(2026, 0, 2, 3, 4, 5),
      revocation_reason: 1,
      spki_hash: null,
      der: 'MIIB',
    });
  });
});

test('orders, accounts and authorizations read as tables', () => {
  const createdMs = Date.UTC(2026, 0, 1);
  const expiresMs = createdMs + DAY_MS;
  const identifier = { type: 'dns', value: 'h.example' };
  const order = { account: 'ann', identifiers: [identifier], authorizations: ['z'], createdMs };
  const authorization = { account: 'ann', identifier, wildcard: true, createdMs, expiresMs };
  const records = [
    recordOf('order', 'o', {
      made: at({ ...order, expiresMs, ca: 'root' }),
      status: 'valid',
      csr: at({ csr: 'AA', atMs: createdMs + 1_000 }),
      certificate: at({ serial: '0a' }),
    }),
    recordOf('account', 'ann', {
      made: at({ createdMs }),
      status: 'valid',
      key: { version: 1, at: 1, value: { jwk: {}, thumbprint: 'tp' } },
      contact: { version: 1, at: 1, value: ['mailto:a@h.example'] },
    }),
    recordOf('authorization', 'z', {
      made: at(authorization),
      status: 'valid',
      'dns-01': 'valid',
      validated: at({ type: 'dns-01', atMs: createdMs + 2_000 }),
    }),
  ];
  withRecords(records, (database) => {
    const orders = `SELECT id, names, account, status, authorizations, certificate_serial, created,
      finalized, expires, expires_ms FROM orders`;
    assert.equal(database.prepare(orders).raw().get(), [
      ...['o', 'h.example', 'ann', 'valid', '["z"]', '0a', '2026-01-01 00:00:00'],
      ...['2026-01-01 00:00:01', '2026-01-02 00:00:00', expiresMs],
    ]);
    const accounts = 'SELECT id, status, thumbprint, contact, created FROM accounts';
    assert.equal(database.prepare(accounts).raw().get(), [
      ...['ann', 'valid', 'tp', '["mailto:a@h.example"]', '2026-01-01 00:00:00'],
    ]);
    const authorizations = `SELECT id, name, account, status, wildcard, http_01, dns_01,
      validated_by, validated, expires FROM authorizations`;
    assert.equal(database.prepare(authorizations).raw().get(), [
      ...['z', '*.h.example', 'ann', 'valid', 1, null, 'valid', 'dns-01'],
      ...['2026-01-01 00:00:02', '2026-01-02 00:00:00'],
    ]);
  });
});

test('a record of odd shape does not break the views', () => {
  const odd = [
    recordOf('certificate', 'x', {}),
    recordOf('certificate', 'y', { made: 'text', revocation: [1] }),
    certificate('z', 1e300),
  ];
  withRecords(odd, (database) => {
    const rows = database.prepare('SELECT serial, not_after, revoked_at FROM certificates').raw();
    assert.equal(rows.all(), [
      ['x', null, null],
      ['y', null, null],
      ['z', null, null],
    ]);
  });
});

test.run();
