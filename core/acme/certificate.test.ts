import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromBase64Url, toBase64Url, toUtf8 } from '../bytes.ts';
import { Client, derOf, path } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { encodeCsr, POLICY, PRIMITIVES, Rig } from '../testing/rig.ts';

interface Scene {
  readonly rig: Rig;
  readonly client: Client;
  readonly url: string;
  readonly pem: string;
}

function scene(names: readonly string[] = ['a.example.com']): Scene {
  const rig = new Rig();
  const client = Client.registered(rig);
  return { rig, client, ...client.certificate(names) };
}

const serialOf = ({ url }: Scene): string => url.split('/').at(-1)!;
const stateOf = (made: Scene): string | undefined => {
  return made.rig.columns('certificate', serialOf(made)).state;
};

/** A client that signs with the key of the certificate. */
function keyHolder(made: Scene): Client {
  const holder = new Client(made.rig);
  const key = PRIMITIVES.readKey(holder.jwk);
  if (!key.ok) throw new Error(key.reason);
  const order = made.client.order(['held.example.com']).body;
  made.client.prove(order);
  const csr = encodeCsr({ names: order['identifiers'], spkiHash: key.value.spkiHash });
  made.client.post(path(order['finalize']), { csr });
  return holder;
}

test('RFC 8555 §7.4.2: a certificate that does not exist is 404, one of another account 403', () => {
  const made = scene();
  for (const target of ['/acme/cert/00', '/acme/cert/00/full']) {
    refused(made.client.post(target, undefined), 'malformed', /no such certificate/, 404);
  }
  const other = Client.registered(made.rig);
  refused(other.post(path(made.url), undefined), 'unauthorized', /another account/);
  refused(other.post(`${path(made.url)}/full`, undefined), 'unauthorized', /another account/);
});

test('RFC 8555 §7.4.2: a download is PEM, leaf first, without the root, with a final newline', () => {
  const made = scene();
  const reply = accepted(made.client.post(path(made.url), undefined));
  assert.is(reply.header('content-type'), 'application/pem-certificate-chain');
  const { chainPem } = POLICY.cas[0];
  assert.ok(reply.text.endsWith(chainPem));
  const leaf = reply.text.slice(0, -chainPem.length);
  assert.match(
    leaf,
    /^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END CERT.*-----\n$/,
  );
  const facts = JSON.parse(Buffer.from(fromBase64Url(derOf(leaf))!).toString());
  assert.is(facts.serial, serialOf(made));
});

test('RFC 8555 §7.4.2: the issuer is linked as up, the other chain as alternate, and back', () => {
  const made = scene();
  const { links } = made.client.post(path(made.url), undefined);
  assert.ok(links.includes('<https://ca.test/ca/chain>;rel="up"'));
  assert.ok(links.includes(`<${made.url}/full>;rel="alternate"`));
  const full = accepted(made.client.post(`${path(made.url)}/full`, undefined));
  assert.ok(full.text.endsWith(POLICY.cas[0].fullChainPem));
  assert.ok(full.links.includes(`<${made.url}>;rel="alternate"`));
});

test('a certificate of a CA that is no longer configured comes with the chain of today', () => {
  const made = scene();
  const ca = { ...POLICY.cas[0], id: 'next', chainPem: 'next chain\n' };
  made.rig.submit({ kind: 'configure', policy: { ...POLICY, cas: [ca] } });
  assert.ok(made.client.post(path(made.url), undefined).text.endsWith('next chain\n'));
});

test('RFC 8555 §7.6: what is no certificate is malformed', () => {
  const made = scene();
  const payloads = [{}, { certificate: 7 }, { certificate: 'a=' }, { certificate: made.pem }];
  for (const payload of payloads) {
    refused(made.client.post('/acme/revoke-cert', payload), 'malformed', /"certificate"/);
  }
  for (const certificate of ['', 'AAAA']) {
    refused(made.client.post('/acme/revoke-cert', { certificate }), 'malformed', /no certificate:/);
  }
});

test('RFC 8555 §7.6: a certificate that was not issued here is 404, though its serial was', () => {
  const made = scene();
  for (const serial of [serialOf(made), '00']) {
    const facts = { serial, spkiHash: 'x', notBeforeMs: 0, notAfterMs: 0 };
    const certificate = toBase64Url(toUtf8(JSON.stringify(facts)));
    const reply = made.client.post('/acme/revoke-cert', { certificate });
    refused(reply, 'malformed', /not issued here/, 404);
  }
  assert.is(stateOf(made), 'valid');
});

