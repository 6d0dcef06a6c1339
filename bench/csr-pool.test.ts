// Tests of the prepared requests, read back by the product's own parser.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readCsr } from '../server/ca/csr.ts';
import { makeCsr } from './csr.ts';
import { CsrPool } from './csr-pool.ts';

test('a request changed by one bit no longer reads', () => {
  const der = Uint8Array.from(makeCsr('n1.bench.test'));
  der[der.length - 1]! ^= 1;
  assert.is(readCsr(der).ok, false);
});

test('RFC 2986 §4: a request is well-formed, signed, and names one DNS name', () => {
  const reading = readCsr(makeCsr('n1.bench.test'));
  assert.ok(reading.ok);
  assert.equal(reading.value.names, [{ type: 'dns', value: 'n1.bench.test' }]);
});

test('no name and no key is handed out twice', () => {
  const pool = new CsrPool('t');
  pool.fill(20);
  const taken = Array.from({ length: 25 }, () => pool.take());
  assert.is(new Set(taken.map(({ name }) => name)).size, 25);
  const keys = taken.map(({ finalizePayload }) => {
    const { csr } = decode(finalizePayload);
    const reading = readCsr(Buffer.from(csr as string, 'base64url'));
    return reading.ok ? reading.value.spkiHash : '';
  });
  assert.is(new Set(keys).size, 25);
  assert.is(pool.lateCount, 5);
});

test('the order asks for the name that the request names', () => {
  const { name, newOrderPayload, finalizePayload } = new CsrPool('t').take();
  assert.equal(decode(newOrderPayload), { identifiers: [{ type: 'dns', value: name }] });
  const reading = readCsr(Buffer.from(decode(finalizePayload)['csr'] as string, 'base64url'));
  assert.ok(reading.ok);
  assert.equal(reading.value.names, [{ type: 'dns', value: name }]);
});

function decode(payload: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(payload, 'base64url').toString());
}

test.run();
