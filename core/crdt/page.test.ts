import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { first } from './lattice.ts';
import { type Ask, askToJson, type Page, pageToJson, readAsk, readPage } from './page.ts';
import type { Json } from './record.ts';

const AT = '000000000001-0000-a';
const cursor = { boot: 'b', generation: 2, bulk: new Map([['a.1', 3]]), urgent: new Map() };
const ASK: Ask = {
  origin: 'a.1',
  vector: new Map([['a.1', 3]]),
  cursor,
  chain: 'b.1',
  listing: { after: { kind: 'eab', id: 'k' } },
  clockMs: 1_800_000_000_000,
};
const record = {
  kind: 'account',
  id: 'x',
  fields: { made: first(AT, { a: 1 }), status: 'valid' },
  dot: { origin: 'a.1', seq: 4 },
};
const PAGE: Page = {
  base: ASK.vector,
  chain: 'b.1',
  since: cursor,
  known: { origin: 'a.1', seq: 3 },
  records: [record],
  floor: new Map(),
  next: cursor,
  complete: { vector: new Map([['a.1', 4]]), digest: { day: 7, sum: '0'.repeat(32) } },
  listing: { after: null, through: { kind: 'eab', id: 'k' }, vector: new Map(), records: [] },
  clockMs: 0,
  isEstablished: true,
};

/** The JSON with one place, chosen by number, replaced. */
function damaged(json: Json, place: number, by: Json): { json: Json; isChanged: boolean } {
  let left = place;
  const walk = (value: Json): Json => {
    if (left-- === 0) return by;
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, walk(member)]));
  };
  const changed = walk(json);
  return { json: changed, isChanged: JSON.stringify(changed) !== JSON.stringify(json) };
}

test('a page or ask with a member too many, too few or of another type is refused', () => {
  const [ask, page] = [askToJson(ASK), pageToJson(PAGE)] as { [member: string]: Json }[];
  for (const name of Object.keys(ask!)) {
    const { [name]: _, ...fewer } = ask!;
    assert.is(readAsk(fewer), undefined);
    assert.is(readAsk({ ...ask, [name]: name === 'clockMs' ? -1 : 5 }), undefined, name);
  }
  for (const name of Object.keys(page!)) {
    const { [name]: _, ...fewer } = page!;
    assert.is(readPage(fewer), undefined);
    assert.is(readPage({ ...page, [name]: name === 'clockMs' ? -1 : 5 }), undefined, name);
  }
  assert.is(readAsk({ ...ask, more: null }), undefined);
  assert.is(readPage({ ...page, more: null }), undefined);
  for (const other of [null, [], 'x', undefined]) assert.is(readPage(other), undefined);
});

test('one invalid field refuses the whole page', () => {
  for (const fields of [
    { status: 'ready' },
    { made: { at: 'now', value: 1 } },
    { 'Bad Name': 1 },
  ]) {
    const records = [record, { ...record, fields: fields as unknown as typeof record.fields }];
    assert.is(readPage(pageToJson({ ...PAGE, records })), undefined);
  }
  const records = [{ ...record, dot: { origin: 'no origin', seq: 1 } }];
  assert.is(readPage(pageToJson({ ...PAGE, records })), undefined);
});

test('unknown kinds and fields are let through untouched', () => {
  const strange = { ...record, kind: 'tomorrow', fields: { later: { deep: ['x', 1, null] } } };
  const page = readPage(pageToJson({ ...PAGE, records: [strange as unknown as typeof record] }))!;
  assert.equal(page.records, [strange]);
});

test('asks and pages read back as they were', () => {
  assert.equal(askToJson(readAsk(askToJson(ASK))!), askToJson(ASK));
  assert.equal(
    pageToJson(readPage(JSON.parse(JSON.stringify(pageToJson(PAGE))))!),
    pageToJson(PAGE),
  );
  const bare = { ...PAGE, since: null, known: null, next: null, complete: null, listing: null };
  assert.equal(pageToJson(readPage(pageToJson(bare))!), pageToJson(bare));
});

test('a page damaged anywhere is refused or still a valid page, and never an exception', () => {
  const json = pageToJson(PAGE);
  const values = fc
    .jsonValue({ maxDepth: 2 })
    .filter((value) => !JSON.stringify(value).includes('"__proto__"'))
    .map((value) => value as Json);
  fc.assert(
    fc.property(fc.nat(60), values, (place, by) => {
      const { json: bad } = damaged(json, place, by);
      const page = readPage(bad);
      if (page !== undefined) assert.equal(pageToJson(page), bad);
    }),
    { numRuns: 2000 },
  );
});

test.run();
