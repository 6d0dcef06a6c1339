// After a start a node learns which records its database holds: what it then hears of for the first
// time is not looked for there, and what is there is.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Record } from './crdt/record.ts';
import { LIMITS } from './limits.ts';
import { Client } from './testing/client.ts';
import { Cluster } from './testing/cluster.ts';
import type { Rig } from './testing/rig.ts';

function loadsOf(rig: Rig, act: () => void): number {
  const before = rig.effects.length;
  act();
  return rig.effects.slice(before).filter(({ kind }) => kind === 'load').length;
}

/** Two nodes that know each other, of which `b` was started again. */
function restarted(change: (database: Map<string, Record>) => void = () => {}): Cluster {
  const cluster = new Cluster(['a', 'b'], { limits: { cacheRecords: 64 } });
  Client.registered(cluster.rig('a')).certificate(['one.example.com']);
  cluster.run(3);
  const { database, facts } = cluster.rig('b');
  change(database);
  cluster.restart('b', { database, facts });
  cluster.run(3);
  return cluster;
}

test('what is new to a node that was started again is not looked for in its database', () => {
  const cluster = restarted();
  const b = cluster.rig('b');
  const loads = loadsOf(b, () => {
    Client.registered(cluster.rig('a')).certificate(['two.example.com']);
    cluster.run(3);
  });
  assert.is(loads, 0);
  const names = [...b.database.values()].filter(({ kind }) => kind === 'certificate');
  assert.is(names.length, 2);
});

test('what is there is found, page after page of one kind', () => {
  const count = 2 * LIMITS.selectionPage + 1;
  const ids = Array.from({ length: count }, (_, i) => `filler-${String(i).padStart(15, '0')}`);
  // Most of them do not fit the cache: they are there because they are not denied.
  const cluster = restarted((database) => {
    const some = [...database.values()].find(({ kind }) => kind === 'order')!;
    for (const [i, id] of ids.entries()) {
      const dot = { origin: some.dot.origin, seq: 1_000 + i };
      database.set(`${some.kind}/${id}`, { ...some, id, dot });
    }
  });
  const client = Client.registered(cluster.rig('b'));
  const statusOf = (id: string): number => client.post(`/acme/order/${id}`, undefined).status;
  for (const id of [ids[0]!, ids[LIMITS.selectionPage]!, ids.at(-1)!]) {
    assert.is(statusOf(id), 403, `${id} is of another account`);
  }
  assert.is(statusOf('filler-of-nobody-here-'), 404);
});

test.run();
