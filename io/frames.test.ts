import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answerFrame, callFrame, type Frame, FrameReader } from './frames.ts';

/** All frames that are there now. */
function framesOf(reader: FrameReader): readonly Frame[] {
  const frames: Frame[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    if (frame === 'too large') throw new Error(frame);
    frames.push(frame);
  }
  return frames;
}

test('a frame beyond the bound is refused by its head, before its body comes', () => {
  const reader = new FrameReader('calls', 10);
  reader.push(callFrame(7, new Uint8Array(11)).subarray(0, 8));
  assert.is(reader.next(), 'too large');
  assert.is(reader.number, 7);
});

test('what is no frame is too large, or never whole', () => {
  for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\xff'.repeat(64), '{"status":200}']) {
    const reader = new FrameReader('answers', 1024);
    reader.push(Buffer.from(garbage, 'latin1'));
    assert.is(reader.next(), 'too large', garbage);
  }
});

test('half a frame is none, and counts as what is held', () => {
  const reader = new FrameReader('calls', 10);
  assert.is(reader.next(), undefined);
  reader.push(callFrame(1, new Uint8Array(5)).subarray(0, 12));
  assert.is(reader.next(), undefined);
  assert.is(reader.octets, 12);
});

test('frames are found wherever they are cut', () => {
  const bodies = [new Uint8Array(), new Uint8Array([1, 2, 3]), new Uint8Array(300).fill(9)];
  const all = Buffer.concat(bodies.map((body, i) => answerFrame(i + 1, 200 + i, body)));
  for (let size = 1; size <= all.length; size++) {
    const reader = new FrameReader('answers', 300);
    const found: Frame[] = [];
    for (let at = 0; at < all.length; at += size) {
      reader.push(Buffer.from(all.subarray(at, at + size)));
      found.push(...framesOf(reader));
    }
    assert.equal(
      found.map(({ number, status, body }) => [number, status, new Uint8Array(body)]),
      bodies.map((body, i) => [i + 1, 200 + i, body]),
      `by ${size} octets`,
    );
    assert.is(reader.octets, 0);
  }
});

test('a body stays what it was while more comes', () => {
  const reader = new FrameReader('calls', 1000);
  const all = Buffer.concat([1, 2, 3, 4].map((n) => callFrame(n, new Uint8Array(100).fill(n))));
  const found: Frame[] = [];
  for (let at = 0; at < all.length; at += 70) {
    reader.push(Buffer.from(all.subarray(at, at + 70)));
    found.push(...framesOf(reader));
  }
  assert.ok(found.every(({ number, body }) => body.every((octet) => octet === number)));
  assert.is(found.length, 4);
});

test('a large body in small pieces takes no more room than twice its length', () => {
  const body = new Uint8Array(200_000).fill(5);
  const all = callFrame(1, body);
  const reader = new FrameReader('calls', 200_000);
  const startMs = performance.now();
  for (let at = 0; at < all.length; at++) {
    reader.push(Buffer.from(all.subarray(at, at + 1)));
    if (at < all.length - 1) assert.is(reader.next(), undefined);
  }
  const [frame] = framesOf(reader);
  assert.ok(frame!.body.equals(body));
  assert.ok(frame!.body.buffer.byteLength <= 2 * all.length);
  assert.ok(performance.now() - startMs < 5_000);
});

test.run();
