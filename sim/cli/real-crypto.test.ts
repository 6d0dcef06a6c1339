import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTORS, CHECKERS, defaultPlan } from '../cast.ts';
import { run } from '../run.ts';
import { realCrypto } from './real-crypto.ts';

const CAST = { actors: ACTORS, checkers: CHECKERS, realCrypto };

test('with real cryptography the promises hold, and the trace is the same again', () => {
  const plan = defaultPlan(5, { nodes: 3, realCrypto: 1 });
  const { verdict, violations, marks, traceHash } = run(plan, CAST);
  assert.is(verdict, 'pass', JSON.stringify(violations));
  assert.ok(marks['a certificate was revoked']! > 0, JSON.stringify(marks));
  assert.is(run(plan, CAST).traceHash, traceHash);
});

test.run();
