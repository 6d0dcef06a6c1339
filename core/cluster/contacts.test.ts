import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Contacts } from './contacts.ts';

const SECOND = 1000;

test('a node with a new database does not serve while it has met nobody, however long', () => {
  const contacts = new Contacts(15 * SECOND);
  assert.is(contacts.knowsEnough(false, ['b'], 1, 0), false);
  assert.is(contacts.knowsEnough(false, ['b'], 1, 1e9), false);
});

test('a node that is as new does not count as somebody who knows, while others may come', () => {
  const contacts = new Contacts(15 * SECOND);
  contacts.met('b', false, 0);
  assert.is(contacts.knowsEnough(false, ['b'], 1, 29 * SECOND), false);
  assert.is(contacts.knowsEnough(false, ['b'], 1, 30 * SECOND), true, 'nobody has come');
});

test('new nodes begin together as soon as all have met', () => {
  const contacts = new Contacts(15 * SECOND);
  contacts.met('b', false, 0);
  assert.is(contacts.knowsEnough(false, ['b', 'c'], 0, 1), false);
  contacts.met('c', false, 1);
  assert.is(contacts.knowsEnough(false, ['b', 'c'], 0, 2), true);
});

test('a node with a new database serves as soon as it has all that one which serves had', () => {
  const contacts = new Contacts(15 * SECOND);
  contacts.met('b', true, 0);
  assert.is(contacts.knowsEnough(false, ['b', 'c'], 3, 1), true);
});

test('a node that has served before waits two intervals for anybody, and serves', () => {
  const contacts = new Contacts(15 * SECOND);
  assert.is(contacts.knowsEnough(true, ['b'], 0, 5 * SECOND), false);
  assert.is(contacts.knowsEnough(true, ['b'], 0, 34 * SECOND), false);
  assert.is(contacts.knowsEnough(true, ['b'], 0, 35 * SECOND), true);
  const other = new Contacts(15 * SECOND);
  assert.is(other.knowsEnough(true, ['b'], 0, 0), false);
  other.met('b', false, 1);
  assert.is(other.knowsEnough(true, ['b', 'c'], 0, 2), true);
});

test('a node without peers serves, and one that serves goes on when peers come', () => {
  const contacts = new Contacts(15 * SECOND);
  assert.is(contacts.knowsEnough(false, [], 0, 0), true);
  assert.is(contacts.knowsEnough(false, ['b'], 0, 1), true);
});

test('a peer is met once', () => {
  const contacts = new Contacts(15 * SECOND);
  assert.is(contacts.met('b', true, 0), true);
  assert.is(contacts.met('b', true, 1), false);
});

test.run();
