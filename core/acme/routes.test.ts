import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client, type Reply, read } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { Rig } from '../testing/rig.ts';
import { ROUTE_NAMES } from './routes.ts';

const INDEX = '<https://ca.test/acme/directory>;rel="index"';
const OPEN = [
  '/acme/renewal-info/a.b',
  '/acme/directory',
  '/acme/new-nonce',
  '/ca/crl',
  '/ca/default/crl',
  '/ca/root',
];
const SIGNED = [
  '/acme/new-account',
  '/acme/account/x',
  '/acme/account/x/orders',
  '/acme/new-order',
  '/acme/order/x',
  '/acme/order/x/finalize',
  '/acme/new-authz',
  '/acme/authz/x',
  '/acme/chall/x/http-01',
  '/acme/cert/x',
  '/acme/cert/x/full',
  '/acme/revoke-cert',
  '/acme/key-change',
];

function send(target: string, method: string): Reply {
  const rig = new Rig();
  return read(rig.request({ method, target, contentType: '', body: '' }).response!);
}

test('RFC 8555 §6.3: signed resources answer 405 to GET and all methods but POST', () => {
  for (const target of SIGNED) {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'post', 'TRACE', '']) {
      const reply = refused(send(target, method), 'malformed', /is not allowed here/, 405);
      assert.is(reply.header('allow'), 'POST, OPTIONS');
      assert.is(reply.header('replay-nonce'), undefined);
    }
  }
});

test('open resources answer 405 to POST, with a nonce', () => {
  for (const target of OPEN) {
    const reply = refused(send(target, 'POST'), 'malformed', /use GET, HEAD/, 405);
    assert.match(reply.header('replay-nonce')!, /./);
  }
});

test('what is no path of ours is 404', () => {
  const targets = [
    '',
    '/',
    '*',
    'acme/directory',
    'xacme/directory',
    'https://ca.test/acme/directory',
    '//acme/directory',
    '/ACME/directory',
    '/acme/order',
    '/acme/order/',
    '/acme/order/x/',
    '/acme/order/x/y',
    '/acme/order/a%2Fb',
    '/acme/order/a b',
    '/acme/order/../directory',
    `/acme/order/${'a'.repeat(129)}`,
    '/acme/chall/x',
    '/ca/crl/x',
    '/acme/directory;x',
    '/acme/directory#x',
  ];
  for (const target of targets) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      refused(send(target, method), 'malformed', /nothing here/, 404);
    }
  }
});

test('RFC 8555 §7.1: all ACME resources but the directory link to it', () => {
  for (const target of [...SIGNED, '/acme/new-nonce', '/acme/nothing']) {
    assert.equal(send(target, 'POST').links, [INDEX], target);
  }
  for (const target of ['/acme/directory', '/ca/root', '/']) {
    assert.equal(send(target, 'GET').links, [], target);
  }
});

test('RFC 8555 §6.5: every answer to a POST has a fresh nonce, whatever was wrong', () => {
  const rig = new Rig();
  const nonces = [...OPEN, ...SIGNED, '/nothing'].map((target) => {
    const web = { method: 'POST', target, contentType: 'text/plain', body: 'x' };
    return read(rig.request(web).response!).header('replay-nonce')!;
  });
  assert.is(new Set(nonces).size, OPEN.length + SIGNED.length + 1);
  for (const nonce of nonces) {
    const client = new Client(rig);
    accepted(client.post('/acme/new-account', {}, { header: { jwk: client.jwk }, nonce }), 201);
  }
});

test('Fetch §3.2: browsers may ask before they POST, and read what they need', () => {
  for (const target of [...OPEN, ...SIGNED]) {
    const reply = send(target, 'OPTIONS');
    assert.is(reply.status, 204);
    const methods = SIGNED.includes(target) ? 'POST, OPTIONS' : 'GET, HEAD, OPTIONS';
    assert.is(reply.header('access-control-allow-methods'), methods);
    assert.is(reply.header('access-control-allow-headers'), 'Content-Type');
    assert.is(reply.header('access-control-allow-origin'), '*');
  }
});

test('every answer and every route has a name for metrics', () => {
  const rig = new Rig();
  const seen = [...OPEN, ...SIGNED, '/nothing'].map((target) => {
    return rig.request({ method: 'OPTIONS', target, contentType: '', body: '' }).response!.route;
  });
  for (const name of seen) assert.ok(ROUTE_NAMES.includes(name), name);
  assert.is(new Set(seen).size, ROUTE_NAMES.length - 1, 'all but the chain, which is not asked');
});

test('a query does not hide a resource, nor a repeated or odd one', () => {
  for (const query of ['?', '?a', '?a=b&a=c&&=', '?after=%', `?${'x'.repeat(5_000)}`]) {
    accepted(send(`/acme/directory${query}`, 'GET'));
  }
});

test.run();
