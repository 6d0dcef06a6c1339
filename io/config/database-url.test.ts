// Database URLs: what is refused and why, and that every part arrives as it was meant.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DatabaseServer, enforcesTls, labelOf, readDatabaseUrl } from './database-url.ts';

const REFUSED: readonly (readonly [url: string, why: RegExp])[] = [
  ['postgres//h/d', /is not a URL/],
  ['oracle://h/d', /names no database server/],
  ['postgres://h', /names no database/],
  ['postgres://h/a/b', /names no database/],
  ['postgres:///d', /names no host/],
  ['postgres://u:100%@h/d', /encodes nothing/],
  ['postgres://h/d?sslmode=on', /unknown sslmode/],
  ['postgres://h/d?ssl-mode=REQUIRED', /unknown parameter/],
  ['postgres://h/d?constructor=x', /unknown parameter/],
  ['mariadb://h/d?ssl-mode=toString', /unknown ssl-mode/],
  ['mariadb://h/d?socket=run/x', /no path/],
  ['mariadb://h/d?ssl-ca=', /no path/],
  ['postgres://h/d?sslkey=/k.pem', /without its key/],
];

for (const [url, why] of REFUSED) {
  test(`refused: ${url}`, () => {
    const read = readDatabaseUrl(url);
    assert.ok('fault' in read);
    assert.match((read as { fault: string }).fault, why);
  });
}

test('what is refused does not repeat what may be part of a password', () => {
  const read = readDatabaseUrl('postgres://u:1?secret=x@h/d');
  assert.ok('fault' in read);
  assert.not.match(JSON.stringify(read), 'secret');
});

test('every part is decoded, and ports have defaults', () => {
  assert.equal(server('postgres://us%40er:p%2F%3A%25w@db.example/a%20b'), {
    kind: 'postgres',
    host: 'db.example',
    port: 5432,
    user: 'us@er',
    password: 'p/:%w',
    database: 'a b',
    tlsMode: 'prefer',
  });
  assert.is(server('mysql://h/d').port, 3306);
  assert.is(server('mysql://h/d').kind, 'mariadb');
  assert.is(server('postgresql://h:6000/d').port, 6000);
  assert.is(server('postgres://[::1]:6000/d').host, '::1');
});

test('Unix sockets are named by a parameter, or for PostgreSQL as the host', () => {
  assert.is(server('postgres:///d?host=/run/postgresql').host, '/run/postgresql');
  assert.is(server('postgres://u@%2Frun%2Fpostgresql/d').host, '/run/postgresql');
  assert.is(server('mariadb://u@localhost/d?socket=/run/my.sock').host, '/run/my.sock');
});

test('parameters are decoded, and a plus stays one', () => {
  const { options, caFile } = server('postgres://h/d?options=-c%20a%3Db&sslrootcert=/a+b.pem');
  assert.equal([options, caFile], ['-c a=b', '/a+b.pem']);
});

test('the words for TLS are those of each database', () => {
  assert.is(server('postgres://h/d?sslmode=verify-full').tlsMode, 'verify-full');
  assert.is(server('mariadb://h/d?ssl-mode=VERIFY_IDENTITY').tlsMode, 'verify-full');
  const url = 'mariadb://h/d?ssl-mode=VERIFY_CA&ssl-ca=/ca&ssl-cert=/c&ssl-key=/k';
  const { tlsMode, caFile, certFile, keyFile } = server(url);
  assert.equal([tlsMode, caFile, certFile, keyFile], ['verify-ca', '/ca', '/c', '/k']);
});

test('TLS is enforced by every mode that cannot end in clear text', () => {
  const modes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];
  const enforcing = modes.filter((mode) => enforcesTls(server(`postgres://h/d?sslmode=${mode}`)));
  assert.equal(enforcing, ['require', 'verify-ca', 'verify-full']);
  assert.not(enforcesTls(server('postgres://h/d')));
  assert.ok(enforcesTls(server('postgres:///d?host=/run')));
});

test('a label shows the server and never the password', () => {
  assert.is(labelOf(server('postgres://u:secret@h/d')), 'postgres://u@h:5432/d');
  assert.is(labelOf(server('mariadb://u:secret@[::1]:1/d')), 'mariadb://u@[::1]:1/d');
  assert.is(labelOf(server('postgres:///d?host=/run')), 'postgres:///run/d');
});

function server(url: string): DatabaseServer {
  const read = readDatabaseUrl(url);
  if ('fault' in read) throw new Error(`${url} ${read.fault}`);
  return read;
}

test.run();
