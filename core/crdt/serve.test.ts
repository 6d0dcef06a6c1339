import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Ask, type Page, pageToJson, readPage } from './page.ts';
import type { Record } from './record.ts';
import { emptyReplica } from './replica.ts';
import { serve } from './serve.ts';
import type { View } from './view.ts';

const STATE = { ...emptyReplica('b.1', 'boot'), seen: new Map([['a.1', 40]]) };

function record(kind: string, id: string, seq: number): Record {
  return { kind, id, fields: { note: 'x'.repeat(50) }, dot: { origin: 'a.1', seq } };
}

function viewOf(records: readonly Record[]): View {
  return {
    load: () => [],
    ranges: (ranges, limit) => {
      return ranges.map(({ origin, afterSeq }) => {
        const found = records.filter(({ dot }) => dot.origin === origin && dot.seq > afterSeq);
        return found.slice(0, limit);
      });
    },
    deletables: () => [],
  };
}

/** All that is served, page after page. */
function fetched(records: readonly Record[], limit: number): readonly string[] {
  const ids: string[] = [];
  let ask: Ask = {
    origin: null,
    vector: new Map(),
    cursor: null,
    chain: 'c',
    listing: null,
    clockMs: 0,
  };
  for (let pages = 0; pages < 100; pages++) {
    const page: Page = serve(STATE, viewOf(records), ask, { records: limit, octets: 1_000_000 });
    assert.ok(readPage(JSON.parse(JSON.stringify(pageToJson(page)))), 'a page that can be read');
    ids.push(...page.records.map(({ id }) => id));
    if (page.complete !== null) return [...new Set(ids)].sort();
    ask = { ...ask, cursor: page.next };
  }
  throw new Error('it never ends');
}

for (const kind of ['zzz', 'account']) {
  test(`records of one dot are all served, wherever pages end (${kind})`, () => {
    for (let limit = 1; limit < 8; limit++) {
      for (const twice of [1, 2, 3, 4, 20, 39]) {
        const dots = Array.from({ length: 40 }, (_, i) => i + 1);
        const records = dots.flatMap((seq) => {
          const one = record(kind, `r${seq}`, seq);
          return seq === twice
            ? [one, record(kind, `r${seq}-b`, seq), record(kind, `r${seq}-c`, seq)]
            : [one];
        });
        const all = records.map(({ id }) => id).sort();
        assert.equal(fetched(records, limit), all, `limit ${limit}, dot ${twice}`);
      }
    }
  });
}

test('so many records of one dot that no page holds them are not served without end', () => {
  const records = Array.from({ length: 300 }, (_, i) => record('zzz', `r${i}`, 7));
  assert.ok(fetched(records, 2).length >= 16);
});

test.run();
