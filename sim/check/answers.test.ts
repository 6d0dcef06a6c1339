import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Record } from '../../core/crdt/record.ts';
import type { Effect, WebResponse } from '../../core/effect.ts';
import type { Command, WebRequest } from '../../core/input.ts';
import type { JsonObject } from '../../core/json.ts';
import { EPOCH_MS } from '../clock.ts';
import { type Bend, noteRequest } from '../exchange-facts.ts';
import { History, record, refusal, response } from '../testing/history.ts';
import { answers } from './answers.ts';

const URL = 'https://ca.sim/acme';
const first = (value: object) => ({ at: 'x', value }) as never;
const ACCOUNT = record('account/a', { status: 'valid', key: first({ thumbprint: 't' }) });
const GONE = record(
  'account/g',
  { status: 'deactivated', key: first({ thumbprint: 'g' }) },
  'n0.1',
  2,
);
const MADE = { account: 'a', identifiers: [], authorizations: [], expiresMs: EPOCH_MS + 1e9 };
const ORDER = record('order/o', { status: 'pending', made: first(MADE) }, 'n0.1', 3);
const CERTIFICATE = record(
  'certificate/aa',
  {
    status: 'revoked',
    made: first({ account: 'a', identifiers: [], der: 'eyJzZXJpYWwiOiJhYSJ9' }),
  },
  'n0.1',
  4,
);
const DER = 'eyJzZXJpYWwiOiJhYSJ9';
const NONCE = [
  ['Replay-Nonce', 'next'],
  ['Cache-Control', 'no-store'],
] as const;

let requests = 0;

interface Asking {
  readonly route: string;
  readonly id?: string;
  readonly by?: string;
  readonly key?: string;
  readonly payload?: JsonObject;
  readonly bend?: Bend;
}

/** What the checker says to one answer of a node that holds the records above. */
function verdict(asking: Asking, answer: WebResponse): string | undefined {
  const history = new History(answers());
  history.commit(0, [ACCOUNT, GONE, ORDER, CERTIFICATE]);
  history.start(0);
  const web: WebRequest = { method: 'POST', target: '/x', contentType: '', body: '' };
  const { route, id = '', by = 'a', key = 't', payload, bend } = asking;
  const account = by === '' ? undefined : by;
  const rest = { isGenuine: true, nonce: 'n', thumbprint: key, payload, bend };
  noteRequest(web, { route, ids: [id], account, ...rest });
  const request = ++requests;
  const effect = { kind: 'respond', request, response: answer } as const;
  history.step(0, { kind: 'request', request, web, entropy: new Uint8Array(32) }, [effect]);
  return history.findings[0]?.story.at(-1);
}

const order = (status: string) => {
  const body = { status, authorizations: [], finalize: `${URL}/order/o/finalize` };
  return response('order', 200, body, NONCE);
};

test('RFC 8555 §6.5: a POST that is answered without a nonce is seen', () => {
  assert.match(verdict({ route: 'order', id: 'o' }, response('order', 200)) ?? '', /Replay-Nonce/);
});

test('RFC 8555 §7.1.6: a status that does not follow from the records is seen', () => {
  const asking = { route: 'order', id: 'o' };
  assert.match(verdict(asking, order('pending')) ?? '', /pending instead of ready/);
  assert.is(verdict(asking, order('ready')), undefined);
});

test('RFC 8555 §7.3.6: an account that is deactivated and gets in is seen', () => {
  const asking = { route: 'order', id: 'o', by: 'g', key: 'g' };
  assert.match(verdict(asking, order('ready')) ?? '', /401 unauthorized/);
  assert.is(verdict(asking, refusal('order', 401, 'unauthorized')), undefined);
});

test('RFC 8555 §6.2: a signature by another key that is accepted is seen', () => {
  const asking = { route: 'order', id: 'o', key: 'other' };
  assert.match(verdict(asking, order('ready')) ?? '', /400 malformed/);
});

test('an object of somebody else that is shown, or is said not to be there, is seen', () => {
  const unknown = { route: 'order', id: 'other' };
  assert.match(verdict(unknown, order('ready')) ?? '', /404 malformed/);
  const known = { route: 'order', id: 'o' };
  assert.match(verdict(known, refusal('order', 404, 'malformed')) ?? '', /answers 200/);
});

test('RFC 8555 §7.6: a second revocation that succeeds is seen', () => {
  const asking = { route: 'revoke-cert', payload: { certificate: DER } };
  assert.match(verdict(asking, response('revoke-cert', 200, {}, NONCE)) ?? '', /alreadyRevoked/);
  assert.is(verdict(asking, refusal('revoke-cert', 400, 'alreadyRevoked')), undefined);
});

