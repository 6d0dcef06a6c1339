// Tests of the DER encoders and the strict reader: known answers of X.690, refusals, properties.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { equalBytes, fromHex, toHex } from './bytes.ts';
import {
  bitString,
  boolean,
  characterString,
  compareBytes,
  contextTag,
  encode,
  explicit,
  generalizedTime,
  implicit,
  integer,
  namedBits,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  TAG,
  time,
  unsignedInteger,
} from './der.ts';
import {
  booleanOf,
  childrenOf,
  DerError,
  DerReader,
  type DerValue,
  isDer,
  namedBitsOf,
  objectIdentifierOf,
  readDer,
  smallIntegerOf,
  textOf,
  timeOf,
  unsignedOf,
  wholeBitsOf,
} from './der-reader.ts';
import { reencode } from './testing/reencode.ts';

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(' ', ''))!;
const value = (text: string): DerValue => new DerReader(hex(text), 'the input').any('it');

function refuses(read: () => unknown, pattern: RegExp): void {
  try {
    read();
  } catch (error) {
    assert.instance(error, DerError);
    assert.match((error as DerError).message, pattern);
    return;
  }
  assert.unreachable(`nothing was refused with ${pattern}`);
}

const REFUSED_STRUCTURES: readonly [what: string, bytes: string, pattern: RegExp][] = [
  ['nothing at all', '', /ends before/],
  ['a tag without length', '04', /ends before its length/],
  ['§8.1.3.6: an indefinite length', '30 80 00 00', /indefinite length/],
  ['§10.1: a length in long form that fits the short one', '04 81 01 00', /padded length/],
  ['§10.1: a length with a leading zero', '04 82 00 81', /padded length/],
  ['a length of five octets', '04 85 01 00 00 00 00', /bad length/],
  ['a length that ends early', '04 82 01', /bad length/],
  ['content that ends early', '04 05 01 02', /longer than what contains it/],
  ['a tag number above 30', '1f 21 00', /tag number above 30/],
  ['§10.2: a constructed OCTET STRING', '24 03 04 01 00', /tag 0x24/],
  ['a primitive SEQUENCE', '10 00', /tag 0x10/],
];

for (const [what, bytes, pattern] of REFUSED_STRUCTURES) {
  test(`X.690: ${what} is refused`, () => refuses(() => value(bytes), pattern));
}

test('bytes after the value are refused', () => {
  refuses(() => readDer(hex('05 00 00'), TAG.null, 'it'), /1 stray bytes/);
});

test('another tag than the expected one is named', () => {
  refuses(() => readDer(hex('05 00'), TAG.sequence, 'it'), /it has tag 0x05 where 0x30 belongs/);
});

const REFUSED_VALUES: readonly [what: string, read: () => unknown, pattern: RegExp][] = [
  ['an integer without octets', () => unsignedOf(value('0200'), 'n'), /without octets/],
  ['a negative integer', () => unsignedOf(value('0201ff'), 'n'), /negative/],
  ['a padded integer', () => unsignedOf(value('02020001'), 'n'), /needless leading zeros/],
  ['a large small integer', () => smallIntegerOf(value('02050080000000'), 'n'), /too large/],
  ['a boolean of another octet', () => booleanOf(value('010101'), 'b'), /not a DER boolean/],
  ['a boolean of two octets', () => booleanOf(value('0102ffff'), 'b'), /not a DER boolean/],
  ['a key of 7 bits', () => wholeBitsOf(value('03020100'), 'k'), /whole number of octets/],
  ['a BIT STRING without octets', () => wholeBitsOf(value('0300'), 'k'), /whole number/],
  ['named bits without octets', () => namedBitsOf(value('0300'), 'u'), /named bits/],
  ['an empty object identifier', () => objectIdentifierOf(value('0600'), 'o'), /truncated/],
  ['a truncated object identifier', () => objectIdentifierOf(value('060181'), 'o'), /truncated/],
  ['a padded arc', () => objectIdentifierOf(value('06032a8001'), 'o'), /padded/],
];

for (const [what, read, pattern] of REFUSED_VALUES) {
  test(`${what} is refused`, () => refuses(read, pattern));
}

test('X.690 §11.2.2: named bits with trailing zeros or dirty unused bits are refused', () => {
  for (const bytes of ['03020040', '03020180', '030207c0', '03020800', '030101']) {
    refuses(() => namedBitsOf(value(bytes), 'u'), /named bits/);
  }
});

