import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIMITS } from '../limits.ts';
import { Client, path, type Reply } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { BASE_URL, Rig } from '../testing/rig.ts';

const TERMS = 'https://ca.test/terms';

function registered(): { readonly rig: Rig; readonly client: Client } {
  const rig = new Rig();
  return { rig, client: Client.registered(rig) };
}

/** Follows `Link: rel="next"` to the end; the orders of each page. */
function orderPages(client: Client): string[][] {
  const pages: string[][] = [];
  let target: string | undefined = path(`${client.kid}/orders`);
  while (target !== undefined && pages.length < 50) {
    const reply: Reply = accepted(client.post(target, undefined));
    pages.push(reply.body['orders']);
    const next = reply.links.find((link) => link.endsWith('rel="next"'));
    target = next === undefined ? undefined : path(/<([^>]+)>/.exec(next)![1]!);
  }
  return pages;
}

test('RFC 8555 §7.3: contacts that are no mailto of one plain address are refused', () => {
  const { client, rig } = { client: new Client(new Rig()), rig: new Rig() };
  client.rig = rig;
  const invalid = [
    '',
    'admin@example.com',
    'mailto:',
    'mailto:admin',
    'mailto:admin@',
    'mailto:@example.com',
    'mailto:a@b@example.com',
    'mailto:a@example.com,b@example.com',
    'mailto:a@example.com?subject=hello',
    'mailto:a b@example.com',
    'mailto:a@example.com\r\nBcc: b@example.com',
    'mailto:a\u0001@example.com',
    'mailto:a\u007f@example.com',
    `mailto:${'a'.repeat(LIMITS.contactLength)}@example.com`,
  ];
  for (const contact of invalid) {
    refused(client.register({ contact: [contact] }), 'invalidContact', /contact/);
  }
  for (const contact of ['tel:+12025551212', 'https://example.com/', 'MAIL:a@example.com']) {
    refused(client.register({ contact: [contact] }), 'unsupportedContact', /use mailto/);
  }
  const many = new Array(LIMITS.contacts + 1).fill('mailto:a@example.com');
  refused(client.register({ contact: many }), 'invalidContact', /at most 10/);
  assert.is(rig.persists, 0);
});

test('RFC 8555 §7.3: one bad contact among good ones refuses the account', () => {
  const client = new Client(new Rig());
  const contact = ['mailto:a@example.com', 'tel:1'];
  refused(client.register({ contact }), 'unsupportedContact', /"tel"/);
});

test('RFC 8555 §7.3: an account is made with its contacts, Location and orders URL', () => {
  const client = new Client(new Rig());
  const contact = ['mailto:admin@example.com', 'MAILTO:ops+acme@[192.0.2.1]'];
  const reply = accepted(client.register({ contact, termsOfServiceAgreed: true }), 201);
  const { status, orders, termsOfServiceAgreed, ...rest } = reply.body;
  assert.match(client.kid, /^https:\/\/ca\.test\/acme\/account\/[A-Za-z0-9_-]{20,}$/);
  assert.equal([status, termsOfServiceAgreed], ['valid', true]);
  assert.is(orders, `${client.kid}/orders`);
  assert.equal(rest, { contact });
});

test('RFC 8555 §7.3: no contact is fine, and unknown members are ignored', () => {
  const client = new Client(new Rig());
  const reply = accepted(client.register({ orders: 'mine', status: 'revoked', extra: {} }), 201);
  assert.equal(reply.body, { status: 'valid', contact: [], orders: `${client.kid}/orders` });
});

test('RFC 8555 §7.3.3: without agreement to the terms there is no account', () => {
  const rig = new Rig({ policy: { termsOfServiceUrl: TERMS } });
  const client = new Client(rig);
  for (const payload of [{}, { termsOfServiceAgreed: false }]) {
    const reply = refused(client.register(payload), 'userActionRequired', /terms of service/);
    assert.ok(reply.links.includes(`<${TERMS}>;rel="terms-of-service"`), reply.links.join());
  }
  assert.is(rig.persists, 0);
  assert.is(accepted(client.register({ termsOfServiceAgreed: true }), 201).status, 201);
});

test('RFC 8555 §7.3.1: a known key gets its account, 200 and Location, whatever the payload', () => {
  const { client, rig } = registered();
  const before = rig.persists;
  for (const payload of [{}, { contact: ['mailto:x@example.com'] }, { onlyReturnExisting: true }]) {
    const reply = accepted(client.register(payload));
    assert.is(reply.header('location'), client.kid);
    assert.equal(reply.body['contact'], []);
  }
  assert.is(rig.persists, before);
});

test('RFC 8555 §7.3.1: onlyReturnExisting makes no account', () => {
  const rig = new Rig();
  const reply = new Client(rig).register({ onlyReturnExisting: true });
  refused(reply, 'accountDoesNotExist', /no account has this key/);
  assert.is(rig.persists, 0);
});

test('RFC 8555 §7.3.2: an update of another kind than contacts or deactivation is refused', () => {
  const { client } = registered();
  for (const status of ['revoked', 'pending', '']) {
    refused(client.post(path(client.kid), { status }), 'malformed', /only be set to "deactivated"/);
  }
  refused(client.post(path(client.kid), { contact: ['x:y'] }), 'unsupportedContact', /mailto/);
  assert.equal(client.post(path(client.kid), undefined).body['contact'], []);
});

