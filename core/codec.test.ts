import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex, toHex } from './bytes.ts';
import { decode, encode } from './codec.ts';
import { isWellFormed, sameJson } from './crdt/canonical.ts';
import type { Json } from './crdt/record.ts';

const BOUNDS = { octets: 100_000, depth: 20, values: 10_000 };
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.nat(300),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const text = fc.string({ unit: 'binary' }).filter(isWellFormed);
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    number,
    text,
    fc.array(tie('json'), { maxLength: 30 }),
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      tie('json'),
      { maxKeys: 30 },
    ),
  ) as fc.Arbitrary<Json>,
}));

// RFC 8949 appendix A, as far as it is JSON; floats of ours are always binary64.
const EXAMPLES: readonly (readonly [Json, string])[] = [
  [0, '00'],
  [23, '17'],
  [24, '1818'],
  [100, '1864'],
  [1000, '1903e8'],
  [1000000, '1a000f4240'],
  [1000000000000, '1b000000e8d4a51000'],
  [-1, '20'],
  [-100, '3863'],
  [-1000, '3903e7'],
  [1.1, 'fb3ff199999999999a'],
  [1e300, 'fb7e37e43c8800759c'],
  [-4.1, 'fbc010666666666666'],
  [false, 'f4'],
  [true, 'f5'],
  [null, 'f6'],
  ['', '60'],
  ['IETF', '6449455446'],
  ['"\\', '62225c'],
  ['ü', '62c3bc'],
  ['水', '63e6b0b4'],
  ['𐅑', '64f0908591'],
  [[], '80'],
  [[1, [2, 3], [4, 5]], '8301820203820405'],
  [{}, 'a0'],
  [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
  [{ a: 'A', b: 'B', c: 'C', d: 'D', e: 'E' }, 'a56161614161626142616361436164614461656145'],
];

test('RFC 8949 §4.2: what is not the one encoding of a value is refused', () => {
  const bad: { readonly [hex: string]: string } = {
    '': 'nothing',
    '0000': 'more than one value',
    '1817': 'a head longer than needed',
    '190018': 'a head longer than needed',
    '1a00000100': 'a head longer than needed',
    '1b0000000000000100': 'a head longer than needed',
    '7801': 'a text that ends early',
    '780161': 'a length longer than needed',
    '8201': 'an array that ends early',
    '9f01ff': 'an indefinite array',
    '7f6161ff': 'an indefinite text',
    bf616101ff: 'an indefinite map',
    '4101': 'a byte string',
    c001: 'a tag',
    f7: 'undefined',
    f0: 'an unassigned simple value',
    f97e00: 'NaN',
    f93c00: 'a half float',
    fa47c35000: 'a single float',
    fb3ff0000000000000: 'an integer as a float',
    fb8000000000000000: 'minus zero',
    fb7ff0000000000000: 'infinity',
    '1bffffffffffffffff': 'an integer beyond 53 bits',
    '3b001fffffffffffff': 'a negative integer beyond 53 bits',
    '61ff': 'bad UTF-8',
    '63eda080': 'a surrogate',
    a10101: 'a key that is no text',
    a2616201616101: 'keys out of order',
    a2626161016162: 'keys out of order, the longer first',
    a2616101616102: 'a key twice',
    '1c': 'a reserved head',
  };
  for (const [hex, why] of Object.entries(bad)) {
    assert.is(decode(fromHex(hex)!, BOUNDS), undefined, why);
  }
});

test('what is beyond the bounds is refused before room is made for it', () => {
  const octets = encode([[[1]]]);
  assert.is(decode(octets, { ...BOUNDS, octets: octets.length - 1 }), undefined);
  assert.is(decode(octets, { ...BOUNDS, depth: 2 }), undefined);
  assert.is(decode(octets, { ...BOUNDS, values: 3 }), undefined);
  assert.equal(decode(octets, { octets: octets.length, depth: 3, values: 4 }), [[[1]]]);
  assert.is(decode(fromHex('9b001fffffffffffff')!, BOUNDS), undefined);
  assert.is(decode(fromHex('bb000fffffffffffff')!, BOUNDS), undefined);
  assert.is(decode(new Uint8Array(50_000).fill(0x81), { ...BOUNDS, depth: 1e6 }), undefined);
});

test('RFC 8949 appendix A: its examples', () => {
  for (const [value, hex] of EXAMPLES) {
    assert.is(toHex(encode(value)), hex);
    assert.equal(decode(fromHex(hex)!, BOUNDS), value);
  }
});

test('every value reads back, and has one encoding whatever the order of its members', () => {
  fc.assert(
    fc.property(json, (value) => {
      const octets = encode(value);
      const back = decode(octets, { octets: 1e6, depth: 20, values: 1e6 });
      assert.ok(back !== undefined && sameJson(back, value));
      assert.equal(encode(back!), octets);
    }),
    { numRuns: 300 },
  );
  assert.equal(encode({ bb: 1, a: 2, ä: 3 }), encode({ ä: 3, a: 2, bb: 1 }));
  assert.is(toHex(encode(-0)), '00');
});

test('any octets are refused or are the encoding of what they decode to', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.tuple(json, fc.nat(), fc.nat(255)).map(([value, place, octet]) => {
      const damaged = encode(value);
      damaged[place % damaged.length] = octet;
      return damaged;
    }),
  );
  fc.assert(
    fc.property(octets, (bytes) => {
      const value = decode(bytes, BOUNDS);
      if (value !== undefined) assert.equal(encode(value), bytes);
    }),
    { numRuns: 3000 },
  );
});

test('a member named __proto__ stays a member', () => {
  const value = decode(fromHex('a1695f5f70726f746f5f5f80')!, BOUNDS) as { [name: string]: Json };
  assert.equal(Object.keys(value), ['__proto__']);
  assert.is(Object.getPrototypeOf(value), Object.prototype);
});

test.run();
