import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toBase64Url, toUtf8 } from '../bytes.ts';
import type { Jwk, Primitives, Reading } from '../primitives.ts';
import {
  isPostAsGet,
  type Jws,
  parseExternalAccountBinding,
  parseInnerKeyChange,
  parseOuter,
  parsePayload,
  verifyExternalAccountBinding,
  verifyJws,
} from './jws.ts';
import { Problem, type ProblemType } from './problem.ts';

type Members = { readonly [name: string]: unknown };

const URL_OF_REQUEST = 'https://ca.test/acme/new-order';
const JWK = { kty: 'EC', crv: 'P-256', x: 'eA', y: 'eQ' };
const HEADER = {
  alg: 'ES256',
  kid: 'https://ca.test/acme/account/1',
  nonce: 'bm9uY2U',
  url: URL_OF_REQUEST,
};

const encode = (value: unknown): string =>
  toBase64Url(toUtf8(typeof value === 'string' ? value : JSON.stringify(value)));

/** A flattened JWS; `header` and `payload` are JSON unless they are text already. */
function flattened(header: unknown = HEADER, payload: unknown = {}, more: Members = {}): Members {
  const signature = toBase64Url(new Uint8Array(64).fill(7));
  return { protected: encode(header), payload: encode(payload), signature, ...more };
}

function body(header?: unknown, payload?: unknown, more?: Members): string {
  return JSON.stringify(flattened(header, payload, more));
}

function without(members: Members, name: string): Members {
  return Object.fromEntries(Object.entries(members).filter(([other]) => other !== name));
}

function refused(type: ProblemType, detail: RegExp, action: () => unknown): Problem {
  try {
    action();
  } catch (error) {
    assert.instance(error, Problem);
    assert.is((error as Problem).type, type, (error as Problem).message);
    assert.match((error as Problem).message, detail);
    return error as Problem;
  }
  return assert.unreachable(`expected ${type} ${detail}`) as never;
}

const malformed = (detail: RegExp, text: string): Problem =>
  refused('malformed', detail, () => parseOuter(text));

// The form of the body

test('RFC 8555 §6.2: a body that is not a JSON object is malformed', () => {
  malformed(/not valid JSON/, '');
  malformed(/not valid JSON/, Object.values(flattened()).join('.'));
  for (const text of ['[]', 'null', '"a"', '1']) malformed(/not a JSON object/, text);
});

test('RFC 8555 §6.2: the general serialization with many signatures is malformed', () => {
  const { payload, ...rest } = flattened() as { payload: string };
  malformed(/"signatures" is not allowed/, JSON.stringify({ payload, signatures: [rest] }));
  malformed(/"signatures" is not allowed/, body(HEADER, {}, { signatures: [] }));
});

test('RFC 8555 §6.2: an unprotected header is malformed, also an empty one', () => {
  malformed(/unprotected "header"/, body(HEADER, {}, { header: { kid: 'x' } }));
  malformed(/unprotected "header"/, body(HEADER, {}, { header: {} }));
  malformed(/unprotected "header"/, body(HEADER, {}, { header: null }));
});

test('RFC 8555 §6.2: a detached payload, and any missing or non-string part, is malformed', () => {
  for (const name of ['protected', 'payload', 'signature']) {
    const detail = new RegExp(`"${name}" is missing or not a string`);
    malformed(detail, JSON.stringify(without(flattened(), name)));
    for (const value of [null, 1, {}, ['a']])
      malformed(detail, body(HEADER, {}, { [name]: value }));
  }
});

test('RFC 7515 §4: a repeated member is malformed in the body, the header and the payload', () => {
  const text = body();
  malformed(/request body repeats a member/, `{"payload":"",${text.slice(1)}`);
  malformed(/request body repeats a member/, `{"pay\\u006coad":"",${text.slice(1)}`);
  const header = JSON.stringify(HEADER);
  malformed(/protected header repeats/, body(`{"alg":"none",${header.slice(1)}`));
  malformed(/protected header repeats/, body(`{"url":"x",${header.slice(1)}`));
  const jwk = '{"kty":"EC","kty":"RSA"}';
  malformed(/protected header repeats/, body(`{"alg":"ES256","nonce":"","url":"u","jwk":${jwk}}`));
  refused('malformed', /payload repeats/, () =>
    parsePayload(parseOuter(body(HEADER, '{"a":1,"a":2}'))),
  );
});

test('RFC 7515 §7.2.1: other members of the body are ignored', () => {
  assert.is(parseOuter(body(HEADER, {}, { extra: { alg: 'none' } })).alg, 'ES256');
});

