import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freshMemory } from './transaction.ts';
import { isRequest, type Job, WaitingRoom } from './waiting-room.ts';

const ORDER = { kind: 'order', id: 'o' };
const OTHER = { kind: 'order', id: 'p' };

function job(request: number): Job {
  const web = { method: 'POST', target: '/', contentType: '', body: '' };
  const entropy = new Uint8Array(32);
  return {
    input: { kind: 'request', request, web, entropy },
    memory: freshMemory(entropy, 0),
    loads: 0,
    missed: [],
  };
}

test('nobody leaves an empty room', () => {
  const room = new WaitingRoom();
  assert.equal(room.leave(ORDER), []);
  assert.equal(room.expire(Number.MAX_SAFE_INTEGER), []);
  room.abandon(1);
  assert.is(room.size, 0);
});

test('jobs leave when their record changes, in the order they came', () => {
  const room = new WaitingRoom();
  const [one, two, three] = [job(1), job(2), job(3)];
  room.enter(one, ORDER, 100);
  room.enter(three, OTHER, 100);
  room.enter(two, ORDER, 50);
  assert.equal(room.leave(ORDER), [one, two]);
  assert.is(room.size, 1);
});

test('a job leaves once: not for its time after its record', () => {
  const room = new WaitingRoom();
  room.enter(job(1), ORDER, 100);
  assert.is(room.leave(ORDER).length, 1);
  assert.equal(room.leave(ORDER), []);
  assert.equal(room.expire(1_000), []);
  assert.is(room.size, 0);
});

test('a job leaves once: not for its record after its time', () => {
  const room = new WaitingRoom();
  room.enter(job(1), ORDER, 100);
  assert.equal(room.expire(99), []);
  assert.is(room.expire(100).length, 1);
  assert.equal(room.leave(ORDER), []);
  assert.is(room.size, 0);
});

test('time takes only those whose time is over', () => {
  const room = new WaitingRoom();
  const [one, two] = [job(1), job(2)];
  room.enter(one, ORDER, 100);
  room.enter(two, ORDER, 200);
  assert.equal(room.expire(150), [one]);
  assert.equal(room.leave(ORDER), [two]);
});

test('a request whose client has gone does not come back', () => {
  const room = new WaitingRoom();
  const two = job(2);
  room.enter(job(1), ORDER, 100);
  room.enter(two, ORDER, 100);
  room.abandon(1);
  assert.is(room.size, 1);
  assert.equal(room.leave(ORDER), [two]);
});

test('only a request has a number', () => {
  assert.is(isRequest(job(7), 7), true);
  assert.is(isRequest(job(7), 8), false);
  assert.is(isRequest({ ...job(7), input: { kind: 'tick' } }, 7), false);
});

test.run();