test('RFC 8555 §7.6: an account that neither ordered it nor controls its names is unauthorized', () => {
  const made = scene(['a.example.com', '*.b.example.com']);
  const other = Client.registered(made.rig);
  refused(other.revoke(made.pem), 'unauthorized', /neither ordered/);
  other.prove(other.order(['a.example.com', 'b.example.com']).body, 'dns-01');
  refused(other.revoke(made.pem), 'unauthorized', /neither ordered/);
  assert.is(stateOf(made), 'valid');
});

test('RFC 8555 §7.6: a bare key that is not the certificate key is unauthorized', () => {
  const made = scene();
  for (const client of [new Client(made.rig), made.client]) {
    const reply = client.revoke(made.pem, {}, { header: { jwk: client.jwk } });
    refused(reply, 'unauthorized', /not signed with the key of this certificate/);
  }
  assert.is(stateOf(made), 'valid');
});

test('RFC 8555 §7.6: a deactivated account cannot revoke', () => {
  const made = scene();
  made.client.post(path(made.client.kid), { status: 'deactivated' });
  refused(made.client.revoke(made.pem), 'unauthorized', /deactivated/, 401);
});

test('RFC 5280 §5.3.1: reasons that do not exist or undo revocation are badRevocationReason', () => {
  const made = scene();
  for (const reason of [7, 8, 11, -1, 1.5, 1e9, '1', null, true, [1], {}]) {
    const reply = made.client.revoke(made.pem, { reason });
    refused(reply, 'badRevocationReason', /RFC 5280/);
  }
  assert.is(stateOf(made), 'valid');
});

test('RFC 8555 §7.6: the account that ordered it revokes, with an empty 200', () => {
  const made = scene();
  const reply = accepted(made.client.revoke(made.pem, { reason: 4 }));
  assert.is(reply.text, '');
  assert.is(stateOf(made), 'revoked');
  const { revocation } = made.rig.record('certificate', serialOf(made)).fields;
  const { reason, atMs } = (revocation as { value: { reason: number; atMs: number } }).value;
  assert.equal([reason, atMs], [4, made.rig.now.wallMs]);
});

test('RFC 8555 §7.6: the certificate key revokes, without any account', () => {
  const made = scene();
  const holder = keyHolder(made);
  const held = made.rig.select({ kind: 'certificate', name: 'held.example.com', limit: 1 })[0]!;
  const { der } = (held.fields['made'] as { value: { der: string } }).value;
  const certificate = toBase64Url(Buffer.from(der, 'base64'));
  const bend = { header: { jwk: holder.jwk } };
  accepted(holder.post('/acme/revoke-cert', { certificate }, bend));
  assert.is(made.rig.columns('certificate', held.id).state, 'revoked');
});

test('RFC 8555 §7.6: an account that holds authorizations for all names revokes', () => {
  const made = scene(['a.example.com', '*.b.example.com']);
  const other = Client.registered(made.rig);
  other.prove(other.order(['a.example.com', '*.b.example.com']).body, 'dns-01');
  accepted(other.revoke(made.pem));
  assert.is(stateOf(made), 'revoked');
});

test('RFC 8555 §7.6: authorizations that expired or were deactivated give no authority', () => {
  const made = scene();
  const other = Client.registered(made.rig);
  const order = other.order(['a.example.com']).body;
  other.prove(order);
  other.post(path(order['authorizations'][0]), { status: 'deactivated' });
  refused(other.revoke(made.pem), 'unauthorized', /neither ordered/);
  const third = Client.registered(made.rig);
  third.prove(third.order(['a.example.com']).body);
  made.rig.advance(86_400_000);
  refused(third.revoke(made.pem), 'unauthorized', /neither ordered/);
});

test('RFC 5280 §5.3.1: every reason a client may give is taken', () => {
  for (const reason of [0, 1, 2, 3, 4, 5, 6, 9, 10]) {
    const made = scene();
    accepted(made.client.revoke(made.pem, { reason }));
  }
});

test('RFC 8555 §7.6: revoking twice is alreadyRevoked, and the first reason stands', () => {
  const made = scene();
  accepted(made.client.revoke(made.pem, { reason: 1 }));
  refused(made.client.revoke(made.pem, { reason: 4 }), 'alreadyRevoked', /revoked before/);
  const { revocation } = made.rig.record('certificate', serialOf(made)).fields;
  assert.is((revocation as { value: { reason: number } }).value.reason, 1);
});

test('RFC 8555 §7.6: a revoked certificate is revoked after a restart, and can be downloaded', () => {
  const made = scene();
  accepted(made.client.revoke(made.pem));
  made.client.rig = new Rig({ database: made.rig.database });
  refused(made.client.revoke(made.pem), 'alreadyRevoked', /revoked before/);
  assert.is(made.client.post(path(made.url), undefined).text, made.pem);
});

test.run();
