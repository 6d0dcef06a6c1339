import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { POLICY, Rig } from '../testing/rig.ts';

function client(policy: Partial<typeof POLICY> = {}): Client {
  return new Client(new Rig({ policy }));
}

test('RFC 8555 §7.1.1: the directory is not to be POSTed to, and needs its exact path', () => {
  const asking = client();
  const reply = refused(asking.get('/acme/directory', 'POST'), 'malformed', /not allowed/, 405);
  assert.is(reply.header('allow'), 'GET, HEAD, OPTIONS');
  for (const target of ['/acme/directory/', '/directory', '/acme', '/', '/acme//directory']) {
    refused(asking.get(target), 'malformed', /nothing here/, 404);
  }
});

test('RFC 8555 §7.1.1: the directory names every resource under the public URL', () => {
  const reply = accepted(client().get('/acme/directory'));
  assert.is(reply.header('content-type'), 'application/json');
  const base = 'https://ca.test/acme';
  assert.equal(reply.body, {
    newNonce: `${base}/new-nonce`,
    newAccount: `${base}/new-account`,
    newOrder: `${base}/new-order`,
    newAuthz: `${base}/new-authz`,
    revokeCert: `${base}/revoke-cert`,
    keyChange: `${base}/key-change`,
    renewalInfo: `${base}/renewal-info`,
    meta: { externalAccountRequired: false },
  });
});

test('RFC 8555 §7.1.1: meta says what the operator set', () => {
  const meta = {
    termsOfService: 'https://ca.test/terms',
    website: 'https://ca.test/',
    caaIdentities: ['ca.test'],
    externalAccountRequired: true,
  };
  const { body } = client({
    termsOfServiceUrl: meta.termsOfService,
    websiteUrl: meta.website,
    caaIdentities: meta.caaIdentities,
    externalAccountRequired: true,
  }).get('/acme/directory');
  assert.equal(body['meta'], meta);
});

test('the directory follows the configuration', () => {
  const asking = client();
  const policy = { ...POLICY, baseUrl: 'https://new.test:8443' };
  asking.rig.submit({ kind: 'configure', policy });
  const { body } = asking.get('/acme/directory?x=1');
  assert.is(body['newNonce'], 'https://new.test:8443/acme/new-nonce');
});

test('RFC 8555 §7.2: HEAD new-nonce answers 200, GET 204, both with a nonce and no-store', () => {
  const asking = client();
  const [head, get] = [asking.get('/acme/new-nonce', 'HEAD'), asking.get('/acme/new-nonce')];
  assert.equal([head.status, get.status], [200, 204]);
  for (const reply of [head, get]) {
    assert.match(reply.header('replay-nonce')!, /^[A-Za-z0-9_-]+$/);
    assert.is(reply.header('cache-control'), 'no-store');
    assert.is(reply.text, '');
    assert.ok(reply.links.includes('<https://ca.test/acme/directory>;rel="index"'));
  }
  assert.is.not(head.header('replay-nonce'), get.header('replay-nonce'));
});

test('the certificates of the CA can be fetched by anybody', () => {
  const asking = client();
  const [ca] = POLICY.cas;
  assert.is(accepted(asking.get('/ca/root')).text, ca.rootPem);
  const chain = accepted(asking.get('/ca/chain'));
  assert.is(chain.text, ca.chainPem);
  assert.is(chain.header('content-type'), 'application/pem-certificate-chain');
});

test.run();
