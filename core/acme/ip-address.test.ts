import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesToIp, canonicalIp, ipToBytes } from './ip-address.ts';

test('RFC 4291 §2.2: text that is no address is refused', () => {
  const texts = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.-4',
    '1.2.3.4 ',
    '0x7f.0.0.1',
    '2130706433',
    '1..2.3',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '1::2:3:4:5:6:7:8',
    '12345::',
    'g::1',
    '::1%eth0',
    '[::1]',
    '::1/128',
    '::1.2.3',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '::256.1.1.1',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    ' ::1',
  ];
  for (const text of texts) assert.is(canonicalIp(text), undefined, text);
});

test('RFC 6943 §3.1.1: IPv4 octets with leading zeros, which some read as octal, are refused', () => {
  for (const text of ['01.2.3.4', '1.2.3.04', '010.0.0.1', '00.0.0.0', '::ffff:01.2.3.4']) {
    assert.is(canonicalIp(text), undefined, text);
  }
});

test('RFC 5952 §4: the canonical text is lower case without leading zeros', () => {
  const cases: [text: string, canonical: string][] = [
    ['2001:0DB8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['FE80::', 'fe80::'],
    ['1::8', '1::8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
  ];
  for (const [text, canonical] of cases) {
    assert.is(canonicalIp(text), canonical, text);
    assert.is(canonicalIp(canonical), canonical, `${canonical} again`);
  }
});

test('octets and text are two forms of one address', () => {
  for (let seed = 1; seed < 400; seed++) {
    const octets = Uint8Array.from({ length: seed % 2 === 0 ? 4 : 16 }, (_, i) => {
      const value = (seed * 2654435761 + i * 40503 * seed) >>> 0;
      return (seed >> (i % 7)) & 1 ? value & 0xff : 0;
    });
    assert.equal(ipToBytes(bytesToIp(octets)), octets, bytesToIp(octets));
  }
});

test.run();