test('RFC 8555 §6.1: padded or otherwise improper base64url is malformed', () => {
  for (const name of ['protected', 'payload', 'signature']) {
    const detail = new RegExp(`"${name}" is not unpadded base64url`);
    for (const text of ['e30=', 'e3+', 'e3/', 'e3 0', 'e', 'e31', 'é']) {
      malformed(detail, body(HEADER, {}, { [name]: text }));
    }
  }
});

test('RFC 7515 §5.2: an empty signature is malformed', () => {
  malformed(/"signature" is empty/, body(HEADER, {}, { signature: '' }));
});

test('RFC 7515 §5.2: a protected header that is not a UTF-8 JSON object is malformed', () => {
  malformed(
    /"protected" is not UTF-8/,
    body(HEADER, {}, { protected: toBase64Url(Uint8Array.of(0xc3, 0x28)) }),
  );
  malformed(/header is not valid JSON/, body(HEADER, {}, { protected: '' }));
  malformed(/header is not valid JSON/, body('{"alg":'));
  malformed(/header is not a JSON object/, body('["ES256"]'));
  malformed(/header is nested deeper/, body(`{"jwk":${'['.repeat(9)}${']'.repeat(9)}}`));
});

test('RFC 7515 §3: a payload that is not UTF-8 is malformed, for ACME payloads are JSON', () => {
  malformed(
    /"payload" is not UTF-8/,
    body(HEADER, {}, { payload: toBase64Url(Uint8Array.of(0xff)) }),
  );
});

// The protected header

test('RFC 8555 §6.2: `none` and MAC algorithms are refused, naming what is supported', () => {
  for (const alg of ['none', 'HS256', 'HS384', 'HS512']) {
    const { extras } = refused('badSignatureAlgorithm', /is not one of ES256/, () =>
      parseOuter(body({ ...HEADER, alg })),
    );
    assert.is(extras.algorithms?.[0], 'ES256');
    assert.not(extras.algorithms?.includes(alg));
  }
});

test('RFC 8555 §6.2: an unsupported algorithm is badSignatureAlgorithm with `algorithms`', () => {
  for (const alg of ['RS512', 'ES256K', 'constructor', '', 'es256']) {
    const { extras, status } = refused('badSignatureAlgorithm', /is not one of/, () =>
      parseOuter(body({ ...HEADER, alg })),
    );
    assert.is(status, 400);
    assert.ok(extras.algorithms?.includes('EdDSA'));
  }
});

test('RFC 8555 §6.2: `alg` and `url` are required strings', () => {
  for (const name of ['alg', 'url']) {
    const detail = new RegExp(`"${name}" is missing or not a string`);
    malformed(detail, body(without(HEADER, name)));
    for (const value of [null, 1, ['ES256'], {}])
      malformed(detail, body({ ...HEADER, [name]: value }));
  }
});

test('RFC 7515 §4.1.11: `crit` is malformed, whatever it lists', () => {
  for (const crit of [['b64'], ['exp'], [], 'b64', null]) {
    malformed(/"crit"/, body({ ...HEADER, crit }));
  }
});

test('RFC 8555 §6.2: the unencoded payload option of RFC 7797 is malformed', () => {
  for (const b64 of [false, true]) malformed(/"b64" is not allowed/, body({ ...HEADER, b64 }));
});

test('RFC 8555 §6.2: `jwk` and `kid` together, or neither, is malformed', () => {
  malformed(/"jwk" or "kid", and not both/, body({ ...HEADER, jwk: JWK }));
  malformed(/"jwk" or "kid", and not both/, body(without(HEADER, 'kid')));
  malformed(/"jwk" or "kid", and not both/, body({ ...HEADER, jwk: null }));
});

test('RFC 8555 §6.2: a `kid` that is not a string, a `jwk` that is not an object, is malformed', () => {
  for (const kid of [null, 1, {}])
    malformed(/"kid" is missing or not a string/, body({ ...HEADER, kid }));
  const header = without(HEADER, 'kid');
  for (const jwk of [null, 'key', [JWK]])
    malformed(/"jwk" is not an object/, body({ ...header, jwk }));
});

test('RFC 8555 §6.5.2: a nonce that is not base64url is malformed', () => {
  for (const nonce of ['a+b', 'a/b', 'YQ==', 'a b', 'é', 'a\n', null, 7, ['YQ']]) {
    malformed(/"nonce" is/, body({ ...HEADER, nonce }));
  }
});

