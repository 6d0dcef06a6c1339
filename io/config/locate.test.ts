import * as fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isTable } from './check.ts';
import { indexToml, MAX_DEPTH, type Path, type Span } from './locate.ts';

const RUNS = { numRuns: 300, seed: 20261122 };

/** Every key and element of a parsed text. */
function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  const own = path.length === 0 ? [] : [path];
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((each, index) => pathsOf(each, [...path, index]))];
  }
  if (!isTable(value) || 'toISOString' in value) return own;
  return [...own, ...Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]))];
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, part) => (inner as Readonly<Record<string | number, unknown>>)[part],
    value,
  );
}

/** The parser finds a key, so the scanner must: with its own name and its own value. */
function assertLocated(text: string): void {
  const parsed = parse(text, { maxDepth: MAX_DEPTH });
  const index = indexToml(text);
  const slice = ({ start, end }: Span): string => text.slice(start, end);
  for (const path of pathsOf(parsed)) {
    const place = index.find(path);
    assert.ok(place, `${JSON.stringify(path)} has no place in ${JSON.stringify(text)}`);
    const name = path.at(-1);
    if (typeof name === 'string') {
      const spelled = parse(`${slice(place.key)} = 0`);
      assert.equal(Object.keys(spelled), [name]);
    }
    if (place.value === undefined) continue;
    const again = parse(`again = ${slice(place.value)}`)['again'];
    assert.equal(JSON.stringify(again), JSON.stringify(at(parsed, path)));
  }
}

test('an empty text has no places', () => {
  assert.is(indexToml('').find(['a']), undefined);
  assert.is(indexToml('# a = 1').find(['a']), undefined);
});

test('an unfinished value ends with its line, and the next line is still found', () => {
  const text = 'a = "unfinished\nb = 2\n';
  assert.equal(indexToml(text).find(['a'])?.value, { start: 4, end: 15 });
  assert.equal(indexToml(text).find(['b'])?.value, { start: 20, end: 21 });
});

test('the element of an array has a place of its own', () => {
  const text = 'peers = [\n  "a", # one\n  "b",\n]\n';
  const place = indexToml(text).find(['peers', 1]);
  assert.is(text.slice(place?.value?.start, place?.value?.end), '"b"');
});

test('a table that could be an array of tables is found with or without an index', () => {
  const index = indexToml('[ca]\nid = "x"\n');
  assert.equal(index.find(['ca', 0, 'id']), index.find(['ca', 'id']));
});

test('every form of a key is found', () => {
  assertLocated('\uFEFFa = 1\r\n"b c" . d = 2\n\'e.f\' = { g.h = 3, "\\u0069" = [ { j = 4 } ] }\n');
  assertLocated('[[ca]]\nid = 1\n[ca.mtc]\nx = 1\n[[ca]]\n[[ca.sub]]\ny = 2\n[[ca.sub]]\ny = 3\n');
  assertLocated(
    '[a.b."c]"]\nd = """x ""\\" ] = [\n# no comment"""\ne = \'\'\'y\'\'\'\'\'\nf = 1 # g = 2',
  );
  assertLocated(
    'a = 1979-05-27 07:32:00Z\nb = [ 1, 2, # ]\n 3 ]\n__proto__ = 1\nconstructor.x = 2\n',
  );
  assertLocated('a = {\n  b = 1, # comment }\n  c = { d = "}" },\n}\n[e]\n[e.f]\n');
});

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'id', 'a.b', '"q"', "'l'", 'x-1', '""', '__proto__'),
  fc.string({ maxLength: 4 }),
);
const scalar = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom('"""', "'''", '\n', ']', '}', '#', '\\'),
);
const { tree } = fc.letrec<{ tree: Record<string, unknown>; node: unknown }>((tie) => ({
  tree: fc.dictionary(key, tie('node'), { maxKeys: 4 }),
  node: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    tie('tree'),
  ),
}));

test('every key of a generated document is found', () => {
  fc.assert(
    fc.property(tree, (document) => assertLocated(stringify(document))),
    RUNS,
  );
});

const piece = fc.oneof(
  fc.constantFrom('a', 'b.c', '"d e"', "'f'", ' = ', '=', '[', ']', '[[', ']]', '{', '}', ','),
  fc.constantFrom('\n', '\r\n', '#', '"', "'", '"""', "'''", '\\', '\\u0041', '.', ' ', '\t', '\0'),
  fc.constantFrom('1', 'true', '"x"', '[1]', '{}', '{y=1}', '\na = 1', '\n[t]\n', '\n[[l]]\n'),
);

test('no text makes the scanner throw, and what the parser takes is located', () => {
  const valid = { count: 0 };
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
      const text = pieces.join('');
      indexToml(text);
      try {
        parse(text, { maxDepth: MAX_DEPTH });
      } catch {
        return;
      }
      valid.count += text.trim() === '' ? 0 : 1;
      assertLocated(text);
    }),
    { ...RUNS, numRuns: 20000 },
  );
  assert.ok(valid.count > 100, `only ${valid.count} texts were valid`);
});

test('hostile texts of the largest size take well under a second each', () => {
  const size = 1 << 20;
  for (const unit of [
    '[',
    '{',
    '"',
    "'",
    '"""',
    'a.',
    'a=[',
    '{a=',
    '\\',
    '#',
    '\n',
    'a=1\n',
    'a="',
  ]) {
    const start = performance.now();
    indexToml(unit.repeat(size / unit.length));
    const tookMs = performance.now() - start;
    assert.ok(tookMs < 3000, `${JSON.stringify(unit)} took ${tookMs} ms`);
  }
});

test.run();
