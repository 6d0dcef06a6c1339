// Every block of the policy at both of its edges, and addresses that hide others inside.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refusalOf } from './address-policy.ts';

/** First and last address of each private block. */
const PRIVATE = [
  '10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.0 127.255.255.255',
  '169.254.0.0 169.254.169.254 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255',
  '192.0.2.0 192.0.2.255 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255',
  '198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255',
  '::1 fc00:: fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe80::1 febf::1 fec0::1 feff::1',
  '2001:db8::1 2001:db8:ffff::1 3fff:: 3fff:fff::1 2001::1 2001:2::1 2001:10::1 2001:2f::1',
  '64:ff9b:1::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::127.0.0.1 64:ff9b::192.168.1.1',
  '2001:1:: 2001:1ff::1 64:ff9b::a00:1 2002:7f00:1:: 2002:a00:1::1 2002:c0a8:101::',
].flatMap((line) => line.split(' '));

const NEVER = [
  '0.0.0.0 0.255.255.255 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255 :: ff00:: ff02::1',
  '100::1 ::ffff:0.0.0.0 ::ffff:224.0.0.1 64:ff9b::255.255.255.255 2002:e000:1:: 4000::1 1::1',
  'e000::1 5f00::1 64:ff9b:2::1',
].flatMap((line) => line.split(' '));

const PUBLIC = [
  '1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0',
  '169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255',
  '192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0',
  '223.255.255.255 8.8.8.8 2000:: 2606:4700::1111 2001:4860::8888 2001:200:: 2001:db7::1',
  '2001:db9::1 3ffe::1 3fff:1000::1 2002:808:808:: ::ffff:8.8.8.8 64:ff9b::8.8.8.8',
].flatMap((line) => line.split(' '));

test('text that is no address is refused', () => {
  for (const text of ['', 'localhost', '1.2.3', 'fe80::1%eth0', '0x7f.0.0.1', '127.1']) {
    assert.equal(refusalOf(text, true), { label: 'malformed address', optional: false });
  }
});

test('private addresses are refused unless they are allowed', () => {
  for (const address of PRIVATE) {
    assert.is(refusalOf(address, false)?.optional, true, address);
    assert.is(refusalOf(address, true), undefined, address);
  }
});

test('addresses where no host can be are refused always', () => {
  for (const address of NEVER) {
    assert.is(refusalOf(address, false)?.optional, false, address);
    assert.is(refusalOf(address, true)?.optional, false, address);
  }
});

test('public addresses are probed', () => {
  for (const address of PUBLIC) assert.is(refusalOf(address, false), undefined, address);
});

test('an embedded address is named in the refusal', () => {
  assert.is(refusalOf('2002:a00:1::', false)?.label, '6to4 address of a private address');
});

test.run();
