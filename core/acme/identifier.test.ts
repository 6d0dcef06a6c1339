import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Identifier,
  type IdentifierReading,
  identifierKey,
  isWildcard,
  readDnsName,
  readIdentifier,
  readIpAddress,
  sortIdentifiers,
} from './identifier.ts';

const dns = (value: string): Identifier => ({ type: 'dns', value });

function refusal(reading: IdentifierReading): string {
  if (reading.ok) return `accepted as ${reading.value.value}`;
  return `${reading.problem}: ${reading.reason}`;
}

test('RFC 8555 §7.1.3: what is no {type, value} object of strings is malformed', () => {
  for (const input of [undefined, null, 1, 'a.example', [], ['dns', 'a.example']]) {
    assert.match(refusal(readIdentifier(input)), /^malformed: an identifier is an object/);
  }
  for (const input of [{}, { type: 'dns' }, { value: 'a' }, { type: 1, value: 'a' }]) {
    assert.match(refusal(readIdentifier(input)), /^malformed: .*string "type"/);
  }
  assert.match(refusal(readIdentifier({ type: 'dns', value: ['a'] })), /^malformed/);
});

test('RFC 8555 §6.7: a type that is neither dns nor ip is unsupportedIdentifier', () => {
  for (const type of ['email', 'DNS', '', 'permanent-identifier', '__proto__', 'toString']) {
    const reading = readIdentifier({ type, value: 'a.example' });
    assert.match(refusal(reading), /^unsupportedIdentifier: .*use dns or ip/, type);
  }
});

test('RFC 8555 §7.1.4: what is no DNS name is rejectedIdentifier', () => {
  const texts = [
    '',
    '.',
    'a.example.',
    '.a.example',
    'a..example',
    '-a.example',
    'a-.example',
    'a b.example',
    'a/b.example',
    'a.example:80',
    'user@a.example',
    'https://a.example',
    'a.exa\u0000mple',
    'a.example\n',
    'bücher.example',
    '\u212Aube.example',
    'ａ.example',
    'a\u00ad.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}`,
    `${'abcdefg.'.repeat(32)}example`,
  ];
  for (const text of texts) assert.match(refusal(readDnsName(text)), /^rejectedIdentifier/, text);
});

test('RFC 1123 §2.1: an address or a numeric top label is no DNS name', () => {
  for (const text of ['192.0.2.1', '*.192.0.2.1', '::1']) {
    assert.match(refusal(readDnsName(text)), /^rejectedIdentifier: .*IP address/, text);
  }
  for (const text of ['a.123', '1.2.3', '127.1', '2130706433', 'a.0']) {
    assert.match(refusal(readDnsName(text)), /^rejectedIdentifier: .*numeric label/, text);
  }
});

test('RFC 8555 §7.1.3: a wildcard has one star, and it is the whole first label', () => {
  for (const text of ['*', '*.', '**.a.example', '*.*.a.example', 'a.*.example', '*a.example']) {
    assert.match(refusal(readDnsName(text)), /^rejectedIdentifier/, text);
  }
  assert.equal(readDnsName('*.A.Example'), { ok: true, value: dns('*.a.example') });
});

test('RFC 4343 §3: names compare without regard to case', () => {
  assert.equal(readDnsName('WWW.Example.COM'), { ok: true, value: dns('www.example.com') });
});

test('names of private networks are accepted: one label, underscores, A-labels, long ones', () => {
  const longest = `${'abcdefg.'.repeat(31)}abcde`;
  assert.is(longest.length, 253);
  for (const text of [
    'localhost',
    'a_b.example',
    'xn--bcher-kva.example',
    '3com.example',
    longest,
  ]) {
    assert.equal(readDnsName(text), { ok: true, value: dns(text) });
  }
  assert.ok(readDnsName(`${'a'.repeat(63)}.example`).ok);
});

test('RFC 8738 §3: an address in any form becomes its canonical text', () => {
  assert.equal(readIdentifier({ type: 'ip', value: '2001:DB8:0::1' }), {
    ok: true,
    value: { type: 'ip', value: '2001:db8::1' },
  });
  for (const text of ['', 'a.example', '1.2.3', '::1%lo', '10.0.0.0/8', '*.1.2.3.4']) {
    assert.match(refusal(readIpAddress(text)), /^rejectedIdentifier: .*not an IP address/, text);
  }
});

test('a refusal quotes the name, but not all of a long one', () => {
  assert.match(refusal(readDnsName('a b')), /"a b"/);
  assert.ok(refusal(readDnsName('a b'.repeat(20_000))).length < 500);
  const type = 'x'.repeat(20_000);
  assert.ok(refusal(readIdentifier({ type, value: 'a' })).length < 500);
});

test('only dns names can be wildcards', () => {
  assert.is(isWildcard(dns('*.a.example')), true);
  assert.is(isWildcard(dns('a.example')), false);
  assert.is(isWildcard({ type: 'ip', value: '*.1' }), false);
});

test('sorted identifiers are without duplicates and in code unit order', () => {
  const ip: Identifier = { type: 'ip', value: '10.0.0.1' };
  const sorted = sortIdentifiers([
    dns('b.a'),
    ip,
    dns('a-b.a'),
    dns('b.a'),
    dns('a.a'),
    dns('*.a'),
  ]);
  assert.equal(sorted.map(identifierKey), [
    'dns:*.a',
    'dns:a-b.a',
    'dns:a.a',
    'dns:b.a',
    'ip:10.0.0.1',
  ]);
  assert.equal(sortIdentifiers([]), []);
});

test.run();
