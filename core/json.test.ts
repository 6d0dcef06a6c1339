import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isJsonObject, readJson } from './json.ts';

const DEPTH = 4;

function refusal(text: string): string {
  const reading = readJson(text, DEPTH);
  assert.not(reading.ok, text);
  return reading.ok ? '' : reading.reason;
}

test('RFC 7493 §2.3: a repeated member name is refused, at any depth and however it is spelled', () => {
  const repeating = [
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"x":{"a":1,"a":2}}',
    '[{"a":1},{"b":1,"b":1}]',
    '{"a":1,"\\u0061":2}',
    '{"a":{"deep":{"er":1}},"a":0}',
    '{"a":0,"a":{"b":1}}',
    '{"__proto__":1,"__proto__":2}',
    '{"\\"":1,"\\"":2}',
    '{"":1,"":2}',
  ];
  for (const text of repeating) assert.match(refusal(text), /repeats a member/, text);
});

test('colons, quotes, braces and backslashes inside strings are not structure', () => {
  const texts = [
    '{"a:b":"c:d","e":":::"}',
    '{"a":"\\":\\"","b":"\\\\"}',
    '{"a\\\\":":","b\\"":"{[{[{["}',
    '["\\\\\\":","]]]]"]',
    '{"__proto__":{"a":1}}',
  ];
  for (const text of texts) {
    assert.equal(readJson(text, DEPTH), { ok: true, value: JSON.parse(text) }, text);
  }
});

test('one name in sibling objects is no repetition', () => {
  assert.ok(readJson('[{"type":"dns"},{"type":"dns"}]', DEPTH).ok);
});

test('nesting beyond the limit is refused before anything is parsed', () => {
  assert.ok(readJson('[[[[1]]]]', DEPTH).ok);
  assert.ok(readJson('[[[[]]],[[[]]]]', DEPTH).ok);
  assert.match(refusal('[[[[[1]]]]]'), /nested deeper than 4/);
  assert.match(refusal('{"a":{"b":{"c":{"d":{}}}}}'), /nested deeper than 4/);
  assert.match(refusal('['.repeat(1_000_000)), /nested deeper than 4/);
});

test('what is not JSON is refused', () => {
  const texts = ['', ' ', '{', '}', '{"a"}', '{a:1}', "{'a':1}", '[1,]', '{"a":1,}', '01', '1 2'];
  const more = [
    '"',
    '"\\',
    '\ufeff{}',
    'NaN',
    'undefined',
    '"\n"',
    '{"a":1}x',
    '"\\x"',
    ':',
    '"a":1',
  ];
  for (const text of [...texts, ...more]) assert.match(refusal(text), /not valid JSON/, text);
});

test('RFC 7493 §2.2: a number that overflows is refused, for it would not be written back', () => {
  for (const text of ['1e999', '{"a":[-1e999]}']) assert.match(refusal(text), /too large/);
});

test('RFC 7493 §2.1: NUL and lone surrogates are refused in values and in names', () => {
  const texts = ['"\\u0000"', '"\\ud800"', '{"a":["x\\udc00"]}', '{"\\u0000":1}', '{"\\ud83d":1}'];
  for (const text of texts) assert.match(refusal(text), /NUL character or half a surrogate/, text);
  assert.equal(readJson('"\\ud83d\\ude00\\u0001"', DEPTH), { ok: true, value: '😀\u0001' });
});

test('whatever JSON.stringify writes is read back as it was', () => {
  const anyJson = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' });
  fc.assert(
    fc.property(anyJson, fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const reading = readJson(text, 10);
      const storable = !/\\u0000|\\ud[89a-f]/i.test(text.replaceAll('\\\\', ''));
      if (storable) assert.equal(reading, { ok: true, value: JSON.parse(text) });
      else assert.not(reading.ok);
    }),
  );
});

test('a member written twice is found wherever it stands', () => {
  const members = fc.uniqueArray(fc.string({ maxLength: 6 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(members, fc.nat(), fc.nat(), (names, pick, place) => {
      const written = names.map((name) => `${JSON.stringify(name)}:{"v":"${'x:'.repeat(3)}"}`);
      const twice = [...written];
      twice.splice(place % (names.length + 1), 0, written[pick % names.length]!);
      assert.ok(readJson(`{${written.join(',')}}`, DEPTH).ok);
      assert.match(refusal(`{${twice.join(', ')}}`), /repeats a member/);
    }),
  );
});

test('only an object is an object', () => {
  for (const value of [null, [], 'a', 1, true, undefined]) assert.not(isJsonObject(value));
  assert.ok(isJsonObject({}));
});

test.run();
