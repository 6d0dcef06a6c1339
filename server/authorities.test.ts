// What a database remembers of its CA, on every kind of database.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Record } from '../core/crdt/record.ts';
import { type Config, readConfig } from '../io/config/index.ts';
import { createLog } from '../io/log.ts';
import type { Store } from '../io/store/store.ts';
import { MARIADB, POSTGRES, suiteOn } from '../io/store/testing/test-database.ts';
import { openAuthorities, rememberAuthorities } from './authorities.ts';
import { CaError } from './ca/ca-config.ts';
import type { Authorities } from './policy.ts';
import { openStore } from './store.ts';

interface Scene {
  readonly directory: string;
  readonly config: Config;
  readonly store: Store;
  readonly lines: string[];
  readonly open: (ids?: readonly string[]) => Promise<Authorities>;
}

async function withScene(url: string | undefined, run: (scene: Scene) => Promise<void>) {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-authorities-'));
  const database = url ?? `sqlite://${join(directory, 'akamu.db')}`;
  const config = configOf(directory, database, ['default']);
  const lines: string[] = [];
  const write = (line: string): unknown => lines.push(line);
  const log = createLog({ level: 'info', format: 'text', timestamps: false, now: Date.now, write });
  const store = await openStore(config.database, { mustExist: false });
  const open: Scene['open'] = async (ids = ['default']) => {
    return openAuthorities(configOf(directory, database, ids), store, log);
  };
  try {
    await run({ directory, config, store, lines, open });
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
  }
}

function configOf(directory: string, database: string, ids: readonly string[]): Config {
  const cas = ids.map((id, at) => {
    const files = `key_file = "${directory}/${id}/key.pem"\ncert_file = "${directory}/${id}/cert.pem"\n`;
    return `[[ca]]\nid = "${id}"\nis_default = ${at === 0}\n${files}`;
  });
  const read = readConfig(`[database]\nurl = "${database}"\n${cas.join('')}`, 'test');
  if (!read.ok) throw new Error(JSON.stringify(read.errors));
  return read.config;
}

function certificate(id: string, ca: string): Record {
  const made = { stamp: '1', value: { ca, notAfterMs: 1, identifiers: [] } };
  return { kind: 'certificate', id, fields: { made }, dot: { origin: 'n.1', seq: 1 } };
}

async function refuses(opening: Promise<unknown>, pattern: RegExp): Promise<void> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, CaError);
  assert.match((error as CaError).message, pattern);
}

type Define = (title: string, run: () => Promise<void>) => void;

function tests(test: Define, scene: (run: (scene: Scene) => Promise<void>) => Promise<void>): void {
  test('a CA is made once and said to be, and not again once its files are gone', () =>
    scene(async ({ directory, store, lines, open }) => {
      await rememberAuthorities(store, await open());
      assert.match(
        lines[0]!,
        /^WARN ca: made a new root and issuing CA id="default" root_sha256="(?:[0-9A-F]{2}:){31}[0-9A-F]{2}"\n$/,
      );
      const facts = await store.meta();
      await rememberAuthorities(store, await open());
      assert.is(lines.filter((line) => line.includes('made')).length, 1);
      assert.equal(await store.meta(), facts);
      rmSync(join(directory, 'default'), { recursive: true });
      await refuses(open(), /the files of the CA "default", .* are missing/);
      assert.not.ok(readdirSync(directory).includes('default'));
    }));

  test('a CA of which there are certificates from before is not made, another one is', () =>
    scene(async ({ store, open }) => {
      const others = Array.from({ length: 600 }, (_, i) => certificate(`a${i}`, 'other'));
      const records = [...others, certificate('z', 'default')];
      await store.commit({ records, forget: [], meta: new Map() });
      await refuses(open(), /the files of the CA "default", .* are missing/);
      assert.ok((await open(['third'])).has('third'));
      await refuses(open(['third', 'other']), /the files of the CA "other", .* are missing/);
    }));
}

const onSqlite = suite('sqlite: authorities');
tests(onSqlite, (run) => withScene(undefined, run));

const onServers = [POSTGRES, MARIADB].map((server) =>
  suiteOn(server, 'authorities', (test) => {
    tests(test, async (run) => {
      const database = await server.create();
      try {
        await withScene(database.url, run);
      } finally {
        await database.dispose();
      }
    });
  }),
);

for (const each of [onSqlite, ...onServers]) each.run();
