import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  concatBytes,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  textFromBase64Url,
  toBase64,
  toBase64Url,
  toHex,
  toUtf8,
} from './bytes.ts';

const anyBytes = fc.uint8Array({ maxLength: 200 });
const anyText = fc.string({ unit: 'binary', maxLength: 200 });

test('RFC 4648 §3.3: base64url refuses padding, other alphabets and any other character', () => {
  for (const text of [
    'QQ==',
    'QUI=',
    'a+bc',
    'a/bc',
    'QU I',
    'QUJ\n',
    'QUJDé',
    'QUJD\u0141A',
    '=',
  ]) {
    assert.is(fromBase64Url(text), undefined, JSON.stringify(text));
  }
});

test('RFC 4648 §3.5: base64url refuses bits beyond the last byte and impossible lengths', () => {
  for (const text of ['A', 'AAAAA', 'AB', 'QR', 'AAB', 'QUJ', 'AAAAAB', 'AAAAAAB']) {
    assert.is(fromBase64Url(text), undefined, text);
  }
});

test('RFC 4648 §4: base64 refuses missing, surplus and misplaced padding', () => {
  for (const text of [
    'QQ',
    'QUI',
    'QQ=',
    'QQ===',
    'Q===',
    '====',
    'QQ==QQ==',
    'QUI=QUI=',
    'a-b=',
  ]) {
    assert.is(fromBase64(text), undefined, text);
  }
});

test('RFC 4648 §10: the test vectors, padded and unpadded', () => {
  const vectors = ['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy'];
  vectors.forEach((encoded, length) => {
    const bytes = toUtf8('foobar'.slice(0, length));
    assert.is(toBase64(bytes), encoded);
    assert.equal(fromBase64(encoded), bytes);
    assert.equal(fromBase64Url(encoded.replaceAll('=', '')), bytes);
  });
});

test('both base64 alphabets agree with the host and come back unchanged', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      assert.is(toBase64Url(bytes), Buffer.from(bytes).toString('base64url'));
      assert.is(toBase64(bytes), Buffer.from(bytes).toString('base64'));
      assert.equal(fromBase64Url(toBase64Url(bytes)), bytes);
      assert.equal(fromBase64(toBase64(bytes)), bytes);
    }),
  );
});

test('any text is either refused as base64url or the one encoding of its bytes', () => {
  const nearly = fc.string({ unit: fc.constantFrom(...'ABQRabz019-_+/='), maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(nearly, anyText), (text) => {
      const bytes = fromBase64Url(text);
      if (bytes !== undefined) assert.is(toBase64Url(bytes), text);
      else assert.is.not(Buffer.from(text, 'base64url').toString('base64url'), text);
    }),
    { numRuns: 2000 },
  );
});

test('RFC 3629 §3: overlong forms, surrogates, stray and missing octets are refused', () => {
  const malformed = [
    ...['80', 'bf', 'c080', 'c1bf', 'c3', 'c328', 'e08080', 'e09fbf', 'eda080', 'edbfbf', 'e282'],
    ...['f0808080', 'f08fbfbf', 'f4908080', 'f5808080', 'fe', 'ff', '41c3', '4180', 'f09f98'],
  ];
  for (const hex of malformed) assert.is(fromUtf8(fromHex(hex)!), undefined, hex);
});

test('UTF-8 agrees with the host in both directions, lone surrogates becoming U+FFFD', () => {
  const codeUnits = fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff })))
    .map((units) => String.fromCharCode(...units));
  fc.assert(
    fc.property(fc.oneof(codeUnits, anyText), (text) => {
      assert.equal(toUtf8(text), Uint8Array.from(Buffer.from(text, 'utf8')));
      assert.is(fromUtf8(toUtf8(text)), Buffer.from(text, 'utf8').toString('utf8'));
    }),
  );
});

test('bytes are read as UTF-8 exactly when a strict decoder of the host reads them', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const edges = fc.constantFrom(
    0x41,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc2,
    0xe0,
    0xed,
    0xf0,
    0xf4,
  );
  const nearly = fc.array(edges, { maxLength: 6 }).map((list) => Uint8Array.from(list));
  fc.assert(
    fc.property(fc.oneof(nearly, anyBytes), (bytes) => {
      let expected: string | undefined;
      try {
        expected = strict.decode(bytes);
      } catch {
        expected = undefined;
      }
      assert.is(fromUtf8(bytes), expected);
    }),
    { numRuns: 3000 },
  );
});

test('a text longer than one call can take comes back whole', () => {
  const text = 'abcdefghij'.repeat(2000);
  assert.is(fromUtf8(toUtf8(text)), text);
  assert.is(fromUtf8(toUtf8(`${text}é`)), `${text}é`);
});

test('text in base64url is the text of its bytes, at any length, or nothing at all', () => {
  const spelled = (text: string): string => toBase64Url(toUtf8(text));
  for (const broken of ['QQ=', 'a+bc', 'A', '_w', `${spelled('a'.repeat(20_000))}=`]) {
    assert.is(textFromBase64Url(broken), undefined, broken.slice(0, 20));
  }
  for (const length of [0, 1, 2, 3, 8191, 8192, 8193, 20_000]) {
    const text = 'ab'.repeat(length).slice(0, length);
    assert.is(textFromBase64Url(spelled(text)), text, `${length}`);
  }
  // What was decoded before, longer, must not shine through.
  assert.is(textFromBase64Url(spelled('é')), 'é');
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      assert.is(textFromBase64Url(toBase64Url(bytes)), fromUtf8(bytes));
    }),
  );
});

test('hexadecimal refuses odd lengths and other characters, and reads both cases', () => {
  for (const text of ['0', 'abc', '0g', ' 0', '0x']) assert.is(fromHex(text), undefined, text);
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      assert.is(toHex(bytes), Buffer.from(bytes).toString('hex'));
      assert.equal(fromHex(toHex(bytes).toUpperCase()), bytes);
    }),
  );
});

test('bytes are equal exactly when length and content are', () => {
  assert.not(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0)));
  assert.not(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  assert.ok(equalBytes(Uint8Array.of(1, 2), concatBytes(Uint8Array.of(1), Uint8Array.of(2))));
  assert.ok(equalBytes(concatBytes(), new Uint8Array(0)));
});

test.run();
