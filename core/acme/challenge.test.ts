import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client, path } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { type POLICY, Rig } from '../testing/rig.ts';
import type { ValidationRequest, ValidationResult } from './validation.ts';

interface Scene {
  readonly rig: Rig;
  readonly client: Client;
  readonly authorization: string;
  readonly asked: ValidationRequest[];
  challenge(type: string): string;
}

/** A pending authorization; probes are noted and stay under way. */
function scene(name = 'a.example.com', policy: Partial<typeof POLICY> = {}): Scene {
  const rig = new Rig({ policy });
  const client = Client.registered(rig);
  const asked: ValidationRequest[] = [];
  rig.validator = (request) => {
    asked.push(request);
    return undefined;
  };
  const authorization = path(client.order([name]).body['authorizations'][0]);
  const challenge = (type: string): string => `${authorization.replace('authz', 'chall')}/${type}`;
  return { rig, client, authorization, asked, challenge };
}

function conclude({ rig }: Scene, result: ValidationResult): void {
  const { authorization, request } = rig.probes.at(-1)!;
  rig.submit({ kind: 'validated', authorization, type: request.type, result });
}

const status = ({ client, challenge }: Scene, type = 'http-01'): string => {
  return client.post(challenge(type), undefined).body['status'];
};

test('RFC 8555 §7.5.1: a challenge that does not exist is 404', () => {
  const { client, challenge } = scene();
  for (const type of ['dns-02', 'HTTP-01', 'toString', 'status', 'made']) {
    refused(client.post(challenge(type), {}), 'malformed', /no such challenge/, 404);
  }
  const target = '/acme/chall/none/http-01';
  refused(client.post(target, {}), 'malformed', /no such authorization/, 404);
});

test('RFC 8555 §8: a wildcard has no http-01 challenge, whatever its URL', () => {
  const { client, challenge, asked } = scene('*.example.com');
  refused(client.post(challenge('http-01'), {}), 'malformed', /no such challenge/, 404);
  refused(client.post(challenge('tls-alpn-01'), {}), 'malformed', /no such challenge/, 404);
  assert.is(asked.length, 0);
});

test('RFC 8555 §7.5.1: the challenge of another account is refused and not probed', () => {
  const { rig, challenge, asked } = scene();
  const other = Client.registered(rig);
  refused(other.post(challenge('http-01'), {}), 'unauthorized', /another account/);
  assert.is(asked.length, 0);
});

test('RFC 8555 §7.5.1: POST-as-GET looks and does not start a validation', () => {
  const made = scene();
  const reply = accepted(made.client.post(made.challenge('http-01'), undefined));
  assert.is(reply.body['status'], 'pending');
  assert.is(made.asked.length, 0);
});

test('RFC 8555 §7.5.1: an empty object starts one, answered with Location and its authorization', () => {
  const made = scene();
  const reply = accepted(made.client.post(made.challenge('http-01'), {}));
  assert.is(reply.body['status'], 'processing');
  assert.is(reply.header('location'), `https://ca.test${made.challenge('http-01')}`);
  assert.is(reply.body['url'], reply.header('location'));
  assert.ok(reply.links.includes(`<https://ca.test${made.authorization}>;rel="up"`));
  assert.is(reply.header('retry-after'), '1');
  assert.is(made.asked.length, 1);
});

test('RFC 8555 §7.5.1: members a client sends beyond need are ignored', () => {
  const made = scene();
  const payload = { keyAuthorization: 'old', type: 'dns-01', resource: 'challenge' };
  accepted(made.client.post(made.challenge('http-01'), payload));
  assert.is(made.asked[0]!.type, 'http-01');
});

test('RFC 8555 §8.1: the validator is told name, token, key authorization and account', () => {
  const made = scene('*.example.com', { caaIdentities: ['ca.example'] });
  made.client.post(made.challenge('dns-01'), {});
  const { token, keyAuthorization, ...rest } = made.asked[0]!;
  assert.equal(rest, {
    type: 'dns-01',
    identifier: { type: 'dns', value: 'example.com' },
    wildcard: true,
    accountUrl: made.client.kid,
    caaIdentities: ['ca.example'],
  });
  const { body } = made.client.post(made.challenge('dns-01'), undefined);
  assert.is(token, body['token']);
  assert.match(keyAuthorization, new RegExp(`^${token}\\.[A-Za-z0-9_-]{43}$`));
});

