// Tests of the http-01 responder, with node:http as the validating server.

import { get } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startResponder, tokenOf } from './responder.ts';

test('a request for anything but a challenge has no token', () => {
  assert.is(tokenOf('GET / HTTP/1.1\r\n'), undefined);
  assert.is(tokenOf('POST /.well-known/acme-challenge/x HTTP/1.1\r\n'), undefined);
  assert.is(tokenOf('GET /.well-known/acme-challenge/x'), undefined);
});

test('RFC 8555 §8.3: a known token is answered, an unknown one is not found', async () => {
  const responder = await startResponder();
  try {
    responder.keyAuthorizations.set('token', 'token.thumbprint');
    assert.equal(await fetchPath(responder.port, 'token'), {
      status: 200,
      body: 'token.thumbprint',
    });
    assert.equal(await fetchPath(responder.port, 'other'), { status: 404, body: '' });
    responder.keyAuthorizations.delete('token');
    assert.equal(await fetchPath(responder.port, 'token'), { status: 404, body: '' });
    assert.is(responder.answered(), 1);
  } finally {
    responder.close();
  }
});

function fetchPath(port: number, token: string): Promise<{ status?: number; body: string }> {
  return new Promise((resolve, reject) => {
    const path = `/.well-known/acme-challenge/${token}`;
    get({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      answer.on('end', () =>
        resolve({ ...(answer.statusCode && { status: answer.statusCode }), body }),
      );
    }).on('error', reject);
  });
}

test.run();
