import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config } from './config.ts';
import { type ConfigError, renderErrors } from './config-error.ts';
import { NOT_YET } from './not-yet.ts';
import { readConfig } from './read.ts';
import { SCHEMA } from './schema.ts';
import { isSecretName } from './secrets.ts';
import { fieldName, isSection, type SettingTable } from './setting.ts';

const KEY = 'c'.repeat(43).replace(/c$/, 'A');

function errorsOf(text: string): readonly ConfigError[] {
  const result = readConfig(text, 'akamu.toml');
  assert.is(result.ok, false, 'there are no mistakes');
  return result.ok ? [] : result.errors;
}

function configOf(text: string): Config {
  const result = readConfig(text, 'akamu.toml', []);
  if (!result.ok) throw new Error(renderErrors(result.errors));
  return result.config;
}

/** `line:column message → fix`, for all errors of `text`. */
function complaints(text: string): readonly string[] {
  return errorsOf(text).map((e) => `${e.line}:${e.column} ${e.message} → ${e.fix}`);
}

test('an unknown key is an error that names the one that was meant', () => {
  assert.equal(complaints('[server]\norder_expirey_secs = 1\n'), [
    '2:1 unknown key "order_expirey_secs" in [server] → did you mean "order_expiry_secs"?',
  ]);
  assert.equal(complaints('[gosip]\n'), [
    '1:2 unknown key or section "gosip" → did you mean "gossip"?',
  ]);
  assert.equal(complaints('[[ca]]\nid = "b"\nkeyfile = "x"\n'), [
    '3:1 unknown key "keyfile" in [[ca]] → did you mean "key_file"?',
  ]);
});

test('an unknown key that belongs elsewhere is sent there', () => {
  assert.equal(complaints('[database]\nbase_url = "https://a"\n'), [
    '2:1 unknown key "base_url" in [database] → move it to the top of the file',
  ]);
  assert.match(complaints('interval_secs = 3\n')[0] ?? '', /move it to \[gossip\]$/);
  assert.match(complaints('is_default = true\n')[0] ?? '', /move it to \[\[ca\]\]$/);
});

test('a key of the namesake says why it is not needed', () => {
  assert.match(complaints('[[ca]]\nhash_alg = "sha256"\n')[0] ?? '', /the hash follows/);
});

test('an unknown key that resembles nothing lists what is known', () => {
  assert.match(complaints('[log]\nzzzzzz = 1\n')[0] ?? '', /remove it; known here: level, format$/);
});

test('names that JavaScript treats specially are ordinary unknown keys', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.match(complaints(`[server]\n${name} = 1\n`)[0] ?? '', `2:1 unknown key "${name}"`);
  }
});

test('all mistakes are reported at once, in the order of the file', () => {
  const lines = errorsOf('x = 1\nbase_url = 3\n[log]\nlevel = "inof"\n[tls]\nenabled = "yes"\n');
  assert.equal(
    lines.map(({ line, column }) => [line, column]),
    [
      [1, 1],
      [2, 12],
      [4, 9],
      [6, 11],
    ],
  );
});

test('a wrong type names the right one', () => {
  assert.equal(complaints('[server]\norder_expiry_secs = "1d"\n'), [
    '2:21 order_expiry_secs must be a whole number, not text → write a whole number of seconds from 60 to 2592000',
  ]);
  assert.match(complaints('listen_addr = 443\n')[0] ?? '', /must be text in quotes, not a number/);
  assert.match(complaints('[tls]\nenabled = 1\n')[0] ?? '', /must be true or false/);
  assert.match(
    complaints('[gossip]\npeers = "x"\n')[0] ?? '',
    /must be an array of texts, not text/,
  );
  assert.match(complaints('server = 1\n')[0] ?? '', /1:10 server must be a section, not a number/);
  assert.match(complaints('ca = [1]\n')[0] ?? '', /ca must be sections/);
  assert.match(complaints('base_url = 1979-05-27\n')[0] ?? '', /not a date/);
  assert.match(complaints('[server]\neab_keys = []\n')[0] ?? '', /must be a table/);
});

test('one text where a list belongs is shown as a list, if it may stand in one', () => {
  const message = '2:9 peers must be an array of texts, not text → write';
  const text = '[gossip]\npeers = "http://a.test:1"\n';
  assert.equal(complaints(text), [`${message} ["http://a.test:1"]`]);
  for (const unfit of ['nonsense', 'http://u:hunter2@a.test']) {
    assert.equal(complaints(`[gossip]\npeers = "${unfit}"\n`), [`${message} an array of texts`]);
  }
});

