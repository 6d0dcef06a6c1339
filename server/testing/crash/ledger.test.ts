// The ledger is what makes a crash test fail: each way a server can break its word is shown to it
// here, and each must be noticed.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SigningKey } from '../acme/signing-key.ts';
import { type Account, Ledger } from './ledger.ts';

const URL = 'https://ca.test/acme';
const ORDER = `${URL}/order/1`;
const AUTHORIZATION = `${URL}/authz/1`;

const account: Account = {
  url: `${URL}/account/1`,
  key: new SigningKey(),
  nextKey: undefined,
  retiredKeys: [],
  contacts: '[]',
  askedContacts: [],
  status: 'valid',
};

function order(status: string, changes: object = {}): string {
  const body = { status, expires: '2030-01-01T00:00:00Z', finalize: `${ORDER}/finalize` };
  const certificate = status === 'valid' ? { certificate: `${URL}/cert/1` } : {};
  return JSON.stringify({ ...body, authorizations: [AUTHORIZATION], ...certificate, ...changes });
}

function authorization(status: string, challengeStatus: string, token = 'secret'): string {
  const challenge = { type: 'http-01', url: `${URL}/chall/1`, token, status: challengeStatus };
  return JSON.stringify({ status, identifier: { type: 'dns' }, challenges: [challenge] });
}

/** What a ledger finds wrong with these sights of one resource, one after the other. */
function violations(kind: 'order' | 'authorization', ...sights: readonly string[]): string[] {
  const ledger = new Ledger();
  const url = kind === 'order' ? ORDER : AUTHORIZATION;
  for (const sight of sights) ledger.see(kind, url, account, sight);
  return ledger.violations;
}

test('an order that goes back is noticed, whatever it goes back to', () => {
  for (const [from, to] of [
    ['valid', 'ready'],
    ['valid', 'processing'],
    ['ready', 'pending'],
    ['processing', 'ready'],
  ] as const) {
    assert.match(violations('order', order(from), order(to)).join(), `from ${from} to ${to}`);
  }
});

test('an order that loses or changes its certificate is noticed', () => {
  const lost = violations('order', order('valid'), order('valid', { certificate: undefined }));
  assert.match(lost.join(), 'has lost certificate');
  const other = { certificate: `${URL}/cert/2` };
  const changed = violations('order', order('valid'), order('valid', other));
  assert.match(changed.join(), 'certificate was');
});

test('an order whose contents change is noticed', () => {
  const other = { authorizations: [`${URL}/authz/2`] };
  assert.is(violations('order', order('pending'), order('pending', other)).length, 1);
  const later = { expires: '2031-01-01T00:00:00Z' };
  assert.is(violations('order', order('pending'), order('ready', later)).length, 1);
});

test('an order that fails without its client having done anything is noticed', () => {
  assert.match(violations('order', order('pending'), order('invalid')).join(), 'for no reason');
});

test('an authorization or a challenge that goes back is noticed', () => {
  const valid = authorization('valid', 'valid');
  assert.is(violations('authorization', valid, authorization('pending', 'valid')).length, 1);
  const processing = authorization('pending', 'processing');
  const pending = authorization('pending', 'pending');
  assert.is(violations('authorization', processing, pending).length, 1);
  const other = authorization('pending', 'pending', 'another');
  assert.match(violations('authorization', pending, other).join(), 'token was');
});

test('a status nobody knows is noticed', () => {
  assert.is(violations('order', order('pending'), order('gone')).length, 1);
});

test('two orders with one certificate are noticed', () => {
  const ledger = new Ledger();
  ledger.see('order', ORDER, account, order('valid'));
  ledger.see('order', `${URL}/order/2`, account, order('valid'));
  assert.match(ledger.violations.join(), 'have one certificate');
});

test('a certificate with other bytes is noticed', () => {
  const ledger = new Ledger();
  ledger.seeCertificate(`${URL}/cert/1`, account, 'PEM', '01');
  ledger.seeCertificate(`${URL}/cert/1`, account, 'PEM ', '01');
  assert.is(ledger.violations.length, 1);
});

test('the ordinary life of an order and its authorization is no violation', () => {
  const statuses = ['pending', 'pending', 'ready', 'processing', 'valid', 'valid'];
  assert.equal(violations('order', ...statuses.map((status) => order(status))), []);
  const life = [
    authorization('pending', 'pending'),
    authorization('pending', 'processing'),
    authorization('valid', 'valid'),
  ];
  assert.equal(violations('authorization', ...life), []);
});

test('an authorization its client gave up may be deactivated', () => {
  const ledger = new Ledger();
  const seen = ledger.see('authorization', AUTHORIZATION, account, authorization('valid', 'valid'));
  seen.mayFail = true;
  ledger.see('authorization', AUTHORIZATION, account, authorization('deactivated', 'valid'));
  assert.equal(ledger.violations, []);
});

test.run();