test('RFC 8555 §6.5: a request without a nonce is badNonce, so that the client gets one', () => {
  refused('badNonce', /has no nonce/, () => parseOuter(body(without(HEADER, 'nonce'))));
});

test('RFC 7515 §4: unknown header parameters are ignored', () => {
  assert.is(
    parseOuter(body({ ...HEADER, typ: 'JOSE', x5c: ['a'], jku: 'https://evil' })).alg,
    'ES256',
  );
});

test('RFC 8555 §6.2: a proper request yields what its signature covers', () => {
  const members = flattened(HEADER, { contact: ['mailto:ö@ca.test'] });
  assert.equal(parseOuter(JSON.stringify(members, null, 2)), {
    ...HEADER,
    payloadText: '{"contact":["mailto:ö@ca.test"]}',
    signingInput: `${members['protected']}.${members['payload']}`,
    signature: new Uint8Array(64).fill(7),
  });
});

test('RFC 8555 §6.2: a request by key yields the key as the client sent it', () => {
  const jws = parseOuter(
    body({ ...without(HEADER, 'kid'), jwk: { ...JWK, use: 'sig', ext: true } }),
  );
  assert.equal(jws.jwk, { ...JWK, use: 'sig', ext: true });
  assert.is(jws.kid, undefined);
});

// The payload

test('RFC 8555 §6.3: an empty payload is POST-as-GET and not the payload {}', () => {
  const empty = parseOuter(body(HEADER, ''));
  assert.ok(isPostAsGet(empty));
  refused('malformed', /payload is empty/, () => parsePayload(empty));
  const braces = parseOuter(body(HEADER, '{}'));
  assert.not(isPostAsGet(braces));
  assert.equal(parsePayload(braces), {});
});

test('RFC 8555 §7: a payload that is not a JSON object is malformed', () => {
  const parse = (payload: string) => () => parsePayload(parseOuter(body(HEADER, payload)));
  for (const text of ['[]', 'null', '"a"', '1'])
    refused('malformed', /not a JSON object/, parse(text));
  for (const text of ['{', ' ', 'x']) refused('malformed', /not valid JSON/, parse(text));
  refused('malformed', /nested deeper/, parse('{"a":'.repeat(9) + '}'.repeat(9)));
  refused('malformed', /NUL character/, parse('{"a":"\\u0000"}'));
});

// The signature

test('RFC 7518 §3: an algorithm that contradicts the key is malformed and never verified', () => {
  const verify = (): boolean => assert.unreachable('verified') as never;
  const jws = parseOuter(body({ ...HEADER, alg: 'RS256' }));
  refused('malformed', /"RS256", but this key signs with ES256/, () =>
    verifyJws(jws, JWK, { verify }),
  );
  const p384 = { ...JWK, crv: 'P-384' };
  refused('malformed', /"ES256", but this key signs with ES384/, () =>
    verifyJws(parseOuter(body()), p384, { verify }),
  );
});

test('RFC 8555 §6.2: a signature that does not verify is malformed', () => {
  refused('malformed', /signature does not verify/, () =>
    verifyJws(parseOuter(body()), JWK, { verify: () => false }),
  );
});

test('RFC 7515 §5.2: the verifier gets algorithm, key, signing input and signature', () => {
  const jws = parseOuter(body());
  const calls: unknown[][] = [];
  const verify: Primitives['verify'] = (...given) => calls.push(given) > 0;
  verifyJws(jws, JWK, { verify });
  assert.equal(calls, [['ES256', JWK, jws.signingInput, jws.signature]]);
});

// Key change

const INNER = { alg: 'ES256', jwk: JWK, url: URL_OF_REQUEST };

function keyChange(header: unknown, payload: unknown = { account: 'a', oldKey: JWK }): Jws {
  return parseOuter(body(HEADER, flattened(header, payload)));
}

test('RFC 8555 §7.3.5: an inner JWS with `kid` instead of `jwk` is malformed', () => {
  const header = { ...without(INNER, 'jwk'), kid: 'k' };
  refused('malformed', /must carry the new key/, () => parseInnerKeyChange(keyChange(header)));
});

test('RFC 8555 §7.3.5: an inner JWS with another `url`, or none, is malformed', () => {
  refused('malformed', /"url" differ/, () =>
    parseInnerKeyChange(keyChange({ ...INNER, url: `${URL_OF_REQUEST}/` })),
  );
  refused('malformed', /"url" is missing/, () =>
    parseInnerKeyChange(keyChange(without(INNER, 'url'))),
  );
});

test('RFC 8555 §7.3.5: an inner JWS with a nonce is malformed', () => {
  refused('malformed', /must not carry a "nonce"/, () =>
    parseInnerKeyChange(keyChange({ ...INNER, nonce: 'YQ' })),
  );
});

