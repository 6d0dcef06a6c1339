import type { IncomingMessage } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { notLocal } from './local.ts';

function caller(socket: object, headers: object = {}): IncomingMessage {
  return { socket, headers } as unknown as IncomingMessage;
}

const AT = { localAddress: '10.0.0.5', localPort: 8081 };

test('other hosts are not local, whatever they call themselves', () => {
  for (const remoteAddress of [
    '10.0.0.6',
    '192.0.2.1',
    '::ffff:10.0.0.6',
    '128.0.0.1',
    'fe80::1',
  ]) {
    assert.type(notLocal(caller({ ...AT, remoteAddress })), 'string', remoteAddress);
  }
  assert.type(notLocal(caller({ ...AT, remoteAddress: undefined })), 'string');
});

test('a browser on this host is not an operator', () => {
  const socket = { ...AT, remoteAddress: '127.0.0.1' };
  assert.match(notLocal(caller(socket, { origin: 'http://localhost' }))!, 'browsers');
  assert.match(notLocal(caller(socket, { 'sec-fetch-site': 'same-origin' }))!, 'browsers');
});

test('loopback, an own address and a Unix socket are local', () => {
  for (const remoteAddress of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', '10.0.0.5']) {
    assert.is(notLocal(caller({ ...AT, remoteAddress })), undefined, remoteAddress);
  }
  assert.is(notLocal(caller({})), undefined);
});

test.run();
