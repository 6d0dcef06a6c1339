// Malformed bodies and JWS structure (RFC 7515 §5.2, RFC 8555 §6.1, §6.2), and what HTTP adds.

import { toBase64Url } from '../../bytes.ts';
import { type Row, row, type Scene } from './scene.ts';

const text = (body: string) => (scene: Scene) => scene.body(scene.account, body);
const BAD_UTF8 = toBase64Url(Uint8Array.of(0xc3, 0x28));

export const ENVELOPE: readonly Row[] = [
  row('an empty body', 'malformed', /not valid JSON/, text('')),
  row('a body of spaces', 'malformed', /not valid JSON/, text('   ')),
  row('a body that is no JSON', 'malformed', /not valid JSON/, text('protected=x&payload=y')),
  row('a compact JWS', 'malformed', /not valid JSON/, text('e30.e30.AAAA')),
  row('a body cut short', 'malformed', /not valid JSON/, text('{"protected":"e30","payl')),
  row('a body with something after it', 'malformed', /not valid JSON/, text('{}{}')),
  row('a body with a byte order mark', 'malformed', /not valid JSON/, text('\ufeff{}')),
  row('a body that is null', 'malformed', /not a JSON object/, text('null')),
  row('a body that is a number', 'malformed', /not a JSON object/, text('1')),
  row('a body that is a text', 'malformed', /not a JSON object/, text('"e30"')),
  row('a body that is an array', 'malformed', /not a JSON object/, text('[{}]')),
  row('an empty object', 'malformed', /"protected" is missing/, text('{}')),
  row('a body nested too deep', 'malformed', /nested deeper/, text('['.repeat(9) + ']'.repeat(9))),
  row('a body nested absurdly', 'malformed', /nested deeper/, text('['.repeat(50_000))),
  row('a body with an infinite number', 'malformed', /number too large/, text('{"a":1e999}')),
  row('a body with NUL', 'malformed', /NUL character/, text('{"a":"\\u0000"}')),
  row('a body with half a surrogate', 'malformed', /surrogate/, text('{"a":"\\ud800"}')),
  row('a repeated member', 'malformed', /repeats a member/, (scene) => {
    const { body } = scene.jws({});
    return scene.body(scene.account, String(body).replace('{', '{"payload":"e30",'));
  }),
  row('a repeated member in other writing', 'malformed', /repeats a member/, (scene) => {
    const { body } = scene.jws({});
    return scene.body(scene.account, String(body).replace('{', '{"payl\\u006fad":"e30",'));
  }),

  row('no protected header', 'malformed', /"protected" is missing/, (scene) => {
    return scene.jws({ protected: undefined });
  }),
  row('no payload', 'malformed', /"payload" is missing/, (s) => s.jws({ payload: undefined })),
  row('no signature', 'malformed', /"signature" is missing/, (s) =>
    s.jws({ signature: undefined }),
  ),
  row('an encoded payload that is null', 'malformed', /"payload" is missing/, (s) =>
    s.jws({ payload: null }),
  ),
  row('a payload that is an object', 'malformed', /"payload" .*not a string/, (scene) => {
    return scene.jws({ payload: {} });
  }),
  row('a signature that is an array', 'malformed', /"signature" .*not a string/, (scene) => {
    return scene.jws({ signature: ['AAAA'] });
  }),
  row('an empty signature', 'malformed', /"signature" is empty/, (s) => s.jws({ signature: '' })),
  row('a signature of one octet', 'malformed', /not verify/, (s) => s.jws({ signature: 'AA' })),
  row('a signature of zeros', 'malformed', /not verify/, (s) =>
    s.jws({ signature: 'A'.repeat(86) }),
  ),
  row('a signature of 48,000 octets', 'malformed', /not verify/, (scene) => {
    return scene.jws({ signature: 'A'.repeat(64_000) });
  }),
  row('padding behind the payload', 'malformed', /"payload" is not unpadded/, (scene) => {
    return scene.jws({ payload: 'e30=' });
  }),
  row('padding behind the header', 'malformed', /"protected" is not unpadded/, (scene) => {
    return scene.jws({ protected: 'e30=' });
  }),
  row('the alphabet of plain base64', 'malformed', /"signature" is not unpadded/, (scene) => {
    return scene.jws({ signature: '+/+/' });
  }),
  row('a line end inside base64url', 'malformed', /"signature" is not unpadded/, (scene) => {
    return scene.jws({ signature: 'AA\nAA' });
  }),
  row('an impossible length of base64url', 'malformed', /"payload" is not unpadded/, (scene) => {
    return scene.jws({ payload: 'e30e3' });
  }),
  row('bits left over in base64url', 'malformed', /"payload" is not unpadded/, (scene) => {
    return scene.jws({ payload: 'e31' });
  }),
  row('a header that is not UTF-8', 'malformed', /"protected" is not UTF-8/, (scene) => {
    return scene.jws({ protected: BAD_UTF8 });
  }),
  row('a payload that is not UTF-8', 'malformed', /"payload" is not UTF-8/, (scene) => {
    return scene.jws({ payload: BAD_UTF8 });
  }),
  row('an empty header', 'malformed', /header is not valid JSON/, (s) => s.jws({ protected: '' })),
  row('an unprotected header', 'malformed', /unprotected "header"/, (scene) => {
    return scene.jws({ header: { kid: scene.other.kid } });
  }),
  row('an unprotected header that is null', 'malformed', /unprotected "header"/, (scene) => {
    return scene.jws({ header: null });
  }),
  row('many signatures', 'malformed', /"signatures" is not allowed/, (scene) => {
    return scene.jws({ signatures: [{ protected: 'e30', signature: 'AAAA' }] });
  }),
  row('no signatures at all in a list', 'malformed', /"signatures" is not allowed/, (scene) => {
    return scene.jws({ signatures: [] });
  }),
  row('a payload that was changed after signing', 'malformed', /not verify/, (scene) => {
    return scene.jws({ payload: 'e30' });
  }),
  row('the signature of another request', 'malformed', /not verify/, (scene) => {
    return scene.jws({ signature: scene.client.jws('/acme/new-order', {})['signature'] });
  }),
  row('the signature of another account', 'malformed', /not verify/, (scene) => {
    const { kid } = scene.client;
    const jws = scene.other.jws(scene.account, undefined, { header: { kid } });
    return scene.body(scene.account, JSON.stringify(jws));
  }),
];
