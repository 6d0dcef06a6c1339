import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WebResponse } from '../../core/effect.ts';
import type { WebRequest } from '../../core/input.ts';
import { noteRequest } from '../exchange-facts.ts';
import { History, refusal, response } from '../testing/history.ts';
import { nonceSingleUse } from './nonce-single-use.ts';

const entropy = new Uint8Array(32);
let requests = 0;

function post(nonce: string): WebRequest {
  const web: WebRequest = { method: 'POST', target: '/acme/new-order', contentType: '', body: '' };
  const nobody = { account: undefined, thumbprint: undefined, payload: {}, bend: undefined };
  noteRequest(web, { route: 'new-order', ids: [], isGenuine: true, nonce, ...nobody });
  return web;
}

/** One request and its answer at node 0. */
function ask(history: History, web: WebRequest, answer: WebResponse, monoMs?: number): void {
  askAt(0, history, web, answer, monoMs);
}

function askAt(
  node: number,
  history: History,
  web: WebRequest,
  answer: WebResponse,
  monoMs?: number,
): void {
  const request = ++requests;
  const effect = { kind: 'respond', request, response: answer } as const;
  history.step(node, { kind: 'request', request, web, entropy }, [effect], monoMs);
}

const fresh = (nonce: string): WebResponse => {
  return response('new-nonce', 200, '', [['Replay-Nonce', nonce]]);
};
const HEAD: WebRequest = { method: 'HEAD', target: '/acme/new-nonce', contentType: '', body: '' };

test('RFC 8555 §6.5: a nonce that is accepted twice is seen', () => {
  const history = new History(nonceSingleUse());
  ask(history, HEAD, fresh('a'));
  ask(history, post('a'), response('new-order', 201));
  ask(history, post('a'), response('new-order', 201));
  assert.is(history.findings.length, 1);
  assert.match(history.findings[0]!.story.at(-1) ?? '', /a second time/);
});

test('RFC 8555 §6.5: a nonce of an earlier process that is accepted is seen', () => {
  const history = new History(nonceSingleUse());
  ask(history, HEAD, fresh('a'));
  history.start(0);
  ask(history, post('a'), response('new-order', 201));
  assert.match(history.findings[0]!.story.at(-1) ?? '', /never issued/);
});

test('a nonce that two nodes accept is seen', () => {
  const history = new History(nonceSingleUse());
  history.start(1);
  ask(history, HEAD, fresh('a'));
  askAt(1, history, post('a'), response('new-order', 201));
  assert.equal(history.findings, []);
  ask(history, post('a'), response('new-order', 201));
  assert.match(history.findings[0]!.story.at(-1) ?? '', /a second time/);
});

test('badNonce for a nonce that is fresh and unused is seen', () => {
  const history = new History(nonceSingleUse());
  ask(history, HEAD, fresh('a'));
  ask(history, post('a'), refusal('new-order', 400, 'badNonce'));
  assert.match(history.findings[0]!.story.at(-1) ?? '', /refused/);
});

test('badNonce is right for what was used, is foreign, too old or out of the window', () => {
  const history = new History(nonceSingleUse());
  ask(history, HEAD, fresh('a'));
  ask(history, post('a'), response('new-order', 201));
  ask(history, post('a'), refusal('new-order', 400, 'badNonce'));
  ask(history, post('elsewhere'), refusal('new-order', 400, 'badNonce'));
  ask(history, HEAD, fresh('old'));
  ask(history, post('old'), refusal('new-order', 400, 'badNonce'), 90_000_000);
  ask(history, HEAD, fresh('b'));
  for (let i = 0; i < 64; i++) ask(history, HEAD, fresh(`x${i}`));
  ask(history, post('b'), refusal('new-order', 400, 'badNonce'));
  assert.equal(history.findings, []);
});

test('of two requests with one nonce either may win, in whichever order they came', () => {
  const history = new History(nonceSingleUse());
  ask(history, HEAD, fresh('a'));
  const [first, second] = [++requests, ++requests];
  const web = post('a');
  history.step(0, { kind: 'request', request: first, web, entropy });
  history.step(0, { kind: 'request', request: second, web, entropy });
  const won = { kind: 'respond', request: second, response: response('new-order', 201) } as const;
  const lost = refusal('new-order', 400, 'badNonce');
  history.step(0, { kind: 'tick' }, [won]);
  history.step(0, { kind: 'tick' }, [{ kind: 'respond', request: first, response: lost }]);
  assert.equal(history.findings, []);
});

test.run();
