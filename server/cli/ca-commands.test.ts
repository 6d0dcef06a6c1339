// `akamu revoke`, `akamu account deactivate` and `akamu eab revoke` against a running server.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AcmeClient } from '../gossip/testing/acme-client.ts';
import { Member } from '../gossip/testing/member.ts';
import { freeStablePort } from '../testing/ports.ts';
import { type Outcome, runCommand } from './testing/command.ts';

let directory = '';
let member: Member;

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'akamu-ca-commands-'));
  member = await Member.start({ directory, name: 'a' });
  await member.ready();
});
test.after(async () => {
  await member.close();
  rmSync(directory, { recursive: true });
});

async function akamuAt(port: number, args: readonly string[]): Promise<Outcome> {
  const file = join(directory, `${port}.toml`);
  writeFileSync(file, `[admin]\nlisten_addr = "127.0.0.1:${port}"\n`);
  return runCommand([...args, '--config', file]);
}

const akamu = (...args: string[]): Promise<Outcome> => akamuAt(member.port, args);

test('words that make no sense are a wrong command line, and the right ones are named', async () => {
  const wrong: [args: string[], said: RegExp][] = [
    [['revoke'], /"revoke" needs SERIAL: The serial number in hexadecimal/],
    [['revoke', 'xyz'], /SERIAL is hexadecimal, at most 20 octets, as openssl x509 -serial/],
    [['revoke', 'ab'.repeat(21)], /SERIAL is hexadecimal/],
    [['revoke', 'ab', '--reason', 'keycompromized'], /did you mean keyCompromise\?/],
    [['revoke', 'ab', '--reason', '8'], /no reason of RFC 5280\nReasons: 0 unspecified, 1 key/],
    [['revoke', 'ab', '--reason', '-1'], /no reason of RFC 5280/],
    [['account', 'deactivate'], /needs ID: The id of the account, the last part of its URL/],
    [['account', 'deactivated', 'x'], /did you mean "deactivate"\?/],
    [['eab'], /"eab" needs one of its commands/],
    [['eab', 'revoke'], /needs KID/],
  ];
  for (const [args, said] of wrong) {
    const { code, err, out } = await akamu(...args);
    assert.equal([code, out], [2, ''], args.join(' '));
    assert.match(err, said);
  }
});

test('what the server refuses is said with the fix, and the exit code is 1', async () => {
  const refused: [args: string[], said: RegExp][] = [
    [['revoke', 'ab'], /^akamu revoke: .*no certificate has this serial number; look it up/],
    [['account', 'deactivate', 'no/body'], /^akamu account deactivate: .*; it is the last part/],
    [
      ['account', 'deactivate', 'nobody'],
      /no account has this id; look it up in the view accounts/,
    ],
    [
      ['eab', 'revoke', '100%'],
      /no external account key has this identifier; see \[server\.eab_keys/,
    ],
  ];
  for (const [args, said] of refused) {
    const { code, err, out } = await akamu(...args);
    assert.equal([code, out], [1, ''], args.join(' '));
    assert.match(err, said);
  }
  const { code, err } = await akamuAt(await freeStablePort(), ['revoke', 'ab']);
  assert.is(code, 1);
  assert.match(err, /start the server with: akamu serve/);
});

test('a serial number is taken as any tool writes it, a reason by name or number', async () => {
  const client = new AcmeClient();
  await client.register(member);
  const { url } = await client.certificate([member], 'a.example.com');
  const serial = url.split('/').at(-1)!;
  const colons = serial.toUpperCase().replace(/..(?=.)/g, '$&:');
  const first = await akamu('revoke', colons, '--reason', 'KEYCOMPROMISE');
  assert.is(first.code, 0, first.err);
  const since = /^\S+ \(a\.example\.com\) is revoked since \S+Z, reason keyCompromise\n$/;
  assert.match(first.err, since);
  assert.ok(first.err.startsWith(serial));
  for (const text of [`serial=${serial}`, `00${serial}`, serial.replace(/^0/, '')]) {
    const again = await akamu('revoke', text, '--reason=4', '--json');
    assert.equal([again.code, again.err], [0, '']);
    const { reason, changed } = JSON.parse(again.out);
    assert.equal([reason, changed], [1, false]);
  }
  const told = await akamu('revoke', serial);
  assert.match(told.err, /keyCompromise; it was before, and nothing changed\n$/);
});

test('an account is deactivated once', async () => {
  const client = new AcmeClient();
  await client.register(member);
  const account = client.kid.split('/').at(-1)!;
  const first = await akamu('account', 'deactivate', account);
  assert.equal(first, { code: 0, out: '', err: `account ${account} is deactivated\n` });
  const again = await akamu('account', 'deactivate', account, '--json');
  assert.equal(JSON.parse(again.out), { account, status: 'deactivated', changed: false });
});

test('an external account key is withdrawn, whatever its identifier', async () => {
  const kid = 'a/b+c=%?#';
  const port = await freeStablePort();
  const keys = { [kid]: new Uint8Array(32) };
  const alone = await Member.start({ directory, name: 'eab', port, eabKeys: keys });
  try {
    await alone.ready();
    const first = await akamuAt(port, ['eab', 'revoke', kid]);
    const said = `key ${kid} is revoked\nno account has used it\n`;
    assert.equal(first, { code: 0, out: '', err: said });
    const again = await akamuAt(port, ['eab', 'revoke', kid, '--json']);
    const stands = { kid, status: 'revoked', usedBy: null, changed: false };
    assert.equal(JSON.parse(again.out), stands);
  } finally {
    await alone.close();
  }
});

test.run();