test('a word for true or false is answered with the one that was meant', () => {
  const words = ['yes', 'on', 'True', 'no', 'off', 'FALSE'];
  for (const [at, word] of words.entries()) {
    for (const rest of ['', '\n', ' # once\n']) {
      const [complaint = ''] = complaints(`[tls]\nenabled = ${word}${rest}`);
      assert.match(complaint, `→ write ${at < 3}, or "${word}" in quotes if it is text`);
    }
  }
  assert.match(complaints('[log]\nlevel = nothing\n')[0] ?? '', '→ put text in quotes');
});

test('numbers are whole and within their bounds', () => {
  for (const value of ['0', '-1', '4294967296', '1.5', 'inf', 'nan']) {
    assert.is(errorsOf(`[gossip]\ninterval_secs = ${value}\n`).length, 1, value);
  }
  assert.is(configOf('[gossip]\ninterval_secs = 0x10\n').gossip?.intervalSecs, 16);
});

test('a list points at its wrong element', () => {
  const text = '[gossip]\npeers = [\n  "http://a:1",\n  "http://b:1/x",\n]\n';
  assert.match(
    complaints(text)[0] ?? '',
    '4:3 peers is not the base URL of a peer → write "http://b:1"',
  );
  assert.match(complaints('[tls]\nprotocols = []\n')[0] ?? '', /has 0 elements → give it 1 to 2/);
  const twice = '[gossip]\npeers = ["http://a:1", "http://a:1"]\n';
  assert.match(complaints(twice)[0] ?? '', '2:24 peers names an element twice');
});

test('a missing setting points at its section', () => {
  assert.equal(complaints('\n[mtc.signing_key]\n'), [
    '2:6 [mtc.signing_key] has no key_file → add key_file = "data/mtc/key.pem"',
  ]);
});

test('a syntax error has its place, its line and a fix', () => {
  const [error] = errorsOf('a = 1\r\nb = may\r\n');
  assert.equal([error?.line, error?.column], [2, 5]);
  assert.equal(error?.excerpt, ['b = may', '    ^']);
  assert.match(error?.fix ?? '', /put text in quotes/);
  assert.match(complaints('[ca]\n[ca]\n')[0] ?? '', /keep one of the two/);
  assert.match(complaints(`a = ${'['.repeat(100)}`)[0] ?? '', /less deeply/);
});

test('an error is drawn with its line and a caret under the value', () => {
  const errors = errorsOf('# é\nbase_url = "https://ca.example/"\n');
  assert.is(
    renderErrors(errors),
    [
      'akamu.toml:2:12: error: base_url ends with a slash',
      ' 2 | base_url = "https://ca.example/"',
      '   |            ^^^^^^^^^^^^^^^^^^^^^',
      '   = fix: write "https://ca.example"',
      '',
    ].join('\n'),
  );
});

test('what is drawn cannot steer a terminal and is bounded', () => {
  const [colored] = errorsOf('"\\u001b[31m" = 1 # \u202e\u0085\n');
  assert.not.match(renderErrors(errorsOf('x = 1 # \u202e\u0085\n')), /[\u202e\u0085]/);
  assert.not.ok(colored?.message.includes('\u001b'));
  const long = errorsOf(`base_url = "${'x'.repeat(5000)}"\n`);
  assert.ok(
    renderErrors(long)
      .split('\n')
      .every((line) => line.length < 140),
  );
  const many = renderErrors(errorsOf(Array.from({ length: 50 }, (_, i) => `x${i} = 1\n`).join('')));
  assert.match(many, /and 30 more\n$/);
});

test('secrets are never drawn, whatever is wrong around them', () => {
  const texts = [
    '[server.eab_keys]\nkid = "hunter2hunter2"\n',
    '[server]\neab_keys = { "a b" = "hunter2", c = "hunter2" }\n',
    '[server]\neab_keys = "hunter2"\n',
    '[server.eab_keys]\nkid = "hunter2\n',
    '[server.eab_key]\nkid = "hunter2" x\n',
    'eab_keyz = { kid = "hunter2" }\n',
    '[database]\nurl = "postgres://u:hunter2@h/d" x\n',
    '[database]\nurll = "postgres://u:hunter2@h/d"\n',
    'password = "hunter2"\n',
  ];
  for (const text of texts) assert.not.match(renderErrors(errorsOf(text)), /hunter2/, text);
});

test('every secret setting has a name that hides it', () => {
  const names = (table: SettingTable): readonly string[] =>
    Object.entries(table).flatMap(([key, setting]) =>
      isSection(setting)
        ? names(setting.keys)
        : setting.type === 'text-map' && setting.secret === true
          ? [key]
          : [],
    );
  assert.ok(names(SCHEMA).length > 0);
  assert.ok(names(SCHEMA).every(isSecretName));
});

