import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../crdt/record.ts';
import { sameVector, type VersionVector, vectorToJson } from '../crdt/version-vector.ts';
import type { Effect } from '../effect.ts';
import { Client } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { PRIMITIVES, type Rig } from '../testing/rig.ts';
import { IN_FULL, meantBy, nameOf, PATIENCE, Vocabularies, Vocabulary } from './vocabulary.ts';

const { sha256 } = PRIMITIVES;

function vectorOfSize(size: number, seq = 1): VersionVector {
  return new Map(Array.from({ length: size }, (_, i) => [`n${1000 + i}.b`, seq] as const));
}

/** Over the wire: nothing is recognised by being the same object. */
function sent(json: Json): Json {
  return JSON.parse(JSON.stringify(json)) as Json;
}

/** Two nodes that have said this to each other, both ways. */
function acquainted(vector: VersionVector): { a: Vocabulary; b: Vocabulary } {
  const [a, b] = [new Vocabulary(), new Vocabulary()];
  b.listen(sha256).hear(sent(a.speech(sha256).say(vector)));
  a.listen(sha256).hear(sent(b.speech(sha256).say(vector)));
  return { a, b };
}

test('what names no vector, or not as a vector is named, is not understood', () => {
  const { b } = acquainted(vectorOfSize(10));
  const same = nameOf(vectorOfSize(10), sha256);
  const malformed: Json[] = [
    null,
    'x',
    { same },
    { same, but: [], more: 1 },
    { same: 'short', but: [] },
    { same, but: 5 },
    { same, but: [['n1.b', -1]] },
    { same, but: [['n1.b', 1, 1]] },
    {
      same,
      but: [
        ['n2.b', 1],
        ['n1.b', 1],
      ],
    },
  ];
  for (const json of malformed) {
    const listener = b.listen(sha256);
    assert.is(listener.hear(json), undefined, JSON.stringify(json));
    assert.not(listener.isLost);
  }
  const listener = b.listen(sha256);
  assert.is(listener.hear({ same: 'x'.repeat(22), but: [] }), undefined);
  assert.ok(listener.isLost);
});

test('a few entries are said in full, and many by a name and what is different', () => {
  const vector = vectorOfSize(500);
  const { a, b } = acquainted(vector);
  assert.equal(a.speech(sha256).say(vectorOfSize(4)), vectorToJson(vectorOfSize(4)));
  const { 'n1007.b': _, ...rest } = Object.fromEntries(vector);
  const later = new Map([...Object.entries(rest), ['n1003.b', 9], ['z.b', 1]] as [
    string,
    number,
  ][]);
  const said = a.speech(sha256).say(later);
  assert.equal(said, {
    same: nameOf(vector, sha256),
    but: [
      ['n1003.b', 9],
      ['n1007.b', 0],
      ['z.b', 1],
    ],
  });
  assert.ok(sameVector(b.listen(sha256).hear(sent(said))!, later));
  assert.is(meantBy(said), later);
});

test('an answer builds only upon what the ask has named', () => {
  const vector = vectorOfSize(100);
  const { a, b } = acquainted(vector);
  assert.ok(Array.isArray(b.speech(sha256, new Set()).say(vector)));
  const listener = b.listen(sha256);
  listener.mention(a.speech(sha256).knows);
  assert.equal(b.speech(sha256, listener.named).say(vector), {
    same: nameOf(vector, sha256),
    but: [],
  });
});

test('whoever says it in full again and again is left alone', () => {
  const { a } = acquainted(vectorOfSize(10));
  for (let i = 0; i < PATIENCE; i++) assert.ok(a.forget());
  assert.not(a.forget());
  assert.ok(Array.isArray(a.speech(sha256).say(vectorOfSize(10))));
  a.understood();
  assert.ok(a.forget());
});

test('a vector that what is said is built upon is not pushed out by what is remembered', () => {
  const vocabulary = new Vocabulary();
  const listener = vocabulary.listen(sha256);
  // Eight vectors that have nothing in common fill the memory; the oldest is the nearest.
  const vectors = Array.from({ length: 8 }, (_, i) => {
    const start = i === 0 ? 0 : i * 1000;
    return new Map(
      Array.from({ length: 200 }, (_, n) => [`o${start + n}.1`, 1] as [string, number]),
    );
  });
  for (const vector of vectors) assert.ok(listener.hear(vectorToJson(vector)));
  const next = new Map(vectors[0]!);
  for (let n = 0; n < 30; n++) next.set(`o${n}.1`, 2);
  for (let i = 0; i < 3; i++) assert.not(Array.isArray(vocabulary.speech(sha256).say(next)));
});

test('one vector that many peers know is held once', () => {
  const all = new Vocabularies();
  const json = (): Json => sent(vectorToJson(vectorOfSize(50)));
  const [one, two] = ['a', 'b'].map((peer) => all.of(peer).listen(sha256).hear(json()));
  assert.is(one, two);
  all.keep(new Map([['b', true]]));
  assert.equal(all.of('a').speech(sha256).knows, []);
  assert.is(all.of('b').speech(sha256).knows.length, 1);
});

