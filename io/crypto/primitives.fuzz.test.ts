import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOuter, parsePayload, verifyJws } from '../../core/acme/jws.ts';
import { Problem, problem } from '../../core/acme/problem.ts';
import type { Jwk } from '../../core/primitives.ts';
import { createPrimitives } from './primitives.ts';

const primitives = createPrimitives({
  readCsr: () => ({ ok: false, reason: 'not part of this test' }),
  readCertificate: () => ({ ok: false, reason: 'not part of this test' }),
});

const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

interface Signer {
  readonly alg: string;
  readonly jwk: Jwk;
  readonly sign: (message: string) => Buffer;
}

function signers(): Signer[] {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ed = generateKeyPairSync('ed25519');
  const jwkOf = (key: KeyObject): Jwk => key.export({ format: 'jwk' }) as unknown as Jwk;
  const raw = { key: ec.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return [
    {
      alg: 'ES256',
      jwk: jwkOf(ec.publicKey),
      sign: (text) => sign('sha256', Buffer.from(text), raw),
    },
    {
      alg: 'RS256',
      jwk: jwkOf(rsa.publicKey),
      sign: (text) => sign('sha256', Buffer.from(text), rsa.privateKey),
    },
    {
      alg: 'EdDSA',
      jwk: jwkOf(ed.publicKey),
      sign: (text) => sign(null, Buffer.from(text), ed.privateKey),
    },
  ];
}

function request({ alg, jwk, sign: signText }: Signer, serial: number): string {
  const url = 'https://ca.test/acme/new-account';
  const header = { alg, nonce: base64Url(Buffer.from(`nonce ${serial}`)), url, jwk };
  const encodedHeader = base64Url(Buffer.from(JSON.stringify(header)));
  const payload = base64Url(
    Buffer.from(JSON.stringify({ contact: [`mailto:ü${serial}@ca.test`] })),
  );
  const signature = base64Url(signText(`${encodedHeader}.${payload}`));
  return JSON.stringify({ protected: encodedHeader, payload, signature });
}

/** What a handler would act on, or the Problem the client gets. Anything else escapes. */
function outcome(body: string): unknown {
  try {
    const jws = parseOuter(body);
    const key = primitives.readKey(jws.jwk);
    if (!key.ok) throw problem('badPublicKey', key.reason);
    verifyJws(jws, key.value.jwk, primitives);
    const { alg, url, nonce, kid } = jws;
    return { alg, url, nonce, kid, key: key.value, payload: parsePayload(jws) };
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/** Numbers below `bound` from a seed: the same mutations on every machine. */
function drawer(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const FRAGMENTS = [
  ...[
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    ' ',
    '\n',
    '=',
    '-',
    '_',
    '+',
    '/',
    'A',
    '0',
    'é',
    '\u0000',
  ],
  ...['"header":{},', '"signatures":[],', '"payload":"",', '"protected":"e30",', '\\u0061', 'null'],
  ...['"extra":1,', '\ud800', '{"', '"}'],
];

const HEADER_CHANGES = [
  { alg: 'none' },
  { alg: 'HS256' },
  { alg: 'ES384' },
  { crit: ['b64'], b64: false },
  { nonce: '' },
  { nonce: undefined },
  { url: 'https://ca.test/' },
  { kid: 'https://ca.test/acme/account/1' },
  { jwk: { kty: 'oct', k: 'AQ' } },
  { jwk: { kty: 'EC', crv: 'P-256', x: 'AQ', y: 'AQ' } },
];

/** One changed body: text surgery, a foreign part, or a header rewritten without signing again. */
function mutate(body: string, other: string, draw: (bound: number) => number): string {
  const at = draw(body.length);
  const fragment = FRAGMENTS[draw(FRAGMENTS.length)]!;
  const parts = JSON.parse(body) as { [name: string]: string };
  const names = ['protected', 'payload', 'signature'] as const;
  const [name, source] = [names[draw(3)]!, names[draw(3)]!];
  switch (draw(8)) {
    case 0:
      return body.slice(0, at) + fragment + body.slice(at);
    case 1:
      return body.slice(0, at) + fragment + body.slice(at + fragment.length);
    case 2:
      return body.slice(0, at) + body.slice(at + 1 + draw(8));
    case 3:
      return body.slice(0, at) + body.slice(draw(body.length));
    case 4:
      return JSON.stringify(
        { ...parts, [name]: (JSON.parse(other) as typeof parts)[source] },
        null,
        draw(3),
      );
    case 5:
      return JSON.stringify({ ...parts, [name]: flipBit(parts[name]!, draw) });
    case 6: {
      const header = JSON.parse(Buffer.from(parts['protected']!, 'base64url').toString()) as object;
      const changed = { ...header, ...HEADER_CHANGES[draw(HEADER_CHANGES.length)] };
      return JSON.stringify({
        ...parts,
        protected: base64Url(Buffer.from(JSON.stringify(changed))),
      });
    }
    default:
      return JSON.stringify(Object.fromEntries(Object.entries(parts).reverse()), null, draw(3));
  }
}

function flipBit(text: string, draw: (bound: number) => number): string {
  const bytes = Buffer.from(text, 'base64url');
  bytes[draw(bytes.length)]! ^= 1 << draw(8);
  return base64Url(bytes);
}

test('RFC 8555 §6.2: of 9,000 damaged requests each is a problem, or says what was signed', () => {
  const draw = drawer(42);
  const seen = new Map<string, number>();
  for (const signer of signers()) {
    const [body, other] = [request(signer, 1), request(signer, 2)];
    const genuine = outcome(body);
    assert.not.instance(genuine, Problem);
    for (let i = 0; i < 3000; i++) {
      const changed = mutate(body, other, draw);
      const result = outcome(changed);
      if (!(result instanceof Problem)) assert.equal(result, genuine, changed);
      const kind = result instanceof Problem ? result.type : 'genuine';
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }
  }
  for (const kind of [
    'genuine',
    'malformed',
    'badSignatureAlgorithm',
    'badPublicKey',
    'badNonce',
  ]) {
    assert.ok((seen.get(kind) ?? 0) > 20, `${kind}: ${seen.get(kind)}`);
  }
});

test('a request of many levels, or of one long string, is refused in time linear in its length', () => {
  const before = process.hrtime.bigint();
  for (const body of [
    '{"a":'.repeat(13_000),
    `{"a":"${'\\'.repeat(65_000)}`,
    `{"a":"${'\\"'.repeat(32_000)}"}`,
  ]) {
    assert.instance(outcome(body), Problem);
  }
  assert.ok(Number(process.hrtime.bigint() - before) / 1e6 < 500);
});

test.run();