test('RFC 8555 §7.3.2: contacts are replaced, emptied, and kept when they are absent', () => {
  const { client } = registered();
  const contact = ['mailto:new@example.com'];
  assert.equal(client.post(path(client.kid), { contact }).body['contact'], contact);
  assert.equal(client.post(path(client.kid), {}).body['contact'], contact);
  assert.equal(client.post(path(client.kid), { status: 'valid' }).body['contact'], contact);
  assert.equal(client.post(path(client.kid), undefined).body['contact'], contact);
  assert.equal(client.post(path(client.kid), { contact: [] }).body['contact'], []);
});

test('RFC 8555 §7.3.2: only what can be changed is changed', () => {
  const { client } = registered();
  const payload = { orders: 'x', key: {}, made: {}, externalAccountBinding: {} };
  const before = client.post(path(client.kid), undefined).body;
  assert.equal(accepted(client.post(path(client.kid), payload)).body, before);
});

test('RFC 8555 §7.3.3: the terms can be agreed to later', () => {
  const { client } = registered();
  assert.is(client.post(path(client.kid), {}).body['termsOfServiceAgreed'], undefined);
  const reply = client.post(path(client.kid), { termsOfServiceAgreed: true });
  assert.is(reply.body['termsOfServiceAgreed'], true);
});

test('RFC 8555 §7.3.6: every request of a deactivated account is refused with status 401', () => {
  const { client } = registered();
  const order = client.order(['a.example.com']).body;
  const { pem, url } = client.certificate(['b.example.com']);
  const reply = accepted(client.post(path(client.kid), { status: 'deactivated' }));
  assert.is(reply.body['status'], 'deactivated');
  const attempts = [
    client.post(path(client.kid), undefined),
    client.post(path(client.kid), { status: 'valid' }),
    client.post(path(`${client.kid}/orders`), undefined),
    client.order(['c.example.com']),
    client.post(path(order['authorizations'][0]), undefined),
    client.post(path(order['finalize']), { csr: 'AA' }),
    client.post(path(url), undefined),
    client.post('/acme/key-change', {}),
    client.revoke(pem),
    client.register({}),
    client.register({ onlyReturnExisting: true }),
  ];
  for (const attempt of attempts) refused(attempt, 'unauthorized', /deactivated/, 401);
});

test('RFC 8555 §7.3: the URL of another account is refused', () => {
  const { client, rig } = registered();
  const other = Client.registered(rig);
  for (const target of [path(other.kid), path(`${other.kid}/orders`), '/acme/account/none']) {
    refused(client.post(target, undefined), 'unauthorized', /another account/);
  }
  refused(
    client.post(path(other.kid), { status: 'deactivated' }),
    'unauthorized',
    /another account/,
  );
});

test('RFC 8555 §6.2: kid of no account of ours is accountDoesNotExist', () => {
  const { client } = registered();
  const kids = [
    `${BASE_URL}/acme/account/none`,
    'https://other.test/acme/account/1',
    `${client.kid}/orders`,
    `${client.kid}?x`,
    '',
  ];
  for (const kid of kids) {
    const reply = client.post(path(client.kid), undefined, { header: { kid } });
    refused(reply, 'accountDoesNotExist', /not an account URL/);
  }
});

test('RFC 8555 §7.1.2.1: an account without orders has an empty list and no next page', () => {
  const { client } = registered();
  assert.equal(orderPages(client), [[]]);
});

test('RFC 8555 §7.1.2.1: the list of 250 orders comes in pages that link to the next', () => {
  const { client, rig } = registered();
  const other = Client.registered(rig);
  const made = new Set<string>();
  for (let i = 0; i < 250; i++) {
    made.add(client.order([`n${i}.example.com`]).header('location')!);
    if (i % 50 === 0) other.order([`n${i}.example.com`]);
  }
  const pages = orderPages(client);
  assert.equal(
    pages.map((page) => page.length),
    [100, 100, 50],
  );
  assert.equal(new Set(pages.flat()), made);
  assert.is(orderPages(other).flat().length, 5);
});

test('RFC 8555 §7.1.2.1: a list of exactly one page has no next page', () => {
  const { client } = registered();
  for (let i = 0; i < LIMITS.ordersPage; i++) client.order([`n${i}.example.com`]);
  assert.equal(
    orderPages(client).map((page) => page.length),
    [LIMITS.ordersPage],
  );
});

test('RFC 8555 §7.1.2.1: orders that are invalid or expired are not listed', () => {
  const { client, rig } = registered();
  client.certificate(['kept.example.com']);
  const failed = client.order(['failed.example.com']).body;
  client.prove(failed);
  rig.issuer = () => ({ ok: false, problem: 'serverInternal', detail: 'no' });
  client.finalize(failed);
  client.order(['expired.example.com']);
  assert.is(orderPages(client).flat().length, 2);
  rig.advance(25 * 3_600_000);
  assert.is(orderPages(client).flat().length, 1);
});

test('RFC 8555 §7.1.2.1: a page after the end is empty', () => {
  const { client } = registered();
  client.order(['a.example.com']);
  const target = `${path(client.kid)}/orders?after=~~~~`;
  assert.equal(accepted(client.post(target, undefined)).body['orders'], []);
});

test.run();
