// An engine whose database is on a server: what happens when the connection breaks, and when the
// server that comes back has forgotten what it acknowledged. On PostgreSQL and MariaDB, as far as
// the environment names them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  MARIADB,
  POSTGRES,
  suiteOn,
  type TestDatabase,
} from '../io/store/testing/test-database.ts';
import { AcmeClient } from './gossip/testing/acme-client.ts';
import { Member, type MemberOptions, until } from './gossip/testing/member.ts';

type Start = (name: string, options?: Partial<MemberOptions>) => Promise<Member>;

async function withMembers(
  database: TestDatabase,
  run: (start: Start) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-engine-'));
  const members: Member[] = [];
  try {
    await run(async (name, options = {}) => {
      const member = await Member.start({ directory, name, gossip: undefined, ...options });
      members.push(member);
      return member;
    });
  } finally {
    await Promise.all(members.map((member) => member.close().catch(() => {})));
    await database.dispose();
    rmSync(directory, { recursive: true });
  }
}

async function readiness(member: Member): Promise<{ status: number; text: string }> {
  const reply = await fetch(`${member.url}/readyz`);
  return { status: reply.status, text: await reply.text() };
}

/** What /readyz said on the way to that status. */
async function reaches(member: Member, status: number): Promise<string> {
  let last = await readiness(member);
  await until(
    async () => {
      last = await readiness(member);
      return last.status === status;
    },
    () => `/readyz stays at ${last.status}: ${last.text}\n${member.lines.join('\n')}`,
  );
  return last.text;
}

async function originIn(database: TestDatabase): Promise<unknown> {
  const key = database.server.kind === 'mariadb' ? '`key`' : 'key';
  const rows = await database.sql(`SELECT value FROM meta WHERE ${key} = 'replica/origin'`);
  return rows[0]?.[0];
}

/** A copy of everything, as the server that is failed over to will have it. */
async function keep(database: TestDatabase): Promise<void> {
  for (const name of ['records', 'meta']) {
    const isPostgres = database.server.kind === 'postgres';
    const shape = isPostgres ? `(LIKE ${name} INCLUDING ALL)` : `LIKE ${name}`;
    await database.sql(`CREATE TABLE kept_${name} ${shape}`);
    await database.sql(`INSERT INTO kept_${name} SELECT * FROM ${name}`);
  }
}

/** Ends the connection, and puts the copy in place before the node can be back. */
async function failOver(database: TestDatabase): Promise<void> {
  await database.seize(async (sql) => {
    if (database.server.kind === 'postgres') {
      await sql(`BEGIN; TRUNCATE records, meta; INSERT INTO records SELECT * FROM kept_records;
        INSERT INTO meta SELECT * FROM kept_meta; COMMIT`);
    } else {
      await sql(`RENAME TABLE records TO lost_records, kept_records TO records,
        meta TO lost_meta, kept_meta TO meta`);
    }
  });
}

for (const host of [POSTGRES, MARIADB]) {
  suiteOn(host, 'engine', (test) => {
    test('a node at rest whose connection is ended says so, and is ready again', async () => {
      const database = await host.create();
      await withMembers(database, async (start) => {
        const member = await start('a', { databaseUrl: database.url });
        const client = new AcmeClient();
        await client.register(member);
        assert.is((await readiness(member)).status, 200);
        assert.is(await database.kill(), 1);
        const said = await reaches(member, 503);
        assert.match(said, 'not ready: the database failed; recovering\n');
        assert.match(said, `${host.kind}://`);
        await reaches(member, 200);
        await member.logged(/recovered/);
        assert.is((await client.post(member, client.kid)).status, 200);
      });
    });

    test('while another holds the database the node waits for it, and says why', async () => {
      const database = await host.create();
      await withMembers(database, async (start) => {
        const member = await start('a', { databaseUrl: database.url });
        await database.seize(async () => {
          await reaches(member, 503);
          await member.logged(/cannot open the database/);
          assert.match((await readiness(member)).text, 'another process has the database open');
        });
        await reaches(member, 200);
      });
    });

    test('a fail-over that forgot acknowledged commits takes them back from its peers', async () => {
      const database = await host.create();
      await withMembers(database, async (start) => {
        const a = await start('a', { gossip: {} });
        const gossip = { peers: [a.url] };
        const b = await start('b', { databaseUrl: database.url, gossip });
        await a.ready();
        await b.ready();
        const client = new AcmeClient();
        await client.register(b);
        await keep(database);
        const { url, pem } = await client.certificate([b], 'forgotten.test');
        const serves = async (at: Member): Promise<boolean> =>
          (await client.post(at, url)).text === pem;
        await until(
          () => serves(a),
          () => `never at a:\n${a.lines.join('\n')}`,
        );
        const before = await originIn(database);
        await failOver(database);
        await b.logged(/recovered/);
        await b.ready();
        await until(
          () => serves(b),
          () => `never again at b:\n${b.lines.join('\n')}`,
        );
        assert.is.not(await originIn(database), before, 'its events have a new origin');
        const next = await client.certificate([b], 'after.test');
        await until(
          async () => (await client.post(a, next.url)).text === next.pem,
          () => `never at a:\n${a.lines.join('\n')}`,
        );
      });
    });
  }).run();
}
