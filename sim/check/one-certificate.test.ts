import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { IssueRequest } from '../../core/acme/issuance.ts';
import type { WebRequest } from '../../core/input.ts';
import { History, record, response, status } from '../testing/history.ts';
import { oneCertificate } from './one-certificate.ts';

const URL = 'https://ca.sim/acme';
const WEB: WebRequest = { method: 'POST', target: '/acme/order/o', contentType: '', body: '' };
const REQUEST: IssueRequest = {
  ca: 'default',
  order: 'o',
  identifiers: [],
  csr: 'csr',
  notBeforeMs: 1,
};
const issue = (changed: Partial<IssueRequest> = {}) => {
  return { kind: 'issue', request: { ...REQUEST, ...changed } } as const;
};
const shown = (serial: string) => {
  const certificate = `${URL}/cert/${serial}`;
  return response('order', 200, { finalize: `${URL}/order/o/finalize`, certificate });
};
const made = (notBeforeMs: number) => {
  const value = { order: 'o', spkiHash: 's', identifiers: [], notBeforeMs, notAfterMs: 9 };
  return record('certificate/c', { made: { at: 'x', value } }, 'n0.1', notBeforeMs);
};

test('issuance that depends on the node is seen', () => {
  const history = new History(oneCertificate());
  history.step(0, { kind: 'tick' }, [issue()]);
  history.step(1, { kind: 'tick' }, [issue({ notBeforeMs: 2 })]);
  assert.equal(history.findings[0]?.nodes, [0, 1]);
});

test('two serials shown for one order are seen', () => {
  const history = new History(oneCertificate());
  history.exchangeOf(0, WEB, shown('aa'));
  history.exchangeOf(1, WEB, shown('bb'));
  assert.match(history.findings[0]!.story.at(-1) ?? '', /n0 showed certificate aa, n1 shows bb/);
});

test('one serial for two certificates is seen', () => {
  const history = new History(oneCertificate());
  history.commit(0, [made(1)]);
  history.commit(1, [made(2)]);
  assert.equal(history.promises, ['one order, one certificate']);
});

test('the same again is right, and so are two sides that were given different CSRs', () => {
  const history = new History(oneCertificate());
  history.commit(0, [made(1), status('order/o', 'valid', 'n0.1', 2)]);
  history.commit(1, [made(1)]);
  history.step(0, { kind: 'tick' }, [issue()]);
  history.step(1, { kind: 'tick' }, [issue(), issue({ csr: 'other', notBeforeMs: 3 })]);
  history.exchangeOf(0, WEB, shown('aa'));
  history.exchangeOf(0, WEB, shown('aa'));
  history.exchangeOf(1, WEB, shown('bb'));
  assert.equal(history.findings, []);
});

test.run();
