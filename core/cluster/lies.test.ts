// What a member with valid keys can say that is not true, one lie at a time; sim/lies.ts has more.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pageToJson } from '../crdt/page.ts';
import type { Json } from '../crdt/record.ts';
import { MAX_ORIGINS } from '../crdt/version-vector.ts';
import { LIMITS } from '../limits.ts';
import { Client } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import type { Rig } from '../testing/rig.ts';

const NOTHING = pageToJson({
  base: new Map(),
  chain: '',
  since: null,
  known: null,
  records: [],
  floor: new Map(),
  next: null,
  complete: null,
  listing: null,
  clockMs: 0,
  isEstablished: true,
}) as { readonly [member: string]: Json };

/** A cluster of two in which something was written. */
function pair(): { cluster: Cluster; rig: Rig } {
  const cluster = new Cluster(['a', 'b']);
  const rig = cluster.rig('a');
  Client.registered(rig);
  cluster.run(2);
  return { cluster, rig };
}

function tell(rig: Rig, lie: { readonly [member: string]: Json }): void {
  rig.submit({ kind: 'told', from: 'b', page: { ...NOTHING, ...lie } });
}

/** Log lines that name the peer. */
function blamed(rig: Rig): readonly string[] {
  return rig.effects.flatMap((effect) => {
    return effect.kind === 'log' && effect.fields['peer'] === 'b' ? [effect.message] : [];
  });
}

function origins(rig: Rig): number {
  return [...rig.facts.keys()].filter((name) => name.startsWith('replica/seen/')).length;
}

test('what is no page is refused, and the log names its sender', () => {
  const { rig } = pair();
  tell(rig, { records: 'none' });
  tell(rig, { nonsense: true });
  assert.is(blamed(rig).filter((line) => line === 'peer sent what is refused').length, 2);
});

test('a peer that speaks of own events that never were brings about few incarnations', () => {
  const { cluster, rig } = pair();
  const before = origins(rig);
  const client = Client.registered(rig);
  for (let i = 0; i < 50; i++) {
    client.order([`n${i}.example.com`]);
    tell(rig, { known: [rig.facts.get('replica/origin')!, 1_000_000] });
  }
  assert.ok(origins(rig) - before <= LIMITS.incarnationsPerProcess + 1, `${origins(rig)}`);
  assert.ok(blamed(rig).includes('peer speaks of own events that were never made'));
  cluster.run(4);
  assert.is(cluster.rig('b').database.size, rig.database.size);
});

test('a peer that speaks of too many origins is refused, and gossip goes on', () => {
  const { cluster, rig } = pair();
  const digest = { day: 0, sum: null };
  for (let page = 0; page < 3; page++) {
    const names = Array.from({ length: MAX_ORIGINS * 0.4 }, (_, i) => `z.${page}-${10_000 + i}`);
    tell(rig, { complete: { vector: names.map((name) => [name, 1]), digest } });
  }
  assert.ok(origins(rig) < MAX_ORIGINS, `${origins(rig)} origins`);
  assert.ok(blamed(rig).includes('peer speaks of more origins than there can be'));
  Client.registered(rig).order(['on.example.com']);
  cluster.run(4);
  assert.is(cluster.rig('b').database.size, rig.database.size);
});

test.run();