test('an empty text is the defaults, in single-node mode', () => {
  const result = readConfig('', 'akamu.toml');
  assert.ok(result.ok);
  assert.is(result.config.gossip, undefined);
  assert.is(result.config.listenAddr, '127.0.0.1:8443');
  assert.is(result.config.ca.length, 1);
  assert.is(result.config.ca[0]?.isDefault, true);
});

test('the cluster page: [gossip] has its defaults', () => {
  const text =
    '[gossip]\npeers = [\n"http://node2.acme.internal:8081",\n"http://node3.acme.internal:8081",\n]\n';
  assert.equal(configOf(text).gossip, {
    peers: ['http://node2.acme.internal:8081', 'http://node3.acme.internal:8081'],
    intervalSecs: 15,
    tombstoneTtlSecs: 604800,
    ownershipTtlSecs: 150,
    fanOut: 0,
    clockSkewToleranceSecs: 604800,
    gossipEnvelopeMaxAgeSecs: 300,
    advertiseUrl: undefined,
  });
  assert.is(configOf('[gossip]\ntombstone_ttl_secs = 9000\n').gossip?.clockSkewToleranceSecs, 9000);
});

test('a derived default follows its setting and yields to what is written', () => {
  const [ca] = configOf('[ca]\nkey_file = "/k/key.pem"\ncert_file = "/c/cert.pem"\n').ca;
  assert.equal([ca?.rootKeyFile, ca?.rootCertFile], ['/k/root-key.pem', '/c/root.pem']);
  assert.is(configOf('[ca]\nroot_cert_file = "r"\n').ca[0]?.rootCertFile, 'r');
  assert.is(configOf('').database.maxConnections, 1);
  assert.is(configOf('[database]\nurl = "postgres://h/d"\n').database.maxConnections, 10);
  const text = '[server]\ncaa_identities = ["a.example"]\n';
  assert.equal(configOf(text).ca[0]?.caaIdentities, ['a.example']);
  assert.equal(configOf(`${text}[ca]\ncaa_identities = []\n`).ca[0]?.caaIdentities, []);
});

test('every setting of a whole configuration has a value or is optional', () => {
  const missing = (table: SettingTable, fields: object): readonly string[] =>
    Object.entries(table).flatMap(([key, setting]) => {
      const value: unknown = Object.entries(fields).find(([name]) => name === fieldName(key))?.[1];
      if (value === undefined) return 'optional' in setting && setting.optional ? [] : [key];
      if (!isSection(setting) || value instanceof Map) return [];
      return [value].flat().flatMap((each) => missing(setting.keys, each as object));
    });
  assert.equal(missing(SCHEMA, configOf('[gossip]\n')), []);
});

test('keys of maps are kept as they are', () => {
  const config = configOf(`[server.eab_keys]\n"kid.1" = "${KEY}"\n__proto__ = "${KEY}"\n`);
  assert.equal([...config.server.eabKeys.keys()], ['kid.1', '__proto__']);
  const profile =
    '[profiles.providers.local]\ntype = "builtin"\n[profiles.providers.local.profiles.web]\n';
  const { providers } = configOf(`${profile}description = "d"\n`).profiles;
  assert.is(providers.get('local')?.profiles.get('web')?.validityDays, undefined);
  assert.equal(providers.get('local')?.profiles.get('web')?.eku, ['server_auth']);
});

test('a setting that has no effect yet is refused where it stands', () => {
  const using = [
    '[mtc]\nenabled = true\n',
    '[profiles.providers.x]\ntype = "builtin"\n',
    '[tls.client_auth]\nca_files = ["x"]\n',
    '[admin]\nsession_ttl_secs = 1000\n',
  ];
  for (const text of using) {
    const result = readConfig(text, 'f', NOT_YET);
    assert.ok(!result.ok && result.errors.length === 1, text);
    assert.match(result.errors[0]?.message ?? '', /is not available in this version$/);
    assert.ok((result.errors[0]?.line ?? 0) > 0);
    assert.ok(readConfig(text, 'f', []).ok);
  }
});

test('what has no effect yet is shown beside other mistakes, and not what is wrong within it', () => {
  const text = '[tls.client_auth]\nrequired = true\n[mtc]\nenabled = true\n[servr]\nx = 1\n';
  const result = readConfig(text, 'f', NOT_YET);
  const messages = result.ok ? [] : result.errors.map(({ message }) => message);
  assert.equal(messages, [
    '[tls.client_auth] is not available in this version',
    '[mtc] enabled = true is not available in this version',
    'unknown key or section "servr"',
  ]);
});

test.run();
