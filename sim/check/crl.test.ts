import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toBase64Url, toUtf8 } from '../../core/bytes.ts';
import type { WebRequest } from '../../core/input.ts';
import { plainRequest } from '../client-request.ts';
import { noteRequest } from '../exchange-facts.ts';
import { History, response, status } from '../testing/history.ts';
import { crl } from './crl.ts';

const order = (number: number) => {
  return { kind: 'build-crl', ca: 'c', number, tag: 0, thisUpdateMs: 0, nextUpdateMs: 1 } as const;
};
const list = (...revoked: string[]) => toUtf8(JSON.stringify({ revoked }));
const REVOKED = status('certificate/aa', 'revoked');

function revoke(serial: string): WebRequest {
  const web: WebRequest = { method: 'POST', target: '/', contentType: '', body: '' };
  const certificate = toBase64Url(toUtf8(JSON.stringify({ serial })));
  const nobody = { account: undefined, thumbprint: 't', nonce: undefined, bend: undefined };
  noteRequest(web, {
    route: 'revoke-cert',
    ids: [],
    isGenuine: true,
    payload: { certificate },
    ...nobody,
  });
  return web;
}

test('RFC 5280 §5.2.3: a number that does not grow is seen', () => {
  const history = new History(crl());
  history.visible(0, order(5));
  history.start(0);
  history.visible(0, order(5));
  assert.equal(history.promises, ['list numbers only grow']);
});

test('RFC 5280 §5.2.3: two nodes that give two lists one number are seen', () => {
  const history = new History(crl());
  history.visible(0, order(5));
  history.visible(1, { ...order(5), tag: 1 });
  assert.equal(history.promises, []);
  history.visible(1, { ...order(6), tag: 1 });
  history.visible(0, { ...order(6), tag: 1 });
  assert.equal(history.promises, ['no two lists have one number']);
});

test('a list without a revocation that was durable when it was ordered is seen', () => {
  const history = new History(crl());
  history.commit(0, [REVOKED]);
  history.visible(0, order(5));
  history.step(0, { kind: 'crl-built', ca: 'c', number: 5, der: list() });
  assert.match(history.findings[0]!.story.at(-1) ?? '', /list 5 lacks aa/);
});

test('a list that lacks what its reader was told before is seen', () => {
  const history = new History(crl());
  history.exchangeOf(0, revoke('aa'), response('revoke-cert', 200));
  history.exchangeOf(0, plainRequest('/ca/crl'), response('crl', 200, list('bb')));
  assert.match(history.findings[0]!.story.at(-1) ?? '', /it shows lacks aa/);
});

test('a list that lacks what an operator was told before is seen', () => {
  const history = new History(crl());
  const command = { kind: 'revoke', serial: 'aa' } as const;
  const told = response('admin', 200, { serial: 'aa', status: 'revoked', changed: true });
  history.step(0, { kind: 'administer', request: 7, command });
  const early = history.call(0, plainRequest('/ca/crl'));
  history.visible(0, { kind: 'respond', request: 7, response: told });
  history.reply(0, early, response('crl', 200, list()));
  assert.equal(history.findings, []);
  history.exchangeOf(0, plainRequest('/ca/crl'), response('crl', 200, list('bb')));
  assert.match(history.findings[0]!.story.at(-1) ?? '', /it shows lacks aa/);
});

test('an operator who was refused was told of no revocation, nor one whose node died first', () => {
  const history = new History(crl());
  const command = { kind: 'revoke', serial: 'aa' } as const;
  history.step(0, { kind: 'administer', request: 7, command });
  history.visible(0, { kind: 'respond', request: 7, response: response('admin', 404) });
  history.step(0, { kind: 'administer', request: 8, command });
  history.start(0);
  history.visible(0, { kind: 'respond', request: 8, response: response('admin', 200) });
  history.exchangeOf(0, plainRequest('/ca/crl'), response('crl', 200, list()));
  assert.equal(history.findings, []);
});

test('a revocation whose answer is on its way while the disk is exchanged says nothing of the new disk', () => {
  const history = new History(crl());
  const call = history.call(0, revoke('aa'));
  history.exchange(0);
  history.reply(0, call, response('revoke-cert', 200));
  history.exchangeOf(0, plainRequest('/ca/crl'), response('crl', 200, list()));
  assert.equal(history.findings, []);
  history.exchangeOf(0, revoke('bb'), response('revoke-cert', 200));
  history.exchangeOf(0, plainRequest('/ca/crl'), response('crl', 200, list()));
  assert.match(history.findings[0]!.story.at(-1) ?? '', /it shows lacks bb/);
});

test('growing numbers and whole lists are right; what comes later need not be in them', () => {
  const history = new History(crl());
  history.visible(0, order(5));
  history.commit(0, [REVOKED]);
  history.step(0, { kind: 'crl-built', ca: 'c', number: 5, der: list() });
  history.visible(0, order(6));
  history.step(0, { kind: 'crl-built', ca: 'c', number: 6, der: list('aa') });
  const early = history.call(0, plainRequest('/ca/crl'));
  history.exchangeOf(0, revoke('aa'), response('revoke-cert', 200));
  history.reply(0, early, response('crl', 200, list()));
  history.exchangeOf(0, plainRequest('/ca/crl'), response('crl', 200, list('aa')));
  assert.equal(history.findings, []);
});

test.run();
