import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client, type JsonBody, path } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { Rig } from '../testing/rig.ts';
import { formatTime } from '../time.ts';
import type { IssueRequest } from './issuance.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const VALIDITY_MS = 90 * DAY_MS;

function setUp(): { client: Client; rig: Rig; issued: IssueRequest[]; at: (ms: number) => string } {
  const rig = new Rig();
  const issued: IssueRequest[] = [];
  const issue = rig.issuer;
  rig.issuer = (request) => {
    issued.push(request);
    return issue(request);
  };
  const at = (ms: number): string => formatTime(rig.now.wallMs + ms);
  return { client: Client.registered(rig), rig, issued, at };
}

const NAMES = ['a.example.com'];

test('RFC 8555 §7.4: times that are no RFC 3339 text are malformed', () => {
  const { client } = setUp();
  for (const text of ['', 'tomorrow', '2027-01-15', '2027-13-15T00:00:00Z', '1800000000']) {
    refused(client.order(NAMES, { notBefore: text }), 'malformed', /"notBefore" is not an RFC/);
    refused(client.order(NAMES, { notAfter: text }), 'malformed', /"notAfter" is not an RFC/);
  }
  for (const value of [null, 1_800_000_000, {}, []]) {
    refused(client.order(NAMES, { notAfter: value }), 'malformed', /"notAfter" must be a string/);
  }
});

test('RFC 8555 §7.4: a period that ends before it starts or is over is malformed', () => {
  const { client, at } = setUp();
  const wrong: JsonBody[] = [
    { notAfter: at(0) },
    { notAfter: at(-HOUR_MS) },
    { notBefore: at(HOUR_MS), notAfter: at(HOUR_MS) },
    { notBefore: at(2 * HOUR_MS), notAfter: at(HOUR_MS) },
    { notBefore: at(-2 * HOUR_MS), notAfter: at(-HOUR_MS) },
  ];
  for (const period of wrong) refused(client.order(NAMES, period), 'malformed', /"notAfter" must/);
});

test('RFC 8555 §7.4: a period longer than certificates last is malformed', () => {
  const { client, at } = setUp();
  const late = { notAfter: at(VALIDITY_MS + 1000) };
  refused(client.order(NAMES, late), 'malformed', /later than the 90 days/);
  const shifted = { notBefore: at(DAY_MS), notAfter: at(DAY_MS + VALIDITY_MS + 1000) };
  refused(client.order(NAMES, shifted), 'malformed', /later than the 90 days/);
  accepted(client.order(NAMES, { notAfter: at(VALIDITY_MS) }), 201);
});

test('RFC 8555 §7.4: a start too far from the present is malformed', () => {
  const { client, at } = setUp();
  for (const ms of [VALIDITY_MS + 1000, -VALIDITY_MS - 1000]) {
    refused(client.order(NAMES, { notBefore: at(ms) }), 'malformed', /too far from the present/);
  }
});

test('RFC 8555 §7.4: the period is shown in the order and given to the CA', () => {
  const { client, rig, issued, at } = setUp();
  const period = { notBefore: at(HOUR_MS), notAfter: at(DAY_MS) };
  const order = accepted(client.order(NAMES, period), 201).body;
  assert.equal([order['notBefore'], order['notAfter']], [period.notBefore, period.notAfter]);
  client.prove(order);
  assert.is(client.finalize(order).body['status'], 'valid');
  assert.is(issued[0]!.notBeforeMs, rig.now.wallMs + HOUR_MS);
  assert.is(issued[0]!.notAfterMs, rig.now.wallMs + DAY_MS);
});

test('RFC 8555 §7.4: times with an offset and fractions are the same moment in UTC', () => {
  const { client } = setUp();
  const order = client.order(NAMES, { notAfter: '2027-01-16T09:00:00.5+01:00' }).body;
  assert.is(order['notAfter'], '2027-01-16T08:00:00Z');
});

test('without a period a certificate counts from the moment its order was made', () => {
  const { client, rig, issued } = setUp();
  const createdMs = rig.now.wallMs;
  const order = client.order(NAMES).body;
  assert.is(order['notBefore'], undefined);
  rig.advance(HOUR_MS);
  client.prove(order);
  rig.advance(HOUR_MS);
  client.finalize(order);
  assert.is(issued[0]!.notBeforeMs, createdMs);
  assert.is(issued[0]!.notAfterMs, undefined);
});

test('with reused authorizations a certificate counts from its order', () => {
  const { client, rig, issued } = setUp();
  client.certificate(NAMES);
  rig.advance(HOUR_MS);
  client.certificate(NAMES);
  assert.is(issued[1]!.notBeforeMs, rig.now.wallMs);
});

test('an order cannot be finalized for a period that is over by then', () => {
  const { client, rig, issued, at } = setUp();
  const notAfter = at(HOUR_MS);
  const order = client.order(NAMES, { notAfter }).body;
  assert.is(order['expires'], notAfter);
  rig.advance(HOUR_MS);
  client.prove(order);
  refused(client.finalize(order), 'orderNotReady', /order is invalid/);
  assert.is(issued.length, 0);
  const { body } = client.post(path(order['finalize']).replace('/finalize', ''), undefined);
  assert.match(body['error'].detail, /expired/);
});

test.run();
