import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toBase64Url, toUtf8 } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { Client, type JsonBody, path, type Reply, read } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { encodeCsr, PRIMITIVES, plainIssue, Rig } from '../testing/rig.ts';
import type { Identifier } from './identifier.ts';
import type { IssueRequest } from './issuance.ts';

const NAMES: readonly Identifier[] = [
  { type: 'dns', value: 'a.example.com' },
  { type: 'dns', value: 'b.example.com' },
];
const CSR = encodeCsr({ names: NAMES, spkiHash: 'leaf' });

interface Scene {
  readonly rig: Rig;
  readonly client: Client;
  readonly order: JsonBody;
  readonly issued: IssueRequest[];
  finalize(csr: unknown): Reply;
}

/** An order for two names that is ready; what the CA is asked is noted. */
function scene(): Scene {
  const rig = new Rig();
  const client = Client.registered(rig);
  const order = client.order(NAMES.map(({ value }) => value)).body;
  client.prove(order);
  const issued: IssueRequest[] = [];
  rig.issuer = (request) => {
    issued.push(request);
    return plainIssue(request);
  };
  const finalize = (csr: unknown): Reply => client.post(path(order['finalize']), { csr });
  return { rig, client, order, issued, finalize };
}

const orderOf = ({ client, order }: Scene): JsonBody => {
  return client.post(path(order['finalize']).replace('/finalize', ''), undefined).body;
};

test('RFC 8555 §7.4: a CSR that is not text or not base64url is malformed', () => {
  const made = scene();
  refused(made.client.post(path(made.order['finalize']), {}), 'malformed', /needs a payload/);
  for (const csr of [null, 7, {}, [CSR]]) refused(made.finalize(csr), 'malformed', /"csr" must be/);
  for (const csr of [`${CSR}=`, 'A', '****', 'a b', `${CSR}\n`, CSR.replace(/^./, '+')]) {
    refused(made.finalize(csr), 'malformed', /not unpadded base64url/);
  }
});

test('RFC 8555 §7.4: a CSR that is none or too large is badCSR', () => {
  const made = scene();
  for (const csr of ['', 'AAAA', toBase64Url(toUtf8('{}'))]) {
    refused(made.finalize(csr), 'badCSR', /not what the test CA reads/);
  }
  refused(made.finalize('A'.repeat(LIMITS.csrLength + 4)), 'badCSR', /too large/);
});

test('RFC 8555 §7.4: a CSR with other names than the order is badCSR, and says which', () => {
  const made = scene();
  const [a, b] = NAMES as [Identifier, Identifier];
  const extra: Identifier = { type: 'dns', value: 'c.example.com' };
  const wrong: [names: readonly Identifier[], detail: RegExp][] = [
    [[], /it lacks dns:a\.example\.com, dns:b\.example\.com$/],
    [[a], /it lacks dns:b\.example\.com$/],
    [[a, b, extra], /it has dns:c\.example\.com too many$/],
    [[a, extra], /it lacks dns:b\.example\.com; it has dns:c\.example\.com too many/],
    [[{ type: 'ip', value: '192.0.2.1' }, b], /lacks dns:a.*has ip:192/],
    [[{ ...a, value: '*.example.com' }, b], /\*\.example\.com too many/],
  ];
  for (const [names, detail] of wrong) {
    refused(made.finalize(encodeCsr({ names, spkiHash: 'leaf' })), 'badCSR', detail);
  }
});

test('RFC 8555 §11.1: a CSR with the account key or a key of the CA is badCSR', () => {
  const made = scene();
  const account = PRIMITIVES.readKey(made.client.jwk);
  if (!account.ok) throw new Error(account.reason);
  const { spkiHash } = account.value;
  refused(made.finalize(encodeCsr({ names: NAMES, spkiHash })), 'badCSR', /account key/);
  refused(made.finalize(encodeCsr({ names: NAMES, spkiHash: 'ca-key' })), 'badCSR', /of this CA/);
});

test('RFC 8555 §7.4: after a refused CSR the order is still ready for a better one', () => {
  const made = scene();
  refused(made.finalize(encodeCsr({ names: [], spkiHash: 'leaf' })), 'badCSR', /lacks/);
  assert.is(orderOf(made)['status'], 'ready');
  assert.is(accepted(made.finalize(CSR)).body['status'], 'valid');
});

test('RFC 8555 §7.4: an order that is not ready is orderNotReady with status 403', () => {
  const made = scene();
  const order = made.client.order(['new.example.com']).body;
  refused(made.client.finalize(order), 'orderNotReady', /pending: not all/, 403);
  made.rig.advance(86_400_000);
  refused(made.finalize(CSR), 'orderNotReady', /the order is invalid/, 403);
  assert.is(made.issued.length, 0);
});

test('RFC 8555 §7.4: the order of another account or none cannot be finalized', () => {
  const made = scene();
  const other = Client.registered(made.rig);
  refused(other.finalize(made.order), 'unauthorized', /another account/);
  const target = '/acme/order/none/finalize';
  refused(made.client.post(target, { csr: CSR }), 'malformed', /no such order/, 404);
});

test('RFC 8555 §7.4: finalizing answers the valid order with Location and certificate', () => {
  const made = scene();
  const reply = accepted(made.finalize(CSR));
  assert.is(reply.body['status'], 'valid');
  assert.is(reply.header('location'), made.order['finalize'].replace('/finalize', ''));
  assert.is(reply.header('retry-after'), undefined);
  assert.equal(reply.body, orderOf(made));
});

