// Malformed payloads of accounts, key changes, authorizations, challenges and revocations
// (RFC 8555 §7.3, §7.3.4, §7.3.5, §7.4.1, §7.5, §7.6).

import { toBase64Url, toUtf8 } from '../../bytes.ts';
import { type JsonBody, path } from '../client.ts';
import { type Row, row, type Scene, SECRET } from './scene.ts';

const ORDER = '/acme/new-order';
const text = (payload: string) => (scene: Scene) => scene.payload(ORDER, payload);
const registration = (payload: JsonBody) => (scene: Scene) => scene.registration(payload);
const contact = (entry: unknown) => registration({ contact: [entry] });
const update = (payload: JsonBody) => (scene: Scene) => scene.signed(scene.account, payload);
const revocation = (change: JsonBody) => (scene: Scene) => {
  return scene.signed('/acme/revoke-cert', { certificate: scene.der, ...change });
};
const binding = (make: (scene: Scene) => unknown) => (scene: Scene) => {
  return scene.registration({ externalAccountBinding: make(scene) });
};
const keyChange =
  (header: JsonBody, payload: JsonBody = {}) =>
  (scene: Scene) => {
    const inner = scene.client.keyChange(scene.stranger, header, payload);
    return scene.signed('/acme/key-change', inner);
  };

const FORM: readonly Row[] = [
  row('a payload that is no JSON', 'malformed', /payload is not valid JSON/, text('{')),
  row('a payload that is a list', 'malformed', /payload is not a JSON object/, text('[]')),
  row('a payload that is text', 'malformed', /payload is not a JSON object/, text('""')),
  row('a payload that is null', 'malformed', /payload is not a JSON object/, text('null')),
  row('a payload of one space', 'malformed', /payload is not valid JSON/, text(' ')),
  row('a payload that repeats', 'malformed', /payload repeats/, text('{"a":1,"a":2}')),
  row(
    'a payload nested too deep',
    'malformed',
    /payload is nested/,
    text('{"a":[[[[[[[[[]]]]]]]]]}'),
  ),
  row('a payload with NUL', 'malformed', /NUL/, text('{"identifiers":"\\u0000"}')),
  row('a payload with half a surrogate', 'malformed', /surrogate/, text('{"a":"\\udc00"}')),
  row('a payload with 1e999', 'malformed', /number too large/, text('{"a":1e999}')),
  row('a payload where none may be', 'malformed', /payload must be empty/, (scene) => {
    return scene.signed(`${scene.account}/orders`, {});
  }),
  row('no payload where one is needed', 'malformed', /needs a JSON object/, (scene) => {
    return scene.signed(ORDER, undefined);
  }),
  row('a page of the orders of another account', 'unauthorized', /another account/, (scene) => {
    return scene.signed(`${path(scene.other.kid)}/orders?after=a`, undefined);
  }),
];

