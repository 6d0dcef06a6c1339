import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WebRequest } from '../../core/input.ts';
import { noteRequest } from '../exchange-facts.ts';
import { History, refusal, response } from '../testing/history.ts';
import { readYourWrites } from './read-your-writes.ts';

const ORDER = { finalize: 'https://ca.sim/acme/order/o/finalize', status: 'pending' };
const ACCOUNT = 'https://ca.sim/acme/account/a';

function ask(
  route: string,
  id: string,
  payload?: { readonly contact: readonly string[] },
  account = 'a',
) {
  const web: WebRequest = { method: 'POST', target: '/', contentType: '', body: '' };
  const from = { account, thumbprint: 't', nonce: undefined, bend: undefined };
  noteRequest(web, { route, ids: [id], isGenuine: true, payload, ...from });
  return web;
}
const account = (...contact: string[]) => {
  return response('account', 200, { status: 'valid', contact }, [['Location', ACCOUNT]]);
};

test('an order that was acknowledged and is unknown later is seen', () => {
  const history = new History(readYourWrites());
  history.exchangeOf(0, ask('new-order', ''), response('new-order', 201, ORDER));
  history.exchangeOf(0, ask('order', 'o'), refusal('order', 404, 'malformed'));
  assert.equal(history.promises, ['a client reads what it was told']);
});

test('contacts that were written and are not there are seen', () => {
  const history = new History(readYourWrites());
  history.exchangeOf(0, ask('account', 'a', { contact: ['x'] }), account('x'));
  history.exchangeOf(0, ask('account', 'a'), account('y'));
  assert.match(history.findings[0]!.story.at(-1) ?? '', /told of contacts/);
});

test('an account that is unknown later is seen, when it asks for itself', () => {
  const gone = refusal('account', 400, 'accountDoesNotExist');
  const promises = ['a', 'another'].map((asker) => {
    const history = new History(readYourWrites());
    history.exchangeOf(0, ask('account', 'a', { contact: ['x'] }), account('x'));
    history.exchangeOf(0, ask('account', 'a', undefined, asker), gone);
    return history.promises;
  });
  assert.equal(promises, [['a client reads what it was told'], []]);
});

test('writes on their way, other nodes and exchanged disks leave nothing to rely on', () => {
  const history = new History(readYourWrites());
  history.exchangeOf(0, ask('new-order', ''), response('new-order', 201, ORDER));
  history.exchangeOf(1, ask('order', 'o'), refusal('order', 404, 'malformed'));
  history.exchangeOf(0, ask('account', 'a', { contact: ['x'] }), account('x'));
  const look = history.call(0, ask('account', 'a'));
  history.exchangeOf(0, ask('account', 'a', { contact: ['y'] }), account('y'));
  history.reply(0, look, account('y'));
  history.call(0, ask('account', 'a', { contact: ['lost'] }));
  history.exchangeOf(0, ask('account', 'a'), account('lost'));
  history.exchange(0);
  history.exchangeOf(0, ask('order', 'o'), refusal('order', 404, 'malformed'));
  assert.equal(history.findings, []);
});

test.run();
