// Requests that are wrong before anybody looks at a JWS: targets, methods, media types, bodies
// (RFC 8555 §6.2, §6.3).

import type { WebRequest } from '../../input.ts';
import { type Row, row, type Scene } from './scene.ts';

type Change = Partial<WebRequest>;

const bent = (change: Change) => (scene: Scene) => ({ ...scene.jws({}), ...change });
const asked = (method: string, target: string) => (): WebRequest => {
  return { method, target, contentType: '', body: '' };
};

export const HTTP: readonly Row[] = [
  row('no media type', 'malformed', /Content-Type/, bent({ contentType: '' }), 415),
  row(
    'the media type of JSON',
    'malformed',
    /Content-Type/,
    bent({ contentType: 'application/json' }),
    415,
  ),
  row(
    'the media type of a form',
    'malformed',
    /jose\+json/,
    bent({ contentType: 'text/plain' }),
    415,
  ),
  row(
    'the media type of a compact JWS',
    'malformed',
    /jose\+json/,
    bent({ contentType: 'application/jose' }),
    415,
  ),
  row(
    'a body that is too large',
    'malformed',
    /too large/,
    bent({ body: { fault: 'too large' } }),
    413,
  ),
  row('a body that is not UTF-8', 'malformed', /not UTF-8/, bent({ body: { fault: 'not UTF-8' } })),

  row('GET of an account', 'malformed', /GET is not allowed/, bent({ method: 'GET' }), 405),
  row('PUT to an account', 'malformed', /PUT is not allowed/, bent({ method: 'PUT' }), 405),
  row('DELETE of an account', 'malformed', /DELETE is not/, bent({ method: 'DELETE' }), 405),
  row('PATCH of an account', 'malformed', /PATCH is not/, bent({ method: 'PATCH' }), 405),
  row('HEAD of an account', 'malformed', /HEAD is not/, bent({ method: 'HEAD' }), 405),
  row('a method in small letters', 'malformed', /post is not/, bent({ method: 'post' }), 405),
  row('no method', 'malformed', /is not allowed/, bent({ method: '' }), 405),
  row('GET of new-order', 'malformed', /GET is not/, asked('GET', '/acme/new-order'), 405),
  row('GET of a challenge', 'malformed', /GET is not/, asked('GET', '/acme/chall/x/http-01'), 405),
  row('GET of a certificate', 'malformed', /GET is not/, asked('GET', '/acme/cert/00'), 405),
  row('POST to the directory', 'malformed', /use GET/, asked('POST', '/acme/directory'), 405),
  row('POST to new-nonce', 'malformed', /use GET/, asked('POST', '/acme/new-nonce'), 405),
  row('POST to the revocation list', 'malformed', /use GET/, asked('POST', '/ca/crl'), 405),
  row('PUT to the root', 'malformed', /use GET/, asked('PUT', '/ca/root'), 405),

  row('an empty target', 'malformed', /nothing here/, asked('POST', ''), 404),
  row('the target of a whole server', 'malformed', /nothing here/, asked('POST', '*'), 404),
  row(
    'a target without its slash',
    'malformed',
    /nothing here/,
    asked('POST', 'acme/new-order'),
    404,
  ),
  row(
    'an absolute target',
    'malformed',
    /nothing/,
    asked('POST', 'https://ca.test/acme/new-order'),
    404,
  ),
  row('the bare prefix', 'malformed', /nothing here/, asked('GET', '/acme'), 404),
  row(
    'a resource that is unknown',
    'malformed',
    /nothing here/,
    asked('GET', '/acme/new-cert'),
    404,
  ),
  row('a slash too many', 'malformed', /nothing here/, asked('POST', '/acme/new-order/'), 404),
  row('a path that climbs', 'malformed', /nothing/, asked('GET', '/acme/../acme/directory'), 404),
  row('an escaped slash', 'malformed', /nothing here/, asked('POST', '/acme/order%2Fx'), 404),
  row('an id of strange letters', 'malformed', /nothing here/, asked('POST', '/acme/order/ä'), 404),
  row(
    'an id far too long',
    'malformed',
    /nothing/,
    asked('POST', `/acme/order/${'x'.repeat(9_999)}`),
    404,
  ),
  row(
    'a path of ten thousand segments',
    'malformed',
    /nothing/,
    asked('POST', '/x'.repeat(10_000)),
    404,
  ),
  row(
    'a list of a CA that is unknown',
    'malformed',
    /no such CA/,
    asked('GET', '/ca/other/crl'),
    404,
  ),
];
