import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { accountOf, OperatorError } from './operator-error.ts';

test('an error that nobody foresaw is told with its stack, whatever it is', () => {
  assert.match(accountOf(new TypeError('odd')), /^TypeError: odd\n +at /);
  assert.is(accountOf('odd'), 'odd');
});

test('an error that says what to do is told in its own words', () => {
  assert.is(accountOf(new OperatorError('start the server')), 'start the server');
});

test('what the system refuses names the call and the path, which is enough', () => {
  try {
    readFileSync('/no/such/file');
    assert.unreachable();
  } catch (error) {
    assert.match(accountOf(error), /^ENOENT: [^\n]+ '\/no\/such\/file'$/);
  }
});

test.run();
