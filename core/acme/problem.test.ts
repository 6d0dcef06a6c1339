import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorObject, PROBLEMS, Problem, problem, problemDocument } from './problem.ts';

const URN = 'urn:ietf:params:acme:error:';

test('RFC 8555 §6.7: every type of the RFC is known, and those of ARI', () => {
  const types = `accountDoesNotExist alreadyRevoked badCSR badNonce badPublicKey
    badRevocationReason badSignatureAlgorithm caa compound connection dns
    externalAccountRequired incorrectResponse invalidContact malformed orderNotReady
    rateLimited rejectedIdentifier serverInternal tls unauthorized unsupportedContact
    unsupportedIdentifier userActionRequired alreadyReplaced`.split(/\s+/);
  assert.equal(Object.keys(PROBLEMS).sort(), types.sort());
  for (const [type, status] of Object.entries(PROBLEMS)) {
    assert.ok(status >= 400 && status <= 500, type);
  }
});

test('RFC 7807 §3.1: a document has type, detail and status, and nothing empty', () => {
  const document = problemDocument(problem('dns', 'no such name'));
  assert.equal(document, { type: `${URN}dns`, detail: 'no such name', status: 400 });
  assert.equal(problemDocument(problem('dns', 'x', { subproblems: [] })).subproblems, undefined);
});

test('a status given with the problem replaces that of the table', () => {
  const error = problem('malformed', 'gone', { status: 404 });
  assert.instance(error, Problem);
  assert.is(error.status, 404);
  assert.is(problemDocument(error).status, 404);
});

test('RFC 8555 §6.2: badSignatureAlgorithm lists the algorithms', () => {
  const error = problem('badSignatureAlgorithm', 'no', { algorithms: ['ES256'] });
  assert.equal(problemDocument(error).algorithms, ['ES256']);
});

test('RFC 8555 §6.7.1: subproblems have their type, detail and identifier', () => {
  const identifier = { type: 'dns', value: 'a.example' } as const;
  const { subproblems } = errorObject('compound', 'two', [
    { type: 'caa', detail: 'forbidden', identifier },
    { type: 'dns', detail: 'no such name' },
  ]);
  assert.equal(subproblems, [
    { type: `${URN}caa`, detail: 'forbidden', identifier },
    { type: `${URN}dns`, detail: 'no such name' },
  ]);
});

test.run();
