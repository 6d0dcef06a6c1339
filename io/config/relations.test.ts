import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from './read.ts';

/** Texts that break one relation each, and where and how the complaint puts it. */
const BROKEN: readonly (readonly [text: string, complaint: RegExp])[] = [
  ['listen_addr = "127.0.0.1:8081"\n', /^1:15 the ACME listener and the admin listener/],
  ['[admin]\nlisten_addr = "0.0.0.0:8443"\n', /^2:15 the ACME listener and the admin listener/],
  ['listen_addr = "unix:/run/a"\n', /^1:15 a Unix socket does not speak TLS/],
  ['base_url = "http://ca"\n', /^1:12 base_url says http.*write "https:\/\/ca"/],
  ['[tls]\ncert_file = "a"\n', /^2:13 cert_file without key_file/],
  ['[tls]\nkey_file = "a"\n', /^2:12 key_file without cert_file/],
  ['[tls]\nenabled = false\ncert_file = "a"\nkey_file = "b"\n', /^2:11 \[tls\] is off/],
  ['[tls]\nenabled = false\n[tls.client_auth]\nca_files = ["a"]\n', /^2:11 \[tls\] is off/],
  ['[database]\nmax_connections = 2\n', /^2:19 SQLite has one connection/],
  ['[database]\nurl = "postgres://h/d"\nrequire_tls = true\n', /^2:7 require_tls.*verify-full/],
  ['[database]\nurl = "mysql://h/d"\nrequire_tls = true\n', /^2:7 require_tls.*VERIFY_IDENTITY/],
  ['[database]\nurl = "postgres://h/d?sslmode=prefer"\nrequire_tls = true\n', /^2:7 require_tls/],
  ['[[ca]]\nis_default = false\n', /^2:14 no CA is the default/],
  ['[ca]\nis_default = false\n', /^2:14 no CA is the default/],
  ['[ca]\nca_validity_years = 1\nvalidity_days = 366\n', /^3:17 certificates would outlive the CA/],
  ['[ca]\nca_validity_years = 1\nvalidity_days = 366\n', /set validity_days to at most 365/],
  ['[ca]\nkey_file = "a"\ncert_file = "a"\n', /^3:13 "a" is both key_file and cert_file/],
  ['[admin]\nbootstrap_operator_key_file = "a"\n', /^2:31 .* without bootstrap_operator_cert_file/],
  ['[admin]\nsession_lock_secs = 3600\n', /^2:21 a session would end before it is locked/],
  ['[gossip]\ninterval_secs = 100\n', /^2:17 ownership would end.*at least 200/],
  ['[gossip]\nownership_ttl_secs = 3700\ntombstone_ttl_secs = 3600\n', /^3:22 tombstones/],
  ['[gossip]\npeers = ["https://localhost:8443"]\n', /^2:10 a peer is named by the ACME URL/],
  ['[gossip]\npeers = ["http://127.0.0.1:8081"]\n', /^2:10 a peer is this node itself → remove it/],
  [
    '[gossip]\nadvertise_url = "http://a:1"\npeers = ["http://a:1"]\n',
    /^3:10 a peer is this node itself/,
  ],
  [
    '[gossip]\n[admin]\nlisten_addr = "unix:/run/akamu.sock"\n',
    /^3:15 other nodes cannot call a Unix socket → set \[gossip\] advertise_url/,
  ],
  [
    '[gossip]\n[admin]\nlisten_addr = "127.0.0.1:0"\n',
    /^3:15 other nodes cannot know a port .* → set \[gossip\] advertise_url/,
  ],
  ['[[mtc.cosigners]]\nurl = "https://c"\ntrust_anchor_id = "1.2"\n', /^3:19 .*proves nothing/],
  ['[mtc]\nlandmark_interval_secs = 60\n', /^2:26 landmarks would come more often/],
  [
    '[server.eab_keys]\nk = "ZXhhbXBsZS1vbmx5LWRvLW5vdC11c2UtdGhpcy1rZXk"\n',
    /^2:5 this is the example key/,
  ],
];

function complaints(text: string): readonly string[] {
  const result = readConfig(text, 'akamu.toml', []);
  return result.ok ? [] : result.errors.map((e) => `${e.line}:${e.column} ${e.message} → ${e.fix}`);
}

for (const [text, complaint] of BROKEN) {
  test(`refused: ${text.trim().replaceAll('\n', '; ')}`, () => {
    const found = complaints(text);
    assert.is(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', complaint);
  });
}

test('two CAs: ids differ and one is the default', () => {
  const second = '[[ca]]\nid = "b"\nkey_file = "b.key"\ncert_file = "b.pem"\n';
  assert.match(complaints(`[[ca]]\n${second}`)[0] ?? '', /no CA is the default/);
  const both = `[[ca]]\nis_default = true\n${second}is_default = true\n`;
  assert.match(complaints(both)[0] ?? '', /^7:14 two CAs are the default/);
  const same = `[[ca]]\nis_default = true\n${second.replace('"b"', '"default"')}`;
  assert.match(complaints(same)[0] ?? '', /^4:6 two CAs have the id "default"/);
  assert.equal(complaints(`[[ca]]\nis_default = true\n${second}`), []);
});

test('several CAs may share one root, and nothing else', () => {
  const first = '[[ca]]\nis_default = true\nkey_file = "d/a.key"\ncert_file = "d/a.pem"\n';
  const second = '[[ca]]\nid = "b"\nkey_file = "d/b.key"\ncert_file = "d/b.pem"\n';
  assert.equal(complaints(first + second), []);
  const shared = complaints(first + second.replace('d/b.key', 'd/a.key'));
  assert.match(shared[0] ?? '', /^7:12 "d\/a.key" is both/);
});

test('a relation is silent when one of its settings is wrong by itself', () => {
  assert.equal(complaints('[ca]\nca_validity_years = 1\nvalidity_days = 99999\n').length, 1);
  assert.equal(complaints('base_url = "http://ca/"\n').length, 1);
});

test('a proxy that speaks TLS: https outside, plain or a socket inside', () => {
  const proxied = 'base_url = "https://ca.example"\n[tls]\nenabled = false\n';
  assert.equal(complaints(`listen_addr = "unix:/run/akamu.sock"\n${proxied}`), []);
  assert.equal(complaints(`listen_addr = "127.0.0.1:8080"\n${proxied}`), []);
  assert.equal(complaints('base_url = "http://ca.example"\n[tls]\nenabled = false\n'), []);
});

test('a database URL that enforces TLS satisfies require_tls', () => {
  for (const url of [
    'postgres://h/d?sslrootcert=/ca.pem&sslmode=verify-full',
    'postgres://h/d?sslmode=require',
    'mariadb://h/d?ssl-mode=VERIFY_CA',
    'postgres:///d?host=/run/postgresql',
    'mariadb://localhost/d?socket=/run/mysqld/mysqld.sock',
  ]) {
    assert.equal(complaints(`[database]\nurl = "${url}"\nrequire_tls = true\n`), [], url);
  }
  assert.equal(complaints('[database]\nrequire_tls = true\n'), []);
});

test.run();