const ACCOUNT: readonly Row[] = [
  row('contacts as text', 'malformed', /"contact" must/, registration({ contact: 'mailto:a@b.c' })),
  row('contacts that are null', 'malformed', /"contact" must/, registration({ contact: null })),
  row('contacts that are an object', 'malformed', /"contact" must/, registration({ contact: {} })),
  row('a contact that is a number', 'malformed', /array of strings/, contact(7)),
  row('a contact that is null', 'malformed', /array of strings/, contact(null)),
  row('an empty contact', 'invalidContact', /no URL/, contact('')),
  row('a contact without scheme', 'invalidContact', /no URL/, contact('a@example.com')),
  row('a telephone', 'unsupportedContact', /"tel"/, contact('tel:+1')),
  row('a mailto without address', 'invalidContact', /one address/, contact('mailto:')),
  row('a mailto of two addresses', 'invalidContact', /one address/, contact('mailto:a@b,c@d')),
  row('a mailto with a subject', 'invalidContact', /one address/, contact('mailto:a@b?subject=x')),
  row('a mailto with a line end', 'invalidContact', /one address/, contact('mailto:a@b\nc')),
  row(
    'a mailto of 400 letters',
    'invalidContact',
    /address/,
    contact(`mailto:${'a'.repeat(400)}@b`),
  ),
  row('a hundred contacts', 'invalidContact', /at most/, (scene) => {
    return scene.registration({ contact: new Array(100).fill('mailto:a@b') });
  }),
  row('an agreement in text', 'malformed', /"termsOfServiceAgreed" must be/, (scene) => {
    return scene.signed(scene.account, { termsOfServiceAgreed: 'true' });
  }),
  row(
    'onlyReturnExisting as a number',
    'malformed',
    /"onlyReturnExisting"/,
    registration({ onlyReturnExisting: 1 }),
  ),
  row(
    'onlyReturnExisting without an account',
    'accountDoesNotExist',
    /no account/,
    registration({ onlyReturnExisting: true }),
  ),
  row(
    'an account revoked by its client',
    'malformed',
    /"deactivated"/,
    update({ status: 'revoked' }),
  ),
  row('an account status that is null', 'malformed', /"status" must be/, update({ status: null })),
  row('a bad contact in an update', 'invalidContact', /no URL/, update({ contact: ['x'] })),
  row('an update of another account', 'unauthorized', /another account/, (scene) => {
    return scene.signed(path(scene.other.kid), { contact: [] });
  }),

  row(
    'a binding that is text',
    'malformed',
    /not a JWS object/,
    binding(() => 'x'),
  ),
  row(
    'a binding that is null',
    'malformed',
    /not a JWS object/,
    binding(() => null),
  ),
  row(
    'a binding with an unknown key',
    'unauthorized',
    /unknown/,
    binding(({ stranger }) => stranger.binding('key-2', SECRET)),
  ),
  row(
    'a binding with a wrong secret',
    'unauthorized',
    /not verify/,
    binding(({ stranger }) => stranger.binding('key-1', new Uint8Array(32))),
  ),
  row(
    'a binding of another account key',
    'malformed',
    /another account key/,
    binding(({ other }) => other.binding('key-1', SECRET)),
  ),
  row(
    'a binding for another url',
    'malformed',
    /"url" differ/,
    binding(({ stranger }) => stranger.binding('key-1', SECRET, { url: 'x' })),
  ),
  row(
    'a binding with a nonce',
    'malformed',
    /"nonce"/,
    binding(({ stranger }) => stranger.binding('key-1', SECRET, { nonce: 'AA' })),
  ),
  row(
    'a binding that is signed',
    'badSignatureAlgorithm',
    /HS256/,
    binding(({ stranger }) => stranger.binding('key-1', SECRET, { alg: 'ES256' })),
  ),
];

const KEY_CHANGE: readonly Row[] = [
  row('a key change without inner JWS', 'malformed', /is missing/, (scene) => {
    return scene.signed('/acme/key-change', {});
  }),
  row(
    'a key change to a key of another account',
    'malformed',
    /another account/,
    (scene) => {
      return scene.signed('/acme/key-change', scene.client.keyChange(scene.other));
    },
    409,
  ),
  row('a key change to the same key', 'malformed', /has already/, (scene) => {
    return scene.signed('/acme/key-change', scene.client.keyChange(scene.client));
  }),
  row(
    'a key change for another account',
    'malformed',
    /"account" of the inner/,
    keyChange({}, { account: 'x' }),
  ),
  row(
    'a key change without account',
    'malformed',
    /"account" of the inner/,
    keyChange({}, { account: undefined }),
  ),
  row('a key change from another key', 'malformed', /"oldKey"/, keyChange({}, { oldKey: {} })),
  row('a key change from null', 'malformed', /"oldKey"/, keyChange({}, { oldKey: null })),
  row('an inner JWS with a nonce', 'malformed', /"nonce"/, keyChange({ nonce: 'AAAA' })),
  row('an inner JWS for another url', 'malformed', /"url" differ/, keyChange({ url: 'x' })),
  row('an inner JWS with kid', 'malformed', /not both/, keyChange({ kid: 'x' })),
  row('an inner JWS with a MAC', 'badSignatureAlgorithm', /HS256/, keyChange({ alg: 'HS256' })),
  row('an inner JWS with a broken key', 'badPublicKey', /./, keyChange({ jwk: { kty: 'EC' } })),
];

