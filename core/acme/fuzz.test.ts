import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Input, WebRequest } from '../input.ts';
import { Client, derOf, type JsonBody, path, type Reply, read } from '../testing/client.ts';
import { accepted } from '../testing/expect.ts';
import {
  type Draw,
  generator,
  mutateJson,
  mutateText,
  pick,
  randomJson,
} from '../testing/mutation.ts';
import { BASE_URL, encodeCsr, plainIssue, Rig } from '../testing/rig.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261);
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 20_000);
const JOSE = 'application/jose+json';
const SECRET = new Uint8Array(32).fill(9);

/** A good request: where to, and what. */
interface Template {
  readonly target: string;
  readonly payload: JsonBody | undefined;
  readonly header?: JsonBody;
}

/** One of each request an account can make, all of them good at this moment. */
function templates(client: Client, stranger: Client): readonly Template[] {
  const order = client.order(['a.example.com', '*.b.example.com']).body;
  const ready = client.order(['a.example.com']).body;
  client.prove(ready, 'dns-01');
  const { url, pem } = client.certificate(['c.example.com']);
  const [authorization] = order['authorizations'] as [string];
  const csr = encodeCsr({ names: ready['identifiers'], spkiHash: 'leaf' });
  const jwk = { header: { jwk: stranger.jwk } };
  const identifier = { type: 'dns', value: 'd.example.com' };
  const externalAccountBinding = stranger.binding('key-1', SECRET);
  const registration = { contact: ['mailto:a@example.com'], externalAccountBinding };
  const period = { notBefore: '2027-01-15T09:00:00Z', notAfter: '2027-01-16T09:00:00Z' };
  return [
    { target: '/acme/new-account', payload: registration, ...jwk },
    { target: '/acme/new-account', payload: { onlyReturnExisting: true }, ...jwk },
    { target: path(client.kid), payload: { contact: [], termsOfServiceAgreed: true } },
    { target: path(client.kid), payload: { status: 'valid' } },
    { target: `${path(client.kid)}/orders?after=AAAA`, payload: undefined },
    { target: '/acme/new-order', payload: { identifiers: [identifier], ...period } },
    { target: '/acme/new-order', payload: { identifiers: [{ type: 'ip', value: '2001:db8::1' }] } },
    { target: path(order['finalize']).replace('/finalize', ''), payload: undefined },
    { target: path(ready['finalize']), payload: { csr } },
    { target: '/acme/new-authz', payload: { identifier } },
    { target: path(authorization), payload: { status: 'deactivated' } },
    { target: `${path(authorization).replace('authz', 'chall')}/http-01`, payload: {} },
    { target: path(url), payload: undefined },
    { target: `${path(url)}/full`, payload: undefined },
    { target: '/acme/revoke-cert', payload: { certificate: derOf(pem), reason: 4 } },
    { target: '/acme/key-change', payload: client.keyChange(stranger) },
  ];
}

/** Two actors: a victim whose requests are bent, and a witness who is never touched. */
class Fuzz {
  readonly rig: Rig;
  readonly witness: Client;
  readonly draw: Draw;
  readonly statuses = new Map<number, number>();
  #victim!: Client;
  #stranger!: Client;
  #templates!: readonly Template[];
  #nonce = '';

  constructor(seed: number) {
    this.rig = new Rig({ policy: { eabKeys: new Map([['key-1', SECRET]]) } });
    this.witness = Client.registered(this.rig);
    this.draw = generator(seed);
    this.renew();
  }

  /** A new victim, for the last one may have lost its account. */
  renew(): void {
    this.#victim = Client.registered(this.rig);
    this.#stranger = new Client(this.rig);
    this.#templates = templates(this.#victim, this.#stranger);
    this.#nonce = this.#victim.nonce();
  }

