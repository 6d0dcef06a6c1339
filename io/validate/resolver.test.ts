// The resolver with the system's hosts file, and the pieces it is made of.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HostsFile, parseHosts } from './hosts-file.ts';
import { validationLimits } from './limits.ts';
import { createResolver } from './resolver.ts';
import { DnsServer } from './testing/dns-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'akamu-hosts-'));
const path = join(directory, 'hosts');
const dns = new DnsServer();
let server = '';

test.before(async () => {
  server = await dns.listen();
});
test.after(async () => {
  rmSync(directory, { recursive: true });
  await dns.close();
});

test('hosts(5): comments, blank lines and lines without an address are skipped', () => {
  const table = parseHosts(
    '# 192.0.2.9 commented\n\n\t\n192.0.2.1 One.Test  alias # 192.0.2.8 x\r\n' +
      'nonsense one.test\n2001:DB8:0::1\tone.test\nfe80::1%lo0 zone.test\n192.0.2.1 one.test\n',
  );
  assert.equal(table.get('one.test'), ['192.0.2.1', '2001:db8::1']);
  assert.equal(table.get('alias'), ['192.0.2.1']);
  assert.is(table.get('commented'), undefined);
  assert.is(table.get('zone.test'), undefined);
});

test('a hosts file that is absent, appears, changes and goes is followed', () => {
  const hosts = new HostsFile(path, 1000);
  assert.equal(hosts.addresses('a.test'), []);
  writeFileSync(path, '192.0.2.1 a.test\n');
  assert.equal(hosts.addresses('A.test'), ['192.0.2.1']);
  writeFileSync(path, '192.0.2.22 a.test\n');
  assert.equal(hosts.addresses('a.test'), ['192.0.2.22']);
  rmSync(path);
  assert.equal(hosts.addresses('a.test'), []);
});

test('no more of a hosts file is read than the limit', () => {
  writeFileSync(path, `192.0.2.1 a.test\n${'#'.repeat(100)}\n192.0.2.2 b.test\n`);
  const hosts = new HostsFile(path, 60);
  assert.equal(hosts.addresses('a.test'), ['192.0.2.1']);
  assert.equal(hosts.addresses('b.test'), []);
});

test('without DNS servers the hosts file comes first, IPv6 before IPv4', async () => {
  writeFileSync(path, '192.0.2.1 both.test\n2001:db8::1 both.test\n');
  const resolver = createResolver({ limits: validationLimits(), hostsFile: path });
  assert.equal(await resolver.addresses('both.test'), ['2001:db8::1', '192.0.2.1']);
  resolver.cancel();
});

test('with DNS servers the hosts file is not looked at', async () => {
  writeFileSync(path, '192.0.2.1 both.test\n');
  dns.set('both.test', 'A', ['192.0.2.7', '192.0.2.8']);
  dns.set('both.test', 'AAAA', ['2001:db8::7']);
  const options = { limits: validationLimits(), hostsFile: path, dnsServers: [server] };
  const resolver = createResolver(options);
  const addresses = await resolver.addresses('both.test');
  assert.is(addresses[0], '2001:db8::7');
  assert.equal([...addresses].sort(), ['192.0.2.7', '192.0.2.8', '2001:db8::7']);
});

test('answers are never cached, whatever their time to live', async () => {
  const resolver = createResolver({ limits: validationLimits(), dnsServers: [server] });
  dns.set('fresh.test', 'A', ['192.0.2.1']);
  assert.equal(await resolver.addresses('fresh.test'), ['192.0.2.1']);
  dns.set('fresh.test', 'A', ['192.0.2.2']);
  assert.equal(await resolver.addresses('fresh.test'), ['192.0.2.2']);
  dns.delete('fresh.test');
  const gone = await resolver.addresses('fresh.test').catch((error: unknown) => String(error));
  assert.match(String(gone), /NXDOMAIN/);
});

test('a name is asked for as it is: no search list applies', async () => {
  const resolver = createResolver({ limits: validationLimits(), dnsServers: [server] });
  await resolver.addresses('single').catch(() => undefined);
  const asked = dns.asked.filter((line) => line.startsWith('single'));
  assert.equal([...asked].sort(), ['single A', 'single AAAA']);
});

test('cancelling fails what is under way', async () => {
  const resolver = createResolver({ limits: validationLimits(), dnsServers: [server] });
  dns.misbehave('stuck.test', 'silent');
  const pending = resolver.addresses('stuck.test').catch((error: unknown) => String(error));
  resolver.cancel();
  assert.match(String(await pending), /cancelled/);
});

test.run();
