// Malformed protected headers (RFC 8555 §6.2, §6.4, §6.5; RFC 7515 §4).

import { BASE_URL } from '../rig.ts';
import { type Row, row, type Scene } from './scene.ts';

const headed = (header: object) => (scene: Scene) => scene.headed(header);
const raw = (header: string) => (scene: Scene) => scene.raw(scene.account, header);
const keyed = (change: object) => (scene: Scene) => {
  return scene.registration({}, { jwk: { ...scene.stranger.jwk, ...change } });
};

export const HEADER: readonly Row[] = [
  row('a header that is no JSON', 'malformed', /header is not valid JSON/, raw('alg: ES256')),
  row('a header that is a list', 'malformed', /header is not a JSON object/, raw('["ES256"]')),
  row('a header that is null', 'malformed', /header is not a JSON object/, raw('null')),
  row('a header nested too deep', 'malformed', /header is nested/, raw(`{"a":${'['.repeat(99)}`)),
  row('a header that repeats alg', 'malformed', /repeats a member/, (scene) => {
    const text = JSON.stringify(scene.header(scene.account));
    return scene.raw(scene.account, text.replace('{', '{"alg":"none",'));
  }),
  row('no alg', 'malformed', /"alg" is missing/, headed({ alg: undefined })),
  row('an alg that is a number', 'malformed', /"alg" .* not a string/, headed({ alg: 256 })),
  row('an alg that is a list', 'malformed', /"alg" .* not a string/, headed({ alg: ['ES256'] })),
  row('alg none', 'badSignatureAlgorithm', /"none"/, headed({ alg: 'none' })),
  row('alg None', 'badSignatureAlgorithm', /"None"/, headed({ alg: 'None' })),
  row('a MAC', 'badSignatureAlgorithm', /"HS256"/, headed({ alg: 'HS256' })),
  row('an algorithm in small letters', 'badSignatureAlgorithm', /ES256/, headed({ alg: 'es256' })),
  row('an algorithm that is unknown', 'badSignatureAlgorithm', /ES256/, headed({ alg: 'ES256K' })),
  row('an empty algorithm', 'badSignatureAlgorithm', /ES256/, headed({ alg: '' })),
  row(
    'an algorithm of every object',
    'badSignatureAlgorithm',
    /ES256/,
    headed({ alg: 'toString' }),
  ),
  row('an algorithm of another key', 'malformed', /key signs with ES256/, headed({ alg: 'RS256' })),
  row('an algorithm of another curve', 'malformed', /signs with ES256/, headed({ alg: 'ES384' })),

  row('a critical extension', 'malformed', /"crit"/, headed({ crit: ['exp'], exp: 1 })),
  row('an empty list of extensions', 'malformed', /"crit"/, headed({ crit: [] })),
  row('unencoded payloads', 'malformed', /"b64"/, headed({ b64: false })),

  row('no nonce', 'badNonce', /no nonce/, headed({ nonce: undefined })),
  row('a nonce that is a number', 'malformed', /"nonce" .* not a string/, headed({ nonce: 5 })),
  row('a nonce with padding', 'malformed', /"nonce" is not base64url/, headed({ nonce: 'AA==' })),
  row('a nonce with a space', 'malformed', /"nonce" is not base64url/, headed({ nonce: 'A A' })),
  row('an empty nonce', 'badNonce', /not of ours/, headed({ nonce: '' })),
  row('a nonce of another server', 'badNonce', /not of ours/, headed({ nonce: 'x'.repeat(60) })),
  row(
    'a nonce of 40,000 letters',
    'badNonce',
    /not of ours/,
    headed({ nonce: 'x'.repeat(40_000) }),
  ),
  row('a nonce that was used', 'badNonce', /used before/, (scene) => {
    return scene.headed({ nonce: scene.usedNonce });
  }),
  row('a nonce with one letter changed', 'badNonce', /not of ours/, (scene) => {
    const nonce = scene.client.nonce();
    const letter = nonce.startsWith('A') ? 'B' : 'A';
    return scene.headed({ nonce: letter + nonce.slice(1) });
  }),

  row('no url', 'malformed', /"url" is missing/, headed({ url: undefined })),
  row('a url that is a list', 'malformed', /"url" .* not a string/, headed({ url: [BASE_URL] })),
  row('an empty url', 'unauthorized', /"url" is ""/, headed({ url: '' })),
  row('the url of another resource', 'unauthorized', /"url" is/, headed({ url: `${BASE_URL}/x` })),
  row('the url of another server', 'unauthorized', /other\.test/, (scene) => {
    return scene.headed({ url: scene.client.kid.replace('ca.test', 'other.test') });
  }),
  row('a url with a query the request has not', 'unauthorized', /\?a=b/, (scene) => {
    return scene.headed({ url: `${scene.client.kid}?a=b` });
  }),
  row(
    'a url of 50,000 letters',
    'unauthorized',
    /"url" is "a{200}"/,
    headed({ url: 'a'.repeat(50_000) }),
  ),

  row('neither kid nor jwk', 'malformed', /"jwk" or "kid"/, headed({ kid: undefined })),
  row('both kid and jwk', 'malformed', /not both/, (scene) => {
    return scene.headed({ kid: scene.client.kid, jwk: scene.client.jwk });
  }),
  row('a kid that is an object', 'malformed', /"kid" .* not a string/, headed({ kid: {} })),
  row('an empty kid', 'accountDoesNotExist', /not an account URL/, headed({ kid: '' })),
  row(
    'the kid of no account',
    'accountDoesNotExist',
    /account URL/,
    headed({ kid: `${BASE_URL}/acme/account/x` }),
  ),
  row('the kid of another server', 'accountDoesNotExist', /account URL/, (scene) => {
    return scene.headed({ kid: scene.client.kid.replace('ca.test', 'other.test') });
  }),
  row('a bare account id as kid', 'accountDoesNotExist', /account URL/, (scene) => {
    return scene.headed({ kid: scene.client.kid.split('/').at(-1) });
  }),
  row('a jwk where kid is needed', 'malformed', /"kid", not "jwk"/, (scene) => {
    return scene.headed({ kid: undefined, jwk: scene.client.jwk });
  }),
  row('a kid where jwk is needed', 'malformed', /"jwk", not "kid"/, (scene) => {
    return scene.signed('/acme/new-account', {});
  }),

  row('a jwk that is text', 'malformed', /"jwk" is not an object/, (scene) => {
    return scene.registration({}, { jwk: 'key' });
  }),
  row('a jwk that is null', 'malformed', /"jwk" is not an object/, (scene) => {
    return scene.registration({}, { jwk: null });
  }),
  row('an empty jwk', 'badPublicKey', /./, (scene) => scene.registration({}, { jwk: {} })),
  row('a key of an unknown kind', 'badPublicKey', /./, keyed({ kty: 'XX' })),
  row('a symmetric key', 'badPublicKey', /./, keyed({ kty: 'oct', k: 'AAAA' })),
  row('a curve that is unknown', 'badPublicKey', /./, keyed({ crv: 'P-192' })),
  row('a curve that does not fit', 'badPublicKey', /./, keyed({ crv: 'P-384' })),
  row('a key without y', 'badPublicKey', /./, keyed({ y: undefined })),
  row('a point off the curve', 'badPublicKey', /./, keyed({ y: 'A'.repeat(43) })),
  row('a coordinate with padding', 'badPublicKey', /./, keyed({ x: `${'A'.repeat(43)}=` })),
  row('a coordinate that is a number', 'badPublicKey', /./, keyed({ x: 7 })),
  row('a private key', 'badPublicKey', /./, keyed({ d: 'A'.repeat(43) })),
  row('an RSA key of 512 bits', 'badPublicKey', /./, (scene) => {
    return scene.registration(
      {},
      { alg: 'RS256', jwk: { kty: 'RSA', n: 'w'.repeat(86), e: 'AQAB' } },
    );
  }),
  row('an Ed25519 key of zeros and no more', 'badPublicKey', /./, (scene) => {
    return scene.registration({}, { alg: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' } });
  }),
];