const AUTHORIZATION: readonly Row[] = [
  row('a wildcard to pre-authorize', 'rejectedIdentifier', /wildcards/, (scene) => {
    return scene.signed('/acme/new-authz', { identifier: { type: 'dns', value: '*.a.example' } });
  }),
  row('nothing to pre-authorize', 'malformed', /an identifier is an object/, (scene) => {
    return scene.signed('/acme/new-authz', {});
  }),
  row('an authorization made valid by its client', 'malformed', /"deactivated"/, (scene) => {
    return scene.signed(scene.authorization, { status: 'valid' });
  }),
  row('an authorization update without status', 'malformed', /"deactivated"/, (scene) => {
    return scene.signed(scene.authorization, {});
  }),
  row(
    'an authorization that is unknown',
    'malformed',
    /no such authorization/,
    (scene) => {
      return scene.signed('/acme/authz/none', undefined);
    },
    404,
  ),
  row(
    'a challenge of no authorization',
    'malformed',
    /no such authorization/,
    (scene) => {
      return scene.signed('/acme/chall/none/http-01', {});
    },
    404,
  ),
  row(
    'a challenge of no type',
    'malformed',
    /no such challenge/,
    (scene) => {
      return scene.signed(`${scene.authorization.replace('authz', 'chall')}/http-02`, {});
    },
    404,
  ),
  row('a challenge answered with a list', 'malformed', /not a JSON object/, (scene) => {
    return scene.payload(`${scene.authorization.replace('authz', 'chall')}/http-01`, '[]');
  }),
];

const REVOCATION: readonly Row[] = [
  row(
    'no certificate to revoke',
    'malformed',
    /"certificate" must/,
    revocation({ certificate: undefined }),
  ),
  row(
    'a certificate that is a number',
    'malformed',
    /"certificate" must/,
    revocation({ certificate: 1 }),
  ),
  row('a certificate in PEM', 'malformed', /"certificate" must/, (scene) => {
    return scene.signed('/acme/revoke-cert', { certificate: scene.pem });
  }),
  row('an empty certificate', 'malformed', /no certificate/, revocation({ certificate: '' })),
  row(
    'octets that are no certificate',
    'malformed',
    /no certificate/,
    revocation({ certificate: 'AAAA' }),
  ),
  row(
    'a certificate of another CA',
    'malformed',
    /not issued here/,
    (scene) => {
      const facts = { serial: '99', spkiHash: 'x', notBeforeMs: 0, notAfterMs: 0 };
      const certificate = toBase64Url(toUtf8(JSON.stringify(facts)));
      return scene.signed('/acme/revoke-cert', { certificate });
    },
    404,
  ),
  row('reason 7', 'badRevocationReason', /reason/, revocation({ reason: 7 })),
  row(
    'reason 8, which takes revocations back',
    'badRevocationReason',
    /reason/,
    revocation({ reason: 8 }),
  ),
  row('reason 11', 'badRevocationReason', /reason/, revocation({ reason: 11 })),
  row('a reason below zero', 'badRevocationReason', /reason/, revocation({ reason: -1 })),
  row('half a reason', 'badRevocationReason', /reason/, revocation({ reason: 0.5 })),
  row('a reason in text', 'badRevocationReason', /reason/, revocation({ reason: 'keyCompromise' })),
  row('a reason that is null', 'badRevocationReason', /reason/, revocation({ reason: null })),
  row('a revocation by a key of nobody', 'unauthorized', /key of this certificate/, (scene) => {
    const target = '/acme/revoke-cert';
    const bend = { header: { jwk: scene.stranger.jwk } };
    const jws = scene.stranger.jws(target, { certificate: scene.der }, bend);
    return scene.body(target, JSON.stringify(jws));
  }),
  row('a revocation by a stranger', 'unauthorized', /neither ordered/, (scene) => {
    const target = '/acme/revoke-cert';
    const jws = scene.other.jws(target, { certificate: scene.der });
    return scene.body(target, JSON.stringify(jws));
  }),
];

export const PAYLOAD: readonly Row[] = [
  ...FORM,
  ...ACCOUNT,
  ...KEY_CHANGE,
  ...AUTHORIZATION,
  ...REVOCATION,
];