test('RFC 8555 §7.3.5: the inner JWS meets the normal requirements otherwise', () => {
  refused('badSignatureAlgorithm', /not one of ES256/, () =>
    parseInnerKeyChange(keyChange({ ...INNER, alg: 'HS256' })),
  );
  refused('malformed', /not valid JSON/, () => parseInnerKeyChange(parseOuter(body(HEADER, ''))));
  refused('malformed', /unprotected/, () =>
    parseInnerKeyChange(parseOuter(body(HEADER, flattened(INNER, {}, { header: {} })))),
  );
});

test('RFC 8555 §7.3.5: a proper inner JWS yields the new key and its payload', () => {
  const inner = parseInnerKeyChange(keyChange(INNER));
  assert.equal(inner.jwk, JWK);
  assert.equal(parsePayload(inner), { account: 'a', oldKey: JWK });
});

// External account binding

const BINDING = { alg: 'HS256', kid: 'eab-1', url: URL_OF_REQUEST };
const OUTER = parseOuter(body());

const bind = (header: unknown, payload: unknown = JWK) =>
  parseExternalAccountBinding(flattened(header, payload) as never, OUTER);

test('RFC 8555 §7.3.4: a binding that is not an object is malformed', () => {
  for (const binding of [null, 'e30', 1, [], true]) {
    refused('malformed', /not a JWS object/, () => parseExternalAccountBinding(binding, OUTER));
  }
});

test('RFC 8555 §7.3.4: a binding signed with anything but a MAC is badSignatureAlgorithm', () => {
  for (const alg of ['ES256', 'none', 'RS256', 'HS1', 'toString']) {
    const { extras } = refused('badSignatureAlgorithm', /HS256/, () => bind({ ...BINDING, alg }));
    assert.equal(extras.algorithms, ['HS256', 'HS384', 'HS512']);
  }
});

test('RFC 8555 §7.3.4: a binding without `kid`, with a nonce or another `url` is malformed', () => {
  const byKey = { ...without(BINDING, 'kid'), jwk: JWK };
  refused('malformed', /must carry a "kid"/, () => bind(byKey));
  refused('malformed', /must not carry a "nonce"/, () => bind({ ...BINDING, nonce: 'YQ' }));
  refused('malformed', /"url" differ/, () => bind({ ...BINDING, url: 'https://ca.test/' }));
  refused('malformed', /"url" is missing/, () => bind(without(BINDING, 'url')));
});

const SECRET = Uint8Array.of(1, 2, 3);

/** Stand-ins: the MAC is always 64 sevens, a key's thumbprint is its x coordinate. */
const standIn = {
  hmac: (_hash: string, key: Uint8Array): Uint8Array =>
    new Uint8Array(64).fill(key === SECRET ? 7 : 8),
  readKey: (jwk: unknown): Reading<{ thumbprint: string; spkiHash: string; jwk: Jwk }> => {
    const { x } = jwk as Jwk;
    if (x === undefined) return { ok: false, reason: 'no x' };
    return { ok: true, value: { thumbprint: x, spkiHash: '', jwk: jwk as Jwk } };
  },
};

test('RFC 8555 §7.3.4: a binding whose MAC does not verify is unauthorized', () => {
  refused('unauthorized', /does not verify/, () =>
    verifyExternalAccountBinding(bind(BINDING), 'eA', Uint8Array.of(1, 2, 3), standIn),
  );
});

test('RFC 8555 §7.3.4: a binding of another key, or of none, is malformed', () => {
  const verify = (payload: unknown) => () =>
    verifyExternalAccountBinding(bind(BINDING, payload), 'eA', SECRET, standIn);
  refused('malformed', /another account key/, verify({ ...JWK, x: 'eQ' }));
  refused('malformed', /another account key/, verify({}));
  refused('malformed', /not valid JSON/, verify(''));
});

test('RFC 8555 §7.3.4: a proper binding passes, with the hash its algorithm names', () => {
  for (const [alg, hash] of Object.entries({ HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' })) {
    const binding = bind({ ...BINDING, alg });
    const seen: unknown[] = [];
    const hmac: Primitives['hmac'] = (name, key, data) => {
      seen.push(name, data);
      return standIn.hmac(name, key);
    };
    verifyExternalAccountBinding(binding, 'eA', SECRET, { ...standIn, hmac });
    assert.equal(seen, [hash, binding.signingInput]);
    assert.is(binding.kid, 'eab-1');
  }
});

test.run();