test('RFC 5280 §4.1.2.5: times without seconds, with fractions or offsets are refused', () => {
  for (const text of ['2401020304Z', '240102030405', '240102030405+0000', '240102030460Z']) {
    const bytes = characterString(TAG.utcTime, text);
    refuses(() => timeOf(value(toHex(bytes)), 't'), /not a time in whole seconds/);
  }
  const fraction = characterString(TAG.generalizedTime, '20240102030405.5Z');
  refuses(() => timeOf(value(toHex(fraction)), 't'), /not a time in whole seconds/);
  const wrongTag = characterString(TAG.ia5String, '20240102030405Z');
  refuses(() => timeOf(value(toHex(wrongTag)), 't'), /not a time in whole seconds/);
});

test('dates outside the calendar are refused', () => {
  for (const text of ['230229000000Z', '231301000000Z', '230100000000Z', '230101240000Z']) {
    const bytes = characterString(TAG.utcTime, text);
    refuses(() => timeOf(value(toHex(bytes)), 't'), /not a date of the calendar/);
  }
});

test('text outside its alphabet is no text', () => {
  assert.is(textOf(value(toHex(encode(TAG.printableString, hex('2a'))))), undefined);
  assert.is(textOf(value(toHex(encode(TAG.ia5String, hex('80'))))), undefined);
  assert.is(textOf(value(toHex(encode(TAG.utf8String, hex('c0af'))))), undefined);
  assert.is(textOf(value(toHex(encode(TAG.bmpString, hex('d83d de00'))))), undefined);
  assert.is(textOf(value(toHex(encode(TAG.bmpString, hex('00'))))), undefined);
  assert.is(textOf(value('0500')), undefined);
});

test('nesting is bounded', () => {
  let nested: Uint8Array = nullValue();
  for (let i = 0; i < 30; i++) nested = sequence(nested);
  refuses(() => isDer(nested), /nested too deeply/);
});

test('X.690 §11.6: a SET OF in the wrong order is no DER, however deep it is', () => {
  const wrong = encode(TAG.set, integer(2), integer(1));
  assert.not(isDer(wrong));
  assert.not(isDer(sequence(explicit(0, wrong), setOf(integer(1), integer(2)))));
  assert.ok(isDer(reencode(wrong)));
  assert.ok(isDer(setOf(integer(1), integer(1), integer(2))));
});

const KNOWN: readonly [what: string, encoding: Uint8Array, bytes: string][] = [
  ['§8.19.5: OID 2.100.3', objectIdentifier('2.100.3'), '06 03 81 34 03'],
  ['OID 1.2.840.113549', objectIdentifier('1.2.840.113549'), '06 06 2a 86 48 86 f7 0d'],
  ['integer 0', integer(0), '02 01 00'],
  ['integer 127', integer(127), '02 01 7f'],
  ['integer 128', integer(128), '02 02 00 80'],
  ['integer 2^64', integer(1n << 64n), '02 09 01 00 00 00 00 00 00 00 00'],
  ['a magnitude with leading zeros', unsignedInteger(hex('0000 8001')), '02 03 00 80 01'],
  ['an empty magnitude', unsignedInteger(new Uint8Array()), '02 01 00'],
  ['true', boolean(true), '01 01 ff'],
  ['false', boolean(false), '01 01 00'],
  ['NULL', nullValue(), '05 00'],
  ['no named bits', namedBits([]), '03 01 00'],
  ['keyCertSign and cRLSign', namedBits([5, 6]), '03 02 01 06'],
  ['decipherOnly', namedBits([8]), '03 03 07 00 80'],
  ['a bit string', bitString(hex('0a3b5f291cd0'), 4), '03 07 04 0a 3b 5f 29 1c d0'],
  ['[0] EXPLICIT', explicit(0, integer(2)), 'a0 03 02 01 02'],
  ['[1] IMPLICIT of a primitive', implicit(1, octetString(hex('ff'))), '81 01 ff'],
  ['[2] IMPLICIT of a SEQUENCE', implicit(2, sequence()), 'a2 00'],
  ['UTCTime', time(Date.UTC(1991, 4, 6, 23, 45, 40)), '17 0d 393130353036323334353430 5a'],
  ['the last UTCTime', time(Date.UTC(2049, 11, 31)), '17 0d 343931323331303030303030 5a'],
  [
    'the first GeneralizedTime',
    time(Date.UTC(2050, 0, 1)),
    '18 0f 3230353030313031303030303030 5a',
  ],
  ['1949 has no UTCTime', time(Date.UTC(1949, 0, 1)), '18 0f 3139343930313031303030303030 5a'],
];

