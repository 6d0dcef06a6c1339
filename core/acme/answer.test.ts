import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client, path } from '../testing/client.ts';
import { POLICY, Rig } from '../testing/rig.ts';
import { answer, problemAnswer, renderAnswer, waitFor } from './answer.ts';
import { problem } from './problem.ts';

const FRAMING = { route: 'order', indexLink: false };

function header(response: ReturnType<typeof renderAnswer>, name: string): string[] {
  return response.headers.filter(([key]) => key === name).map(([, value]) => value);
}

test('a problem keeps its own headers and gets its media type', () => {
  const error = problem('malformed', 'no', { status: 405, headers: { Allow: 'POST' } });
  const response = renderAnswer(POLICY, problemAnswer(error), { ...FRAMING, problem: error.type });
  assert.equal([response.status, response.problem], [405, 'malformed']);
  assert.equal(header(response, 'Allow'), ['POST']);
  assert.equal(header(response, 'Content-Type'), ['application/problem+json']);
  assert.equal(JSON.parse(String(response.body)).status, 405);
});

test('an answer without a nonce may be cached, one with a nonce never (RFC 8555 §6.5)', () => {
  const plain = renderAnswer(POLICY, { status: 200 }, FRAMING);
  assert.equal(header(plain, 'Cache-Control'), []);
  const fresh = renderAnswer(POLICY, { status: 200 }, { ...FRAMING, nonce: 'AA' });
  assert.equal(header(fresh, 'Cache-Control'), ['no-store']);
  assert.equal(header(fresh, 'Replay-Nonce'), ['AA']);
});

test('RFC 8288 §3: every link is a header of its own', () => {
  const links = [
    { url: 'https://ca.test/a', rel: 'up' },
    { url: 'https://ca.test/b', rel: 'alternate' },
  ];
  const response = renderAnswer(POLICY, { status: 200, links }, { ...FRAMING, indexLink: true });
  assert.equal(header(response, 'Link'), [
    '<https://ca.test/acme/directory>;rel="index"',
    '<https://ca.test/a>;rel="up"',
    '<https://ca.test/b>;rel="alternate"',
  ]);
});

test('objects become JSON, text and octets stay what they are', () => {
  const json = renderAnswer(POLICY, { status: 200, body: { a: [1] } }, FRAMING);
  assert.equal([json.body, header(json, 'Content-Type')], ['{"a":[1]}', ['application/json']]);
  const body = Uint8Array.of(1, 2);
  const octets = renderAnswer(POLICY, { status: 200, body, contentType: 'a/b' }, FRAMING);
  assert.equal([octets.body, header(octets, 'Content-Type')], [body, ['a/b']]);
  const empty = renderAnswer(POLICY, { status: 204 }, FRAMING);
  assert.equal([empty.body, header(empty, 'Content-Type')], ['', []]);
});

test('outcomes are plain data', () => {
  assert.equal(answer(200), { kind: 'answer', answer: { status: 200 } });
  assert.equal(waitFor('order', 'x', 5), { kind: 'wait', key: { kind: 'order', id: 'x' }, ms: 5 });
});

test('RFC 8555 §6.5: no answer to a POST is to be cached', () => {
  const client = Client.registered(new Rig());
  const { url } = client.certificate(['a.example.com']);
  for (const target of [path(client.kid), path(url), '/acme/nowhere']) {
    assert.is(client.post(target, undefined).header('cache-control'), 'no-store');
  }
});

test.run();