test('requests that are wrong on purpose have to be refused as the RFC says', () => {
  const wrong = { route: 'order', id: 'o', bend: 'url' } as const;
  assert.match(verdict(wrong, order('ready')) ?? '', /403 unauthorized/);
  assert.is(verdict(wrong, refusal('order', 403, 'unauthorized')), undefined);
});

test('of two things that are wrong either may be named, and one has to be', () => {
  const wrong = { route: 'order', id: 'o', by: 'g', key: 'g', bend: 'signature' } as const;
  assert.is(verdict(wrong, refusal('order', 400, 'malformed')), undefined);
  assert.is(verdict(wrong, refusal('order', 401, 'unauthorized')), undefined);
  assert.match(verdict(wrong, order('ready')) ?? '', /400 malformed or 401 unauthorized/);
});

test('RFC 8555 §7.3.1: a key that has an account gets no second one', () => {
  const asking = { route: 'new-account', by: '', payload: {} };
  const headers = [...NONCE, ['Location', `${URL}/account/a`]] as const;
  const body = { status: 'valid', contact: [] };
  assert.match(verdict(asking, response('new-account', 201, body, headers)) ?? '', /answers 200/);
  assert.is(verdict(asking, response('new-account', 200, body, headers)), undefined);
});

/** What the checker says to an answer to an operator, with what the node writes before it. */
function operatorVerdict(
  command: Command,
  answer: WebResponse,
  writes: readonly Record[] = [],
): string | undefined {
  const history = new History(answers());
  history.commit(0, [ACCOUNT, GONE, ORDER, CERTIFICATE]);
  history.start(0);
  const request = ++requests;
  const persist = { kind: 'persist', records: writes, forget: [], facts: new Map() } as const;
  const effects: Effect[] = [
    ...(writes.length > 0 ? [persist] : []),
    { kind: 'respond', request, response: answer },
  ];
  history.step(0, { kind: 'administer', request, command }, effects);
  return history.findings[0]?.story.at(-1);
}

const told = (status: string, changed: boolean, more: JsonObject = {}) => {
  return response('admin', 200, { status, changed, ...more });
};
const DENIED = { error: 'no', fix: 'do something else' };

test('a refusal of what an operator wants is seen when the record is there, or when it names no fix', () => {
  const known = { kind: 'deactivate', account: 'a' } as const;
  assert.match(operatorVerdict(known, response('admin', 404, DENIED)) ?? '', /is there: true/);
  const unknown = { kind: 'deactivate', account: 'nobody' } as const;
  assert.is(operatorVerdict(unknown, response('admin', 404, DENIED)), undefined);
  assert.match(operatorVerdict(unknown, response('admin', 404, { error: 'no' })) ?? '', /no fix/);
  assert.is(operatorVerdict(known, response('admin', 503, DENIED)), undefined);
});

test('an operator who is told of a change that was not made is seen', () => {
  const known = { kind: 'deactivate', account: 'a' } as const;
  assert.match(operatorVerdict(known, told('deactivated', true)) ?? '', /200, and it is valid/);
  const after = record('account/a', { ...ACCOUNT.fields, status: 'deactivated' }, 'n0.1', 5);
  assert.is(operatorVerdict(known, told('deactivated', true), [after]), undefined);
  assert.match(operatorVerdict(known, told('deactivated', false), [after]) ?? '', /changed is fal/);
  const gone = { kind: 'deactivate', account: 'g' } as const;
  assert.match(operatorVerdict(gone, told('deactivated', true)) ?? '', /changed is true/);
  assert.is(operatorVerdict(gone, told('deactivated', false)), undefined);
});

test('an operator who is told another reason than stands is seen', () => {
  const revocation = first({ atMs: 1, reason: 1 });
  const fields = { ...CERTIFICATE.fields, revocation };
  const after = record('certificate/bb', fields, 'n0.1', 5);
  const before = record('certificate/bb', { ...fields, status: 'valid' }, 'n0.1', 4);
  const command = { kind: 'revoke', serial: 'bb', reason: 4 } as const;
  const verdictOn = (answer: WebResponse, first: Record) => {
    const history = new History(answers());
    history.commit(0, [first]);
    history.start(0);
    const respond = { kind: 'respond', request: 1, response: answer } as const;
    const persist = { kind: 'persist', records: [after], forget: [], facts: new Map() } as const;
    const effects: Effect[] = first === after ? [respond] : [persist, respond];
    history.step(0, { kind: 'administer', request: 1, command }, effects);
    return history.findings[0]?.story.at(-1);
  };
  assert.match(verdictOn(told('revoked', false, { reason: 4 }), after) ?? '', /4 instead of 1/);
  assert.is(verdictOn(told('revoked', false, { reason: 1 }), after), undefined);
  assert.match(verdictOn(told('revoked', true, { reason: 1 }), before) ?? '', /was not asked for/);
});

test.run();