for (const [what, encoding, bytes] of KNOWN) {
  test(`known answer: ${what}`, () => assert.is(toHex(encoding), toHex(hex(bytes))));
}

test('GeneralizedTime can be asked for in any year', () => {
  assert.is(toHex(generalizedTime(0)), toHex(hex('180f 3139373030313031303030303030 5a')));
});

test('long lengths take as many octets as they need and no more', () => {
  for (const length of [127, 128, 255, 256, 65_535, 65_536, 1 << 24]) {
    const encoded = octetString(new Uint8Array(length));
    assert.is(readDer(encoded, TAG.octetString, 'it').content.length, length);
  }
});

test('property: integers come back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1n << 200n }), (number) => {
      const magnitude = unsignedOf(value(toHex(integer(number))), 'n');
      assert.is(BigInt(`0x${toHex(magnitude)}`), number);
    }),
  );
});

test('property: object identifiers come back, whatever the size of their arcs', () => {
  const arcs = fc.array(fc.bigInt({ min: 0n, max: 1n << 130n }), { maxLength: 6 });
  const second = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 39 }));
  fc.assert(
    fc.property(second, arcs, (roots, rest) => {
      const dotted = [...roots, ...rest].join('.');
      assert.is(objectIdentifierOf(value(toHex(objectIdentifier(dotted))), 'o'), dotted);
    }),
  );
});

test('property: times of four-digit years come back to the second', () => {
  const range = { min: Date.UTC(1000, 0, 1), max: Date.UTC(9999, 11, 31) };
  fc.assert(
    fc.property(fc.integer(range), (unixMs) => {
      const seconds = Math.floor(unixMs / 1000) * 1000;
      assert.is(timeOf(value(toHex(time(unixMs))), 't'), seconds);
      assert.is(timeOf(value(toHex(generalizedTime(unixMs))), 't'), seconds);
    }),
  );
});

test('property: named bits come back', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 40 })), (numbers) => {
      const sorted = [...numbers].sort((a, b) => a - b);
      assert.equal(namedBitsOf(value(toHex(namedBits(numbers))), 'u'), sorted);
    }),
  );
});

test('property: what is encoded re-encodes to itself', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const tree = fc.letrec<{ node: Uint8Array }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      bytes.map((content) => octetString(content)),
      bytes.map((content) => encode(contextTag(3, 'primitive'), content)),
      fc.array(tie('node'), { maxLength: 4 }).map((nodes) => sequence(...nodes)),
      fc.array(tie('node'), { maxLength: 4 }).map((nodes) => setOf(...nodes)),
      tie('node').map((node) => explicit(0, node)),
    ),
  })).node;
  fc.assert(
    fc.property(tree, (encoded) => {
      assert.equal(reencode(encoded), encoded);
      assert.ok(isDer(encoded));
    }),
  );
});

test('property: any bytes are DER or a DerError, and what is read re-encodes to itself', () => {
  const tags = fc.constantFrom(0x02, 0x03, 0x04, 0x06, 0x30, 0x31, 0x80, 0xa0, 0x17);
  const soup = fc.array(fc.oneof(tags, fc.integer({ min: 0, max: 12 }), fc.nat(255)), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(soup, (octets) => {
      const bytes = Uint8Array.from(octets);
      try {
        const again = reencode(bytes);
        assert.is(again.length, bytes.length);
        if (!octets.includes(TAG.set)) assert.equal(again, bytes);
        assert.is(isDer(bytes), equalBytes(again, bytes));
      } catch (error) {
        assert.instance(error, DerError);
        refuses(() => isDer(bytes), /./);
      }
    }),
    { numRuns: 3000 },
  );
});

test('children come in order, and comparing puts prefixes first', () => {
  const parts = childrenOf(value(toHex(sequence(integer(1), nullValue()))), 'it');
  assert.equal(
    parts.map(({ tag }) => tag),
    [TAG.integer, TAG.null],
  );
  assert.ok(compareBytes(hex('01'), hex('0100')) < 0);
  assert.ok(compareBytes(hex('02'), hex('0100')) > 0);
  assert.is(compareBytes(hex('0100'), hex('0100')), 0);
});

test.run();
