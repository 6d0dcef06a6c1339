import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIMITS } from '../limits.ts';
import { Client, path, type Reply, read } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { type ListOrder, POLICY, Rig } from '../testing/rig.ts';

const DAY_MS = 86_400_000;

const fetch = (client: Client, target = '/ca/crl'): Reply => client.get(target);
const ask = (rig: Rig): number => {
  return rig.request({ method: 'GET', target: '/ca/crl', contentType: '', body: '' }).id;
};
const numbers = (rig: Rig): number[] => rig.listOrders.map(({ number }) => number);

function revoked(client: Client, name: string): string {
  const { url, pem } = client.certificate([name]);
  accepted(client.revoke(pem));
  return path(url).split('/').at(-1)!;
}

/** Signs lists only when told to. */
function slowLists(rig: Rig): { finish(order: ListOrder | undefined, text: string): void } {
  rig.lister = () => undefined;
  return {
    finish(order, text) {
      const { ca, number } = order!;
      rig.submit({ kind: 'crl-built', ca, number, der: Buffer.from(text) });
    },
  };
}

test('a list of a CA that does not exist is 404', () => {
  const client = new Client(new Rig());
  for (const target of ['/ca/none/crl', '/ca/toString/crl']) {
    refused(fetch(client, target), 'malformed', /no such CA/, 404);
  }
});

test('a list that is not ready in time is 503', () => {
  const rig = new Rig();
  slowLists(rig);
  const id = ask(rig);
  assert.is(rig.response(id), undefined);
  rig.advance(LIMITS.finalizeWaitMs);
  refused(read(rig.response(id)!), 'serverInternal', /not ready yet/, 503);
});

test('RFC 5280 §5: the first asker has the list made, the next ones get it', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  const serial = revoked(client, 'a.example.com');
  const reply = accepted(fetch(client));
  assert.is(reply.header('content-type'), 'application/pkix-crl');
  assert.equal(JSON.parse(reply.text), [serial]);
  assert.is(fetch(client).text, reply.text);
  assert.is(fetch(client, '/ca/default/crl').text, reply.text);
  assert.is(rig.listOrders.length, 1);
});

test('RFC 5280 §5.1.2.5: a list says when the next one comes', () => {
  const rig = new Rig();
  fetch(new Client(rig));
  const [{ thisUpdateMs, nextUpdateMs }] = rig.listOrders as [ListOrder];
  assert.is(thisUpdateMs, rig.now.wallMs);
  assert.is(nextUpdateMs, rig.now.wallMs + POLICY.cas[0].crlNextUpdateMs);
});

test('RFC 5280 §5: after a revocation the next list holds it', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  assert.equal(JSON.parse(fetch(client).text), []);
  const serials = ['a.example.com', 'b.example.com'].map((name) => {
    const serial = revoked(client, name);
    assert.ok(JSON.parse(fetch(client).text).includes(serial), name);
    return serial;
  });
  assert.equal(JSON.parse(fetch(client).text), serials.sort());
  assert.is(rig.listOrders.length, 3);
});

test('RFC 5280 §5.2.3: numbers only grow: by revocation, by age, by restart, by clocks set back', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  fetch(client);
  revoked(client, 'a.example.com');
  fetch(client);
  rig.advance(DAY_MS / 2);
  fetch(client);
  const revived = new Rig({ database: rig.database });
  revived.now = { wallMs: rig.now.wallMs - 40 * DAY_MS, monoMs: 1 };
  fetch(new Client(revived));
  const all = [...numbers(rig), ...numbers(revived)];
  assert.is(all.length, 4);
  for (const [index, number] of all.entries()) {
    if (index > 0) assert.ok(number > all[index - 1]!, all.join());
  }
});

test('RFC 5280 §5.2.3: a number is durable before its list is ordered', () => {
  const rig = new Rig();
  fetch(new Client(rig));
  const kinds = rig.effects.map((effect) => effect.kind);
  assert.ok(kinds.indexOf('persist') < kinds.indexOf('build-crl'));
  assert.equal(rig.record('crl', 'default').fields, { number: numbers(rig)[0] });
});

test('a list is made anew when half its life is over, and not before', () => {
  const rig = new Rig();
  const client = new Client(rig);
  fetch(client);
  rig.advance(DAY_MS / 2 - 1);
  fetch(client);
  assert.is(rig.listOrders.length, 1);
  rig.advance(1);
  fetch(client);
  assert.is(rig.listOrders.length, 2);
});

test('all who ask while a list is being made get that list', () => {
  const rig = new Rig();
  const { finish } = slowLists(rig);
  const ids = [ask(rig), ask(rig), ask(rig)];
  finish(rig.listOrders[0], 'one');
  for (const id of ids) assert.is(read(rig.response(id)!).text, 'one');
  assert.is(rig.listOrders.length, 1);
});

test('who asks after a revocation does not get the list ordered before it', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  const { pem } = client.certificate(['a.example.com']);
  const { finish } = slowLists(rig);
  const before = ask(rig);
  accepted(client.revoke(pem));
  const after = ask(rig);
  finish(rig.listOrders[0], 'without it');
  assert.is(rig.response(after), undefined);
  finish(rig.listOrders[1], 'with it');
  assert.is(read(rig.response(after)!).text, 'with it');
  assert.ok(rig.response(before));
});

test('a stream of revocations and askers keeps nobody waiting for more than two lists', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  const { finish } = slowLists(rig);
  const first = ask(rig);
  for (let i = 0; i < 2; i++) {
    accepted(client.revoke(client.certificate([`n${i}.example.com`]).pem));
    ask(rig);
    finish(rig.listOrders[i], `list ${i}`);
  }
  assert.is(read(rig.response(first)!).status, 200);
});

test('a list nobody ordered, or an old one, is not shown', () => {
  const rig = new Rig();
  const { finish } = slowLists(rig);
  const id = ask(rig);
  const [order] = rig.listOrders as [ListOrder];
  finish({ ...order, number: order.number - 1 }, 'old');
  finish({ ...order, ca: 'none' }, 'stray');
  assert.is(rig.response(id), undefined);
  finish(order, 'right');
  assert.is(read(rig.response(id)!).text, 'right');
});

test.run();
