import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex, toBase64Url } from '../bytes.ts';
import { Client } from '../testing/client.ts';
import { POLICY, Rig } from '../testing/rig.ts';

const DAY_MS = 86_400_000;

/** The renewal id of a certificate by its URL, as RFC 9773 §4.1 makes it. */
function renewalId(url: string): string {
  const octets = fromHex(url.split('/').at(-1)!)!;
  const der = octets[0]! >= 0x80 ? Uint8Array.of(0, ...octets) : octets;
  return `${POLICY.cas[0].keyId}.${toBase64Url(der)}`;
}

function issued(rig = new Rig()): { rig: Rig; client: Client; pem: string; id: string } {
  const client = Client.registered(rig);
  const { url, pem } = client.certificate(['a.example.com']);
  return { rig, client, pem, id: renewalId(url) };
}

test('RFC 9773 §4.1: what is no certificate of ours has no renewal information', () => {
  const { client, id } = issued();
  const [keyId, serial] = id.split('.') as [string, string];
  for (const wrong of [
    `${keyId}.AAAA`,
    `${keyId}.`,
    `.${serial}`,
    `b3RoZXI.${serial}`,
    `${keyId}.${serial}.x`,
    `${keyId}.AA${serial}`,
    keyId,
  ]) {
    assert.is(client.get(`/acme/renewal-info/${wrong}`).status, 404, wrong);
  }
});

test('RFC 9773 §4.2, §4.3: anybody may ask, and learns of a window in the last third', () => {
  const { rig, client, id } = issued();
  const reply = client.get(`/acme/renewal-info/${id}`);
  assert.is(reply.status, 200);
  assert.is(reply.header('retry-after'), '21600');
  const { start, end } = reply.body['suggestedWindow'];
  const days = (text: string): number => (Date.parse(text) - rig.now.wallMs) / DAY_MS;
  assert.is(Math.round(days(start)), 60);
  assert.is(Math.round(days(end)), 62);
});

test('RFC 9773 §4.2: the window of a revoked certificate is over, so that it is renewed at once', () => {
  const { rig, client, pem, id } = issued();
  assert.is(client.revoke(pem).status, 200);
  const { end } = client.get(`/acme/renewal-info/${id}`).body['suggestedWindow'];
  assert.ok(Date.parse(end) < rig.now.wallMs);
});

test('the operator may say where the window is explained, and how often to ask', () => {
  const policy = { renewalRetryAfterSecs: 60, renewalExplanationUrl: 'https://ca.test/why' };
  const { client, id } = issued(new Rig({ policy }));
  const reply = client.get(`/acme/renewal-info/${id}`);
  assert.is(reply.header('retry-after'), '60');
  assert.is(reply.body['explanationURL'], 'https://ca.test/why');
});

test('the directory names the resource', () => {
  const { client } = issued();
  assert.is(client.get('/acme/directory').body['renewalInfo'], 'https://ca.test/acme/renewal-info');
});

test('RFC 9773 §5: an order that replaces a certificate says so, and takes its place when issued', () => {
  const { client, id } = issued();
  const order = client.order(['a.example.com'], { replaces: id }).body;
  assert.is(order['replaces'], id);
  assert.is(client.order(['a.example.com'], { replaces: id }).status, 201, 'not finalized yet');
  assert.is(client.finalize(order).body['status'], 'valid');
  const again = client.order(['a.example.com'], { replaces: id });
  assert.is(again.status, 409);
  assert.match(again.body['type'], /:alreadyReplaced$/);
});

test('RFC 9773 §5: only the account that ordered a certificate can replace it', () => {
  const { rig, id } = issued();
  const reply = Client.registered(rig).order(['a.example.com'], { replaces: id });
  assert.is(reply.status, 400);
  assert.match(reply.body['type'], /:malformed$/);
});

test('"replaces" that names nothing, or is no string, is malformed', () => {
  const { client } = issued();
  for (const replaces of ['x', 'Y2EtaWQ.AQ', '', 7, null]) {
    const reply = client.order(['a.example.com'], { replaces });
    assert.is(reply.status, 400, String(replaces));
    assert.match(reply.body['type'], /:malformed$/);
  }
});

test('a certificate that was replaced before this node heard of it is unknown, not a failure', () => {
  const { rig, client, pem, id } = issued();
  const order = client.order(['a.example.com'], { replaces: id }).body;
  const serial = [...rig.database.keys()].find((key) => key.startsWith('certificate/'))!;
  const lost = rig.database.get(serial)!;
  rig.database.delete(serial);
  client.rig = new Rig({ database: rig.database, facts: rig.facts });
  assert.is(client.finalize(order).body['status'], 'valid');
  assert.equal(Object.keys(client.rig.database.get(serial)!.fields), ['replaced']);
  assert.is(client.get(`/acme/renewal-info/${id}`).status, 404);
  assert.is(client.post(`/acme/cert/${lost.id}`, undefined).status, 404);
  assert.is(client.revoke(pem).status, 404);
  assert.is(client.order(['a.example.com'], { replaces: id }).status, 400);
});

test.run();
