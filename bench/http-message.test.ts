// Tests of reading HTTP/1.1 answers, whole and in pieces.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readReply } from './http-message.ts';

const withLength =
  'HTTP/1.1 201 Created\r\nReplay-Nonce: abc\r\nlocation: https://h/o/1\r\n' +
  'content-length: 5\r\n\r\nhello';
const inChunks =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n';

test('what is not an HTTP answer is refused', () => {
  assert.throws(() => readReply('SSH-2.0-OpenSSH\r\n\r\n'), /not an HTTP answer/);
  assert.throws(() => readReply('HTTP/1.1 100 Continue\r\n\r\n'), /not an HTTP answer/);
});

test('an answer whose end cannot be known is refused', () => {
  assert.throws(() => readReply('HTTP/1.1 200 OK\r\n\r\nbody'), /without a length/);
  const broken = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n';
  assert.throws(() => readReply(broken), /malformed chunk/);
});

test('RFC 9112 §6: an answer is complete with its last byte, not before', () => {
  for (const whole of [withLength, inChunks]) {
    for (let size = 0; size < whole.length; size++) {
      assert.is(readReply(whole.slice(0, size)), undefined, `${size} bytes`);
    }
    assert.is(readReply(whole)?.size, whole.length);
  }
});

test('RFC 9110 §5.1: header fields are found in any case', () => {
  const reply = readReply(withLength)?.reply;
  assert.is(reply?.status, 201);
  assert.is(reply?.replayNonce, 'abc');
  assert.is(reply?.location, 'https://h/o/1');
  assert.is(reply?.body, 'hello');
  assert.is(reply?.isLast, false);
});

test('RFC 9112 §7.1: chunks are joined', () => {
  assert.is(readReply(inChunks)?.reply.body, 'abcde');
});

test('RFC 9110 §15.3.5: status 204 has no body, whatever its fields say', () => {
  const text = 'HTTP/1.1 204 No Content\r\nReplay-Nonce: n\r\nConnection: close\r\n\r\n';
  const read = readReply(text);
  assert.is(read?.size, text.length);
  assert.is(read?.reply.replayNonce, 'n');
  assert.is(read?.reply.isLast, true);
});

test('bytes beyond the answer are left to the caller', () => {
  assert.is(readReply(`${withLength}HTTP/1.1`)?.size, withLength.length);
});

test.run();