  request(): WebRequest {
    const { draw } = this;
    const template = pick(draw, this.#templates);
    switch (draw(8)) {
      case 0:
        return this.#post(template.target, mutateText(draw, this.#body(template)));
      case 1:
        return this.#post(template.target, JSON.stringify(mutateJson(draw, this.#jws(template))));
      case 2: {
        const target = mutateText(draw, template.target);
        return this.#post(target, this.#body({ ...template, target }));
      }
      case 3: {
        const header = mutateJson(draw, template.header ?? {}) as JsonBody;
        return this.#post(template.target, this.#body({ ...template, header }));
      }
      case 4: {
        const method = pick(draw, [
          'GET',
          'HEAD',
          'PUT',
          'OPTIONS',
          'POST',
          mutateText(draw, 'POST'),
        ]);
        const contentType = pick(draw, ['', JOSE, mutateText(draw, JOSE)]);
        return { ...this.#post(template.target, this.#body(template)), method, contentType };
      }
      case 5:
        return this.#post(template.target, String(JSON.stringify(randomJson(draw))));
      default: {
        const payload = mutateJson(draw, template.payload ?? {}) as JsonBody;
        return this.#post(template.target, this.#body({ ...template, payload }));
      }
    }
  }

  /** Sends a request, and checks what has to hold of every answer. */
  send(web: WebRequest): Reply {
    const { response } = this.rig.request(web);
    assert.ok(response, `not answered: ${JSON.stringify(web)}`);
    const reply = read(response!);
    this.statuses.set(reply.status, (this.statuses.get(reply.status) ?? 0) + 1);
    if (reply.status >= 500) assert.unreachable(`${reply.text} for ${JSON.stringify(web)}`);
    if (reply.status >= 400) {
      assert.is(reply.header('content-type'), 'application/problem+json');
      assert.match(reply.body['type'], /^urn:ietf:params:acme:error:\w+$/);
      assert.is(reply.body['status'], reply.status);
    }
    const nonce = reply.header('replay-nonce');
    assert.is(nonce === undefined && web.method === 'POST', false, 'a POST without nonce');
    this.#nonce = nonce ?? this.#victim.nonce();
    return reply;
  }

  #jws({ target, payload, header }: Template): JsonBody {
    const signer = header?.['jwk'] === undefined ? this.#victim : this.#stranger;
    const nonce = this.#nonce;
    const bent = typeof header === 'object' && header !== null ? header : {};
    return signer.jws(target, payload, { nonce, header: bent });
  }

  #body(template: Template): string {
    return JSON.stringify(this.#jws(template));
  }

  #post(target: string, body: string): WebRequest {
    return { method: 'POST', target, contentType: JOSE, body };
  }
}

test(`no mutated request is answered with 500 or an exception: ${REQUESTS} of seed ${SEED}`, () => {
  const fuzz = new Fuzz(SEED);
  for (let i = 0; i < REQUESTS; i++) {
    const web = fuzz.request();
    let reply: Reply;
    try {
      reply = fuzz.send(web);
    } catch (error) {
      const text = JSON.stringify(web).slice(0, 2_000);
      throw new Error(`request ${i} of seed ${SEED}: ${text}`, { cause: error });
    }
    if (i % 100 === 99 || reply.status === 401) fuzz.renew();
    if (i % 1_000 === 999) accepted(fuzz.witness.post(path(fuzz.witness.kid), undefined));
  }
  const { witness, rig, statuses } = fuzz;
  assert.match(witness.certificate(['untouched.example.com']).pem, /BEGIN CERTIFICATE/);
  assert.is(rig.node.gauges.parked, 0);
  for (const status of [200, 201, 400, 403, 404, 405, 415]) {
    assert.ok((statuses.get(status) ?? 0) > 10, `${status}: ${JSON.stringify([...statuses])}`);
  }
});

test('no input from our own side that nobody waits for makes an exception', () => {
  const draw = generator(SEED);
  const rig = new Rig();
  const client = Client.registered(rig);
  const order = client.order(['a.example.com']).body;
  const ids = [...order['authorizations'], order['finalize']].map(
    (url) => path(url).split('/')[3]!,
  );
  const request = {
    ca: 'default',
    order: 'x',
    identifiers: [],
    csr: encodeCsr({ names: [], spkiHash: '' }),
    notBeforeMs: 1,
  };
  for (let i = 0; i < 2_000; i++) {
    const id = pick(draw, [...ids, 'none', '', '__proto__']);
    const type = pick(draw, ['http-01', 'dns-01', 'tls-alpn-01'] as const);
    const inputs: readonly Input[] = [
      {
        kind: 'validated',
        authorization: id,
        type,
        result: { ok: draw(2) === 0, problem: 'dns', detail: 'x' },
      },
      {
        kind: 'issued',
        order: id,
        csr: request.csr,
        result: plainIssue({ ...request, order: id }),
      },
      { kind: 'crl-built', ca: id, number: draw(9), der: new Uint8Array(1) },
      { kind: 'abandon', request: draw(2_000) },
      { kind: 'tick' },
      { kind: 'configure', policy: rig.policy },
    ];
    rig.submit(pick(draw, inputs));
  }
  assert.is(rig.select({ kind: 'certificate', limit: 9 }).length, 0, 'nothing was finalized');
  assert.is(rig.select({ kind: 'authorization', state: 'valid', limit: 9 }).length, 0);
  assert.ok(client.certificate(['b.example.com']).url.startsWith(BASE_URL));
});

test.run();
