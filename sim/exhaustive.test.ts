import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { vectorOf } from '../core/crdt/replica.ts';
import { EMPTY_VECTOR } from '../core/crdt/version-vector.ts';
import { explore, type Small } from './exhaustive.ts';
import { type Engine, SOUND } from './exhaustive-node.ts';
import { SMALL_WORLDS } from './exhaustive-table.ts';

const MOST = 200_000;

function world(words: string): Small {
  const found = SMALL_WORLDS.find(({ name }) => name.includes(words));
  assert.ok(found, words);
  return found;
}

function brokenBy(engine: Partial<Engine>, small: Small): string {
  const { broken } = explore(small, MOST, { ...SOUND, ...engine });
  assert.ok(broken, 'the defect is found');
  assert.ok(broken.story.length > 0 && broken.story.length < 20, broken.story.join('; '));
  return broken.promise;
}

test('a page that is not the last and moves the vector is found', () => {
  const promise = brokenBy(
    {
      serve: (state, view, ask, limits) => {
        const page = SOUND.serve(state, view, ask, limits);
        const claim = { vector: vectorOf(state), digest: { day: 0, sum: null } };
        return { ...page, complete: page.complete ?? claim };
      },
    },
    world('pages of one record'),
  );
  assert.match(promise, /does not hold|settled nodes differ/);
});

test('a complete page that lacks a record is found', () => {
  const promise = brokenBy(
    {
      serve: (state, view, ask, limits) => {
        const page = SOUND.serve(state, view, ask, limits);
        return page.complete === null ? page : { ...page, records: page.records.slice(1) };
      },
    },
    world('pages of one record'),
  );
  assert.match(promise, /digests differ|does not hold/);
});

test('a node that comes back empty under its old name is found', () => {
  brokenBy({ reincarnate: (state) => state }, world('comes back empty'));
});

test('a missed tombstone that nobody reconciles is found', () => {
  const promise = brokenBy(
    {
      receive: (state, view, key, peer, page, expiredMs) => {
        const floorless = { ...page, floor: EMPTY_VECTOR };
        return SOUND.receive(state, view, key, peer, floorless, expiredMs);
      },
    },
    world('purged before everybody'),
  );
  assert.match(promise, /settled nodes differ|comes back|digests differ/);
});

test('a tombstone that is purged without a trace is found', () => {
  const promise = brokenBy(
    {
      purge: (state, records, nowMs, ttlMs) => {
        const { remove } = SOUND.purge(state, records, nowMs, ttlMs);
        return { state, put: [], remove };
      },
    },
    world('purged before everybody'),
  );
  assert.match(promise, /settled nodes differ|comes back|digests differ|do not settle/);
});

test('a small world without a defect is visited whole', () => {
  const small = world('pages of one record');
  const { states, broken, isWhole } = explore(small, MOST);
  assert.is(broken, undefined);
  assert.ok(isWhole && states > 10_000, `${states} states`);
});

test('the bound on states ends a visit', () => {
  const { states, isWhole } = explore(world('three nodes'), 1000);
  assert.ok(states >= 1000 && states < 3000 && !isWhole, `${states} states`);
});

test.run();
