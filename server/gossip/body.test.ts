import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Intake } from './body.ts';

/** A request whose body a test sends piece by piece. */
function message(remoteAddress: string, headers: object = {}): EventEmitter & IncomingMessage {
  const emitter = new EventEmitter();
  const parts = { socket: { remoteAddress }, headers, pause: () => {} };
  return Object.assign(emitter, parts) as unknown as EventEmitter & IncomingMessage;
}

const LIMITS = { octets: 100, octetsOfOne: 60, requestsOfOne: 3, streams: 3, streamsOfOne: 2 };
const same = async (body: Uint8Array): Promise<Uint8Array> => body;

test('one caller cannot take all the room there is', async () => {
  const intake = new Intake(LIMITS);
  const hog = message('a');
  const taken = intake.take(hog, 100, same);
  hog.emit('data', Buffer.alloc(61));
  assert.is(await taken, 'busy');
  const other = message('b');
  const next = intake.take(other, 100, same);
  other.emit('data', Buffer.alloc(60));
  other.emit('end');
  assert.is(((await next) as Uint8Array).length, 60);
});

test('all callers together stay within the bound, and what is done gives its room back', async () => {
  const intake = new Intake(LIMITS);
  const [a, b] = [message('a'), message('b')];
  const [first, second] = [intake.take(a, 100, same), intake.take(b, 100, same)];
  a.emit('data', Buffer.alloc(55));
  b.emit('data', Buffer.alloc(55));
  assert.is(await second, 'busy');
  a.emit('end');
  await first;
  const c = message('b');
  const third = intake.take(c, 100, same);
  c.emit('data', Buffer.alloc(55));
  c.emit('end');
  assert.is(((await third) as Uint8Array).length, 55);
});

test('requests without a body are counted too', async () => {
  const intake = new Intake(LIMITS);
  const open = [1, 2, 3].map(() => message('a'));
  const taken = open.map((each) => intake.take(each, 100, same));
  assert.is(await intake.take(message('a'), 100, same), 'busy');
  for (const each of open) each.emit('end');
  await Promise.all(taken);
  const next = message('a');
  const again = intake.take(next, 100, same);
  next.emit('end');
  assert.is(((await again) as Uint8Array).length, 0);
});

test('a caller that goes away leaves nothing behind', async () => {
  const intake = new Intake(LIMITS);
  for (let n = 0; n < 10; n++) {
    const gone = message('a');
    const taken = intake.take(gone, 100, same);
    gone.emit('data', Buffer.alloc(50));
    gone.emit('close');
    assert.is(await taken, 'gone');
  }
});

test('work that fails gives its room back', async () => {
  const intake = new Intake(LIMITS);
  for (let n = 0; n < 10; n++) {
    const sent = message('a');
    const taken = intake.take(sent, 100, () => Promise.reject(new Error('broken')));
    sent.emit('data', Buffer.alloc(50));
    sent.emit('end');
    assert.is(await taken.catch(({ message: text }: Error) => text), 'broken');
  }
});

test('what streams have under way counts with requests, and gives its room back', async () => {
  const intake = new Intake(LIMITS);
  const [first, second] = [intake.stream('a')!, intake.stream('a')!];
  assert.is(intake.stream('a'), undefined, 'a third of one address');
  assert.ok(first.hold(40));
  assert.not.ok(second.begin(30), 'too many octets');
  assert.ok(first.hold(0));
  assert.ok(second.begin(30));
  assert.ok(first.begin(0));
  assert.ok(first.begin(0));
  assert.not.ok(second.begin(0), 'too many calls');
  assert.is(await intake.take(message('a'), 100, same), 'busy');
  second.end();
  second.done(30);
  const request = message('a');
  const taken = intake.take(request, 100, same);
  request.emit('data', Buffer.alloc(60));
  request.emit('end');
  assert.is(((await taken) as Uint8Array).length, 60);
});

test('streams of all addresses together are bounded', () => {
  const intake = new Intake(LIMITS);
  const streams = ['a', 'b', 'c'].map((address) => intake.stream(address)!);
  assert.is(intake.stream('d'), undefined);
  streams[0]!.end();
  assert.ok(intake.stream('d'));
});

test.run();