test('RFC 8555 §7.4: the CA is asked once, with names in order and the CSR as it came', () => {
  const made = scene();
  made.finalize(CSR);
  const [{ ca, identifiers, csr }, ...others] = made.issued as [IssueRequest, ...IssueRequest[]];
  assert.equal(others, []);
  assert.equal([ca, identifiers, csr], ['default', NAMES, CSR]);
});

test('RFC 8555 §7.4: finalizing again with the same CSR gives the same answer', () => {
  const made = scene();
  const { body } = made.finalize(CSR);
  for (let i = 0; i < 3; i++) assert.equal(accepted(made.finalize(CSR)).body, body);
  assert.is(made.issued.length, 1);
});

test('RFC 8555 §7.4: finalizing again with another CSR is orderNotReady', () => {
  const made = scene();
  const { body } = made.finalize(CSR);
  const other = encodeCsr({ names: NAMES, spkiHash: 'other' });
  refused(made.finalize(other), 'orderNotReady', /issued for another CSR/);
  assert.equal(orderOf(made), body);
  assert.is(made.issued.length, 1);
});

test('RFC 8555 §7.4: of two CSRs at once the first decides, the second is refused', () => {
  const made = scene();
  made.rig.issuer = () => undefined;
  const target = path(made.order['finalize']);
  const first = made.client.begin(target, { csr: CSR });
  const other = encodeCsr({ names: NAMES, spkiHash: 'other' });
  refused(made.finalize(other), 'orderNotReady', /is being issued for another CSR/);
  const same = made.client.begin(target, { csr: CSR });
  const request = requestOf(made);
  made.rig.submit({
    kind: 'issued',
    order: request.order,
    csr: request.csr,
    result: plainIssue(request),
  });
  for (const { id } of [first, same]) {
    assert.is(accepted(read(made.rig.response(id)!)).body['status'], 'valid');
  }
});

test('RFC 8555 §7.4: a certificate that takes long is answered processing with Retry-After', () => {
  const made = scene();
  made.rig.issuer = () => undefined;
  const { id, response } = made.client.begin(path(made.order['finalize']), { csr: CSR });
  assert.is(response, undefined);
  made.rig.advance(LIMITS.finalizeWaitMs - 1);
  assert.is(made.rig.response(id), undefined);
  made.rig.advance(1);
  const reply = accepted(read(made.rig.response(id)!));
  assert.is(reply.body['status'], 'processing');
  assert.is(reply.header('retry-after'), '1');
  assert.match(reply.header('location')!, /\/acme\/order\//);
});

test('a client that goes away while its certificate is made finds it later', () => {
  const made = scene();
  made.rig.issuer = () => undefined;
  const { id } = made.client.begin(path(made.order['finalize']), { csr: CSR });
  made.rig.submit({ kind: 'abandon', request: id });
  const request = requestOf(made);
  made.rig.submit({
    kind: 'issued',
    order: request.order,
    csr: request.csr,
    result: plainIssue(request),
  });
  assert.is(made.rig.response(id), undefined, 'nobody is answered');
  assert.is(orderOf(made)['status'], 'valid');
});

test('RFC 8555 §7.1.3: when issuance fails the order is invalid and says why', () => {
  for (const problem of ['badCSR', 'serverInternal'] as const) {
    const made = scene();
    made.rig.issuer = () => ({ ok: false, problem, detail: 'lint: no' });
    const status = problem === 'badCSR' ? 400 : 500;
    for (let i = 0; i < 2; i++) refused(made.finalize(CSR), problem, /lint: no/, status);
    const order = orderOf(made);
    assert.is(order['status'], 'invalid');
    assert.is(order['error'].type, `urn:ietf:params:acme:error:${problem}`);
    assert.is(order['certificate'], undefined);
    const other = encodeCsr({ names: NAMES, spkiHash: 'other' });
    refused(made.finalize(other), 'orderNotReady', /the order is invalid/);
  }
});

test('a certificate for an order that was decided already is dropped', () => {
  const made = scene();
  const { body } = made.finalize(CSR);
  const [request] = made.issued as [IssueRequest];
  const failure = { ok: false, problem: 'serverInternal', detail: 'late' } as const;
  made.rig.submit({ kind: 'issued', order: request.order, csr: request.csr, result: failure });
  made.rig.submit({ kind: 'issued', order: 'none', csr: request.csr, result: plainIssue(request) });
  assert.equal(orderOf(made), body);
  assert.is(made.rig.select({ kind: 'certificate', limit: 9 }).length, 1);
});

test('what the CA is asked again after a restart is what it was asked before', () => {
  const made = scene();
  made.rig.issuer = (request) => {
    made.issued.push(request);
    return undefined;
  };
  made.rig.advance(5_000);
  made.client.begin(path(made.order['finalize']), { csr: CSR });
  const again: IssueRequest[] = [];
  const revived = new Rig({ database: made.rig.database, issuer: (r) => void again.push(r) });
  assert.ok(revived.node.ready);
  assert.equal(again, made.issued);
});

/** What the CA was asked for the scene's order, from the database. */
function requestOf({ rig, order }: Scene): IssueRequest {
  const id = path(order['finalize']).split('/')[3]!;
  const effect = rig.effects.findLast((each) => each.kind === 'issue');
  if (effect?.kind !== 'issue' || effect.request.order !== id) throw new Error('not asked');
  return effect.request;
}

test.run();
