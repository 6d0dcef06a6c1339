import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { collide, parseDatabaseUrl, parseListenAddress, parseNetwork } from './address.ts';
import { checkFormat, type FormatName } from './format.ts';

const HMAC_32 = Buffer.alloc(32, 7).toString('base64url');
const HMAC_31 = Buffer.alloc(31, 7).toString('base64url');

const CASES: Partial<Record<FormatName, { readonly bad: string[]; readonly good: string[] }>> = {
  'listen-address': {
    bad: [
      '',
      'localhost',
      ':80',
      '127.0.0.1:65536',
      '::1:80',
      '[127.0.0.1]:80',
      'unix:run/x',
      'a b:1',
    ],
    good: ['127.0.0.1:0', '[::1]:8443', 'acme.internal:443', 'unix:/run/a.sock', '/run/a.sock'],
  },
  'base-url': {
    bad: [
      'ca.example',
      'ftp://ca.example',
      'https://ca.example/',
      'https://ca.example/a/',
      'https://CA.example',
      'https://ca.example:443',
      'https://ca.example?',
      'https://ca.example#x',
      'https://u:p@ca.example',
      'https://ca.example/a b',
    ],
    good: ['https://ca.example', 'http://10.0.0.1:8080', 'https://[::1]:8443', 'https://h/pki'],
  },
  'peer-url': {
    bad: ['http://n2:8081/', 'http://n2:8081/admin', 'n2:8081', 'http://n2:80', 'http://u@n2:1'],
    good: ['http://node2.acme.internal:8081', 'https://n2', 'http://[fd00::2]:8081'],
  },
  url: {
    bad: ['', 'x', 'javascript:1', 'http://a b'],
    good: ['http://h/ca/crl', 'https://h/?a=b'],
  },
  'database-url': {
    bad: [
      '',
      'sqlite:',
      'sqlite://',
      'akamu.db',
      'sqlite:///a?mode=ro',
      'oracle://h/d',
      'postgres://',
      'postgres://h',
      'postgres:///d',
      'postgres://h/d?sslmod=require',
      'postgres://h/d?sslmode=allow',
      'postgres://h/d?sslcert=/c.pem',
      'postgres://u:%zz@h/d',
      'mariadb://h/d?sslmode=require',
      'mariadb://h/d?socket=run.sock',
      'mariadb://h:99999/d',
    ],
    good: [
      'sqlite://data/a.db',
      'sqlite:///a.db',
      'sqlite::memory:',
      'postgres://u:p@h/d',
      'mysql://h/d',
    ],
  },
  'resolver-address': { bad: ['10.0.0.1', 'dns:53', '::1:53'], good: ['10.0.0.1:53', '[::1]:53'] },
  domain: { bad: ['', 'A.example', '-a.example', 'a..b', 'a.example.'], good: ['a', 'ca.example'] },
  network: {
    bad: ['10.0.0.0/33', '10.0.0/8', 'x', '::/129', '1.2.3.4/'],
    good: ['::1', '10.0.0.0/8'],
  },
  'ca-id': { bad: ['', 'A', 'new-order', 'a/b', 'x'.repeat(65)], good: ['default', 'rsa_2-b'] },
  oid: { bad: ['1', '1.', '01.2', 'a.b'], good: ['1.2', '1.3.6.1.4.1.44363.47.10.1'] },
  'hmac-key': { bad: ['', HMAC_31, `${HMAC_32}=`, HMAC_32.replace('B', '+')], good: [HMAC_32] },
  'key-identifier': { bad: ['', 'a b', 'é', 'x'.repeat(256)], good: ['kid-1', 'a/b+c='] },
  eku: { bad: ['serverAuth', '3.1.1', '1.2'], good: ['server_auth', '1.3.6.1.5.5.7.3.1'] },
  'identifier-pattern': {
    bad: ['a.*', 'dns:', 'dns:(', 'dns:a\\'],
    good: ['dns:.*\\.a', 'ip:10\\..*'],
  },
  text: { bad: ['', 'a\nb', 'x'.repeat(201)], good: ['Akāmu'] },
  path: { bad: ['', 'a\0b'], good: ['/etc/akamu/ca.pem', 'data/ca.pem'] },
};

for (const [name, { bad, good }] of Object.entries(CASES)) {
  test(`${name}: what does not have the format is refused with a fix`, () => {
    for (const text of bad) {
      const complaint = checkFormat(name as FormatName, text);
      assert.ok(complaint !== undefined && complaint.fix !== '', JSON.stringify(text));
    }
    for (const text of good) {
      assert.is(checkFormat(name as FormatName, text), undefined, JSON.stringify(text));
    }
  });
}

test('an address is taken apart', () => {
  assert.equal(parseListenAddress('[::1]:80'), { kind: 'tcp', host: '::1', port: 80 });
  assert.equal(parseListenAddress('unix:/a'), { kind: 'unix', path: '/a' });
  assert.equal(parseNetwork('::1'), { address: '::1', prefix: 128 });
});

test('a SQLite URL with two slashes is relative, with three absolute', () => {
  assert.equal(parseDatabaseUrl('sqlite://data/a.db'), { kind: 'sqlite', path: 'data/a.db' });
  assert.equal(parseDatabaseUrl('sqlite:///data/a.db'), { kind: 'sqlite', path: '/data/a.db' });
});

test('listeners collide on one port when one of them takes every address', () => {
  const address = (text: string) => parseListenAddress(text)!;
  assert.is(collide(address('0.0.0.0:1'), address('127.0.0.1:1')), true);
  assert.is(collide(address('127.0.0.2:1'), address('127.0.0.1:1')), false);
  assert.is(collide(address('127.0.0.1:0'), address('127.0.0.1:0')), false);
  assert.is(collide(address('unix:/a'), address('/a')), true);
  assert.is(collide(address('unix:/a'), address('a:1')), false);
});

test.run();
