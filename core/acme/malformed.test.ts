import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { read } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { ENVELOPE } from '../testing/malformed/envelope.ts';
import { HEADER } from '../testing/malformed/header.ts';
import { HTTP } from '../testing/malformed/http.ts';
import { ORDER } from '../testing/malformed/order.ts';
import { PAYLOAD } from '../testing/malformed/payload.ts';
import { type Row, Scene } from '../testing/malformed/scene.ts';

const TABLES: { readonly [name: string]: readonly Row[] } = {
  'RFC 8555 §6.2: bodies and JWS structure': ENVELOPE,
  'RFC 8555 §6.3: targets, methods and media types': HTTP,
  'RFC 8555 §6.5: protected headers': HEADER,
  'RFC 8555 §7: payloads': PAYLOAD,
  'RFC 8555 §7.4: identifiers, times and CSRs': ORDER,
};
const ROWS = Object.values(TABLES).flat();

const scene = new Scene();

/** Sends one row and checks everything a refusal has to be. */
function send({ what, type, detail, status, make }: Row): void {
  const { rig, client } = scene;
  const web = make(scene);
  const { persists } = rig;
  const { response } = rig.request(web);
  assert.ok(response, `${what}: not answered at once`);
  const reply = read(response!);
  try {
    refused(reply, type, detail, status);
  } catch (error) {
    throw new Error(`${what}: ${reply.status} ${reply.text.slice(0, 300)}`, { cause: error });
  }
  assert.ok(reply.status < 500, what);
  assert.ok(reply.text.length < 4_000, `${what}: ${reply.text.length} characters of answer`);
  assert.is(rig.persists, persists, `${what}: something was written`);
  const nonce = reply.header('replay-nonce');
  assert.is(nonce !== undefined, web.method === 'POST', `${what}: a nonce for a POST`);
  if (nonce !== undefined) accepted(client.post(scene.account, undefined, { nonce }));
}

for (const [name, rows] of Object.entries(TABLES)) {
  test(`${name}: each of ${rows.length} malformed requests is refused for its own reason`, () => {
    for (const row of rows) send(row);
  });
}

test(`all ${ROWS.length} malformed requests differ`, () => {
  assert.ok(ROWS.length >= 120);
  assert.is(new Set(ROWS.map(({ what }) => what)).size, ROWS.length);
});

test('after all of them the server serves: nothing was issued, probed or forgotten', () => {
  const { rig, client, ready } = scene;
  assert.is(rig.select({ kind: 'certificate', limit: 9 }).length, 1);
  assert.is(rig.select({ kind: 'account', limit: 9 }).length, 2);
  assert.is(rig.node.gauges.parked, 0);
  assert.is(accepted(client.finalize(ready)).body['status'], 'valid');
});

test.run();
