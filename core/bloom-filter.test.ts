import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BloomFilter } from './bloom-filter.ts';

function names(count: number, prefix: string): readonly string[] {
  return Array.from({ length: count }, (_, index) => `aGVsbG8 dns:${prefix}${index}.example.com`);
}

test('a size that is no power of two is refused', () => {
  for (const size of [0, 4, 100, 1.5, 2 ** 32]) {
    assert.throws(() => new BloomFilter(size), /power of two/);
  }
});

test('nothing is held by an empty or cleared filter', () => {
  const filter = new BloomFilter(1024);
  assert.not(filter.mayHold(''));
  filter.add('');
  filter.add('a');
  assert.ok(filter.mayHold('') && filter.mayHold('a'));
  filter.clear();
  assert.not(filter.mayHold('') || filter.mayHold('a'));
});

test('what was added is held, and with 40 bits for each hardly anything else', () => {
  const filter = new BloomFilter(65_536);
  const added = names(65_536 / 40, 'n');
  for (const name of added) filter.add(name);
  assert.ok(added.every((name) => filter.mayHold(name)));
  const wrong = names(20_000, 'm').filter((name) => filter.mayHold(name));
  // (1 - e^(-4/40))^4 = 0.00008 of them: 2; a weak hash would show by hundreds.
  assert.ok(wrong.length < 20, `${wrong.length} of 20,000`);
});

test('a filter that grows denies nothing that was added, and hardly anything else', () => {
  const filter = new BloomFilter(4_194_304);
  const added = names(4_194_304 / 40, 'n');
  for (const name of added) filter.add(name);
  for (const name of added) filter.add(name);
  assert.ok(added.every((name) => filter.mayHold(name)));
  const wrong = names(20_000, 'm').filter((name) => filter.mayHold(name)).length;
  // Three tables, each wrong as one of its own size would be: 6.
  assert.ok(wrong < 30, `${wrong} of 20,000`);
});

test('with 10 bits for each about one other text in ninety is held', () => {
  const filter = new BloomFilter(65_536);
  for (const name of names(6_553, 'n')) filter.add(name);
  const wrong = names(20_000, 'm').filter((name) => filter.mayHold(name)).length;
  // (1 - e^(-4/10))^4 = 0.0118 of them: 236.
  assert.ok(wrong > 150 && wrong < 350, `${wrong} of 20,000`);
});

test.run();
