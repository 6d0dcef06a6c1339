import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { advance, EMPTY_DIGEST, keyedHash, sumText } from '../../core/crdt/digest.ts';
import { cheapCrypto } from '../crypto.ts';
import { History, status } from '../testing/history.ts';
import { convergence } from './convergence.ts';

const HASH = keyedHash([1, 2, 3, 4], cheapCrypto().primitives.sha256);
const RECORD = status('certificate/a', 'valid');

/** The facts of a disk that holds exactly these records. */
function digestFacts(records: readonly (typeof RECORD)[]): { readonly [name: string]: string } {
  const steps = records.map((after) => ({ before: undefined, after }));
  const { sums } = advance(EMPTY_DIGEST, HASH, steps);
  return Object.fromEntries([...sums].map(([day, sum]) => [`replica/digest/${day}`, sumText(sum)]));
}

test('nodes whose vectors differ have not settled', () => {
  const history = new History(convergence());
  history.commit(0, [RECORD]);
  assert.match(history.unsettled() ?? '', /n0.1 1 and 0/);
});

test('other contents at equal vectors are seen', () => {
  const history = new History(convergence());
  history.commit(0, [RECORD], digestFacts([RECORD]));
  history.commit(1, [], { 'replica/seen/n0.1': '1' });
  assert.is(history.unsettled(), undefined);
  assert.is(history.end()[0]?.promise, 'everybody ends up the same');
});

test('a digest that does not follow the contents is seen', () => {
  const history = new History(convergence());
  history.commit(0, [RECORD], digestFacts([RECORD]));
  history.commit(1, [RECORD], { 'replica/seen/n0.1': '1' });
  assert.equal(
    history.end().map(({ promise }) => promise),
    ['the digest is that of the contents'],
  );
});

test('equal nodes with right digests have settled', () => {
  const history = new History(convergence());
  history.commit(0, [RECORD], digestFacts([RECORD]));
  history.commit(1, [RECORD], { 'replica/seen/n0.1': '1', ...digestFacts([RECORD]) });
  assert.is(history.unsettled(), undefined);
  assert.equal(history.end(), []);
});

test.run();
