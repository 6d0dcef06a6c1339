import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InFlight } from './in-flight.ts';

test('a ticket is good once, and one that was never given is good for nothing', () => {
  const flight = new InFlight<string>();
  const ticket = flight.add('a');
  assert.is(flight.take(ticket + 1), undefined);
  assert.is(flight.take(ticket), 'a');
  assert.is(flight.take(ticket), undefined);
});

test('who has not left is there, in the order of arrival', () => {
  const flight = new InFlight<string>();
  const tickets = ['a', 'b', 'c'].map((member) => flight.add(member));
  flight.take(tickets[1]!);
  flight.add('d');
  assert.equal(flight.members(), ['a', 'c', 'd']);
  assert.is(flight.size, 3);
});

test('when all leave together, none is left', () => {
  const flight = new InFlight<string>();
  const ticket = flight.add('a');
  flight.add('b');
  assert.equal(flight.takeAll(), ['a', 'b']);
  assert.is(flight.size, 0);
  assert.is(flight.take(ticket), undefined);
});

test('no ticket is given twice', () => {
  const flight = new InFlight<string>();
  const first = flight.add('a');
  flight.take(first);
  assert.is.not(flight.add('b'), first);
});

test.run();