test('RFC 8555 §8.2: answering again while it is probed starts nothing more', () => {
  const made = scene();
  for (let i = 0; i < 3; i++) accepted(made.client.post(made.challenge('http-01'), {}));
  assert.is(made.asked.length, 1);
});

test('RFC 8555 §7.5.1: a second challenge while one is probed is refused', () => {
  const made = scene();
  made.client.post(made.challenge('http-01'), {});
  const reply = made.client.post(made.challenge('dns-01'), {});
  refused(reply, 'malformed', /http-01 challenge .* is being validated/);
  assert.is(made.asked.length, 1);
});

test('RFC 8555 §7.1.6: a probe that succeeds makes challenge and authorization valid', () => {
  const made = scene();
  made.client.post(made.challenge('http-01'), {});
  conclude(made, { ok: true });
  const { body } = made.client.post(made.challenge('http-01'), undefined);
  assert.is(body['status'], 'valid');
  assert.match(body['validated'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.is(made.client.post(made.authorization, undefined).body['status'], 'valid');
  accepted(made.client.post(made.challenge('http-01'), {}));
  assert.is(made.asked.length, 1);
});

test('RFC 8555 §7.1.6: a probe that fails makes both invalid, with the error and for good', () => {
  const made = scene();
  made.client.post(made.challenge('http-01'), {});
  conclude(made, { ok: false, problem: 'incorrectResponse', detail: 'saw "x" at http://a/' });
  const { body } = made.client.post(made.challenge('http-01'), undefined);
  assert.equal(body['error'], {
    type: 'urn:ietf:params:acme:error:incorrectResponse',
    detail: 'saw "x" at http://a/',
    status: 403,
  });
  assert.is(made.client.post(made.authorization, undefined).body['status'], 'invalid');
  assert.is(accepted(made.client.post(made.challenge('http-01'), {})).body['status'], 'invalid');
  const other = made.client.post(made.challenge('dns-01'), {});
  refused(other, 'malformed', /authorization is invalid; create a new order/);
  assert.is(made.asked.length, 1);
});

test('RFC 8555 §7.1.6: the first outcome stands, later ones and those for others are ignored', () => {
  const made = scene();
  made.client.post(made.challenge('http-01'), {});
  const { authorization } = made.rig.probes[0]!;
  const failure = { ok: false, problem: 'dns', detail: 'late' } as const;
  made.rig.submit({ kind: 'validated', authorization, type: 'dns-01', result: failure });
  made.rig.submit({ kind: 'validated', authorization: 'gone', type: 'dns-01', result: failure });
  assert.is(status(made), 'processing');
  conclude(made, { ok: true });
  conclude(made, failure);
  assert.is(status(made), 'valid');
});

test('RFC 8555 §7.1.6: challenges of a decided or expired authorization cannot be answered', () => {
  const made = scene();
  made.rig.advance(86_400_000);
  const reply = made.client.post(made.challenge('http-01'), {});
  refused(reply, 'malformed', /authorization is expired; create a new order/);
  const second = scene();
  second.client.post(second.authorization, { status: 'deactivated' });
  const late = second.client.post(second.challenge('http-01'), {});
  refused(late, 'malformed', /authorization is deactivated/);
  assert.equal([...made.asked, ...second.asked], []);
});

test('RFC 8555 §7.1.6: an outcome that comes after the expiry helps nobody', () => {
  const made = scene();
  made.client.post(made.challenge('http-01'), {});
  made.rig.advance(86_400_000);
  conclude(made, { ok: true });
  assert.is(made.client.post(made.authorization, undefined).body['status'], 'expired');
  assert.is(made.client.order(['a.example.com']).body['status'], 'pending');
});

test('the probe log line names what was probed and why it failed', () => {
  const made = scene();
  made.client.post(made.challenge('http-01'), {});
  conclude(made, { ok: false, problem: 'connection', detail: 'refused' });
  const line = made.rig.logs.find(({ message }) => message === 'validation failed')!;
  const { name, type, problem, detail } = line.fields;
  assert.equal(
    [name, type, problem, detail],
    ['a.example.com', 'http-01', 'connection', 'refused'],
  );
});

test.run();