test('what is understood is what was meant, whatever was said before, or it is said again', () => {
  const entry = fc.tuple(fc.nat(60), fc.integer({ min: 0, max: 3 }));
  const step = fc.record({ by: fc.boolean(), isLost: fc.boolean(), writes: fc.array(entry) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const [a, b] = [new Vocabulary(), new Vocabulary()];
      let vector = vectorOfSize(40);
      for (const { by, isLost, writes } of steps) {
        const [speaker, hearer] = by ? [a, b] : [b, a];
        const next = new Map(vector);
        for (const [n, seq] of writes) next.set(`n${1000 + n}.b`, seq + 1);
        vector = next;
        if (isLost) hearer.forget();
        const listener = hearer.listen(sha256);
        const heard = listener.hear(sent(speaker.speech(sha256).say(vector)));
        assert.is(heard === undefined, listener.isLost);
        if (heard !== undefined) assert.ok(sameVector(heard, vector));
        else {
          speaker.forget();
          const again = hearer.listen(sha256).hear(sent(speaker.speech(sha256).say(vector)));
          assert.ok(sameVector(again!, vector));
        }
      }
    }),
    { numRuns: 300 },
  );
});

/** Characters of the last ask to `peer`, and of the last page told. */
function lastOctets(rig: Rig): number {
  const last = (kind: Effect['kind']): Effect => rig.effects.findLast((one) => one.kind === kind)!;
  const [ask, tell] = [last('ask'), last('tell')];
  if (ask.kind !== 'ask' || tell.kind !== 'tell') throw new Error('nothing was said');
  return JSON.stringify([ask.ask, ask.push, tell.page]).length;
}

/** Starts all nodes again, as if so many processes had written before them. */
function haunted(cluster: Cluster, dead: number): void {
  for (const [name, rig] of [...cluster.rigs]) {
    const facts = new Map(rig.facts);
    for (let i = 0; i < dead; i++) facts.set(`replica/seen/gone-${i % 7}.boot-number-${i}`, '3');
    cluster.restart(name, { database: rig.database, facts });
  }
}

test('an idle exchange is as long with two thousand dead origins as with three', () => {
  const octets = [0, 2000].map((dead) => {
    const cluster = new Cluster(['a', 'b', 'c']);
    Client.registered(cluster.rig('a'));
    cluster.run(4);
    haunted(cluster, dead);
    cluster.run(8);
    return lastOctets(cluster.rig('a'));
  });
  const [few, many] = octets;
  assert.ok(many! <= 1.2 * few!, `${few} and ${many} octets`);
});

test('a nonce is redeemed with a short ask and a short answer, however many origins are dead', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  haunted(cluster, 2000);
  cluster.run(8);
  const client = Client.registered(cluster.rig('a'));
  client.order(['one.example.com']);
  const nonce = client.nonce();
  client.rig = cluster.rig('b');
  client.post('/acme/new-order', { identifiers: [] }, { nonce });
  const redeem = cluster.rig('b').effects.findLast(({ kind }) => kind === 'redeem');
  const tell = cluster.rig('a').effects.findLast((effect) => {
    return effect.kind === 'tell' && JSON.stringify(effect.page).includes('verdict');
  });
  assert.ok(redeem?.kind === 'redeem' && tell?.kind === 'tell');
  assert.ok(JSON.stringify(redeem).length < 1_500, `${JSON.stringify(redeem).length}`);
  assert.ok(JSON.stringify(tell).length < 8_000, `${JSON.stringify(tell).length}`);
});

test('a node that joins after thousands of processes is told of them once, and gets everything', () => {
  const cluster = new Cluster(['a', 'b'], {}, { records: 20, octets: 20_000 });
  const client = Client.registered(cluster.rig('a'));
  for (let i = 0; i < 60; i++) client.order([`n${i}.example.com`]);
  cluster.run(2);
  cluster.stop('b');
  haunted(cluster, 3000);
  cluster.restart('b', {});
  const from = cluster.rig('a').effects.length;
  cluster.run(12);
  assert.ok(cluster.rig('b').node.ready);
  assert.is(cluster.rig('b').database.size, cluster.rig('a').database.size);
  const pages = cluster
    .rig('a')
    .effects.slice(from)
    .filter(({ kind }) => kind === 'tell');
  const octets = pages.map((page) => JSON.stringify(page).length);
  assert.ok(pages.length > 10, `${pages.length} pages`);
  // Cursors of the first pages, and the vector of the last.
  const long = octets.filter((length) => length > 40_000);
  assert.ok(long.length <= 4, `${octets}`);
});

test('a peer that was started again is told in full what it has forgotten, and all goes on', () => {
  const cluster = new Cluster(['a', 'b']);
  haunted(cluster, 50);
  cluster.run(4);
  const { database, facts } = cluster.rig('b');
  cluster.stop('b');
  cluster.restart('b', { database, facts: new Map(facts) });
  const asked = cluster.rig('a').effects.length;
  // The other one is the first to call.
  for (let i = 0; i < 5; i++) cluster.rig('a').advance(1000);
  cluster.deliver();
  cluster.run(3);
  const marks = cluster.rig('a').effects.slice(asked);
  assert.ok(marks.some((e) => e.kind === 'mark' && /said in full again/.test(e.name)));
  assert.is(cluster.rig('b').database.size, cluster.rig('a').database.size);
  assert.equal(
    cluster.rig('a').logs.filter(({ level }) => level === 'error'),
    [],
  );
});

test('a peer that always wants it in full is left alone, and the log names it', () => {
  const cluster = new Cluster(['a', 'b']);
  const rig = cluster.rig('a');
  for (let i = 0; i <= PATIENCE; i++) rig.submit({ kind: 'told', from: 'b', page: IN_FULL });
  assert.ok(
    rig.logs.some(({ message }) => message === 'peer and this node do not understand each other'),
  );
  cluster.run(4);
  Client.registered(rig);
  cluster.run(2);
  assert.is(cluster.rig('b').database.size, rig.database.size);
});

test.run();
