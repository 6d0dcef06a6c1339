import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from '../io/config/index.ts';
import { greeting } from './greeting.ts';

const directory = mkdtempSync(join(tmpdir(), 'akamu-greeting-'));
const root = join(directory, 'root.pem');

function greetingOf(settings: string): string {
  const files = `[ca]\nroot_cert_file = "${root}"\n`;
  const read = readConfig(`base_url = "https://a.test"\n${settings}${files}`, 'test');
  assert.ok(read.ok);
  return greeting(read.config);
}

test('a root that is not there is not named', () => {
  rmSync(root, { force: true });
  const text = greetingOf('');
  assert.not.match(text, 'root');
  assert.match(text, '\n    certbot certonly --standalone \\\n');
});

test('among the objects of a log for programs stands no help', () => {
  assert.is(greetingOf('[log]\nformat = "json"\n'), '');
});

test('the port is the one that is probed, and certbot is told of it', () => {
  const text = greetingOf('[server]\nhttp_validation_port = 5002\n');
  assert.match(text, 'it listens on port 5002 for a moment');
  assert.match(text, 'certbot certonly --standalone --http-01-port 5002 \\\n');
});

test('with a root and the usual port it says where all is', () => {
  writeFileSync(root, '');
  const lines = greetingOf('').split('\n');
  assert.equal(lines.slice(1, 3), [
    '  ACME directory    https://a.test/acme/directory',
    `  root certificate  ${root}`,
  ]);
  assert.equal(lines.slice(4, 8), [
    '  Get a certificate (on the host that owns the name; it listens on port 80 for a moment):',
    '',
    `    REQUESTS_CA_BUNDLE=${root} certbot certonly --standalone \\`,
    '      --server https://a.test/acme/directory --agree-tos --register-unsafely-without-email -d NAME',
  ]);
});

test.after(() => rmSync(directory, { recursive: true }));

test.run();
