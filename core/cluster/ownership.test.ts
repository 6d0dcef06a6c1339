import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { registerMember, rung } from '../acme/records.ts';
import type { Effect } from '../effect.ts';
import { Client, type JsonBody, path, type Reply, read } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { refused } from '../testing/expect.ts';
import { encodeCsr, plainIssue, Rig } from '../testing/rig.ts';
import { OWNERSHIP_TTL_MS, ownerOf } from './leases.ts';

/** Rounds of a second until a lease has lapsed everywhere and two candidates had their turn. */
const UNTIL_TAKEN = (OWNERSHIP_TTL_MS * 1.05) / 1000 + 6;
const NAMES = ['a', 'b', 'c'];

/** A cluster whose client has an account and an order on node a. */
interface Scene {
  readonly cluster: Cluster;
  readonly client: Client;
  readonly order: JsonBody;
  readonly id: string;
  readonly authorization: string;
}

function scene(name = 'a.example.com'): Scene {
  const cluster = new Cluster(NAMES);
  const client = Client.registered(cluster.rig('a'));
  const order = client.order([name]).body;
  const authorization = path(order['authorizations'][0]).split('/').at(-1)!;
  const id = path(order['finalize']).split('/').at(-2)!;
  cluster.run(1);
  return { cluster, client, order, id, authorization };
}

/** A scene in which every probe stays under way, and node a has begun one. */
function probing(): Scene {
  const made = scene();
  for (const rig of made.cluster.rigs.values()) rig.validator = () => undefined;
  made.client.prove(made.order);
  made.cluster.run(1);
  return made;
}

/** A scene in which no CA answers, and node a has decided on a CSR. */
function issuing(): Scene & { readonly request: number } {
  const made = scene();
  made.client.prove(made.order);
  for (const rig of made.cluster.rigs.values()) rig.issuer = () => undefined;
  const request = finalize(made, 'a');
  made.cluster.run(1);
  return { ...made, request };
}

/** Begins to finalize an order; the number of the request, which waits. */
function finalize({ cluster, client, order }: Scene, node: string, key = 'leaf'): number {
  client.rig = cluster.rig(node);
  const csr = encodeCsr({ names: order['identifiers'], spkiHash: key });
  return client.begin(path(order['finalize']), { csr }).id;
}

function replyOf(rig: Rig, request: number): Reply {
  return read(rig.response(request)!);
}

/** How often each node has asked for this. */
function counts({ cluster }: Scene, kind: Effect['kind'], name?: string): JsonBody {
  const entries = [...cluster.rigs].map(([node, { effects }]) => {
    const found = effects.filter((effect) => {
      return effect.kind === kind && (effect.kind !== 'mark' || effect.name === name);
    });
    return [node, found.length] as const;
  });
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}

const marks = (made: Scene, name: string): JsonBody => counts(made, 'mark', name);

const takers = (made: Scene): readonly string[] => {
  return Object.keys(marks(made, 'a lease was taken over'));
};

test('upstream failure 20: a CSR that is refused leaves no claim, and the next one is taken', () => {
  const made = scene();
  made.client.prove(made.order);
  made.cluster.run(1);
  const { cluster, client, order, id } = made;
  const csr = encodeCsr({ names: [{ type: 'dns', value: 'z.example.com' }], spkiHash: 'leaf' });
  refused(client.post(path(order['finalize']), { csr }), 'badCSR', /not the order's/);
  cluster.run(1);
  for (const node of NAMES) {
    assert.is(ownerOf(cluster.rig(node).record('order', id)), undefined);
  }
  client.rig = cluster.rig('b');
  assert.is(client.finalize(order).body['status'], 'valid');
});

test('upstream failure 20: another node answers for a CSR under way: wait, then valid', () => {
  const made = issuing();
  const { cluster, id } = made;
  const onB = finalize(made, 'b');
  assert.is(cluster.rig('b').response(onB), undefined, 'it waits');
  cluster.run(11);
  const early = replyOf(cluster.rig('b'), onB);
  assert.equal([early.status, early.body['status']], [200, 'processing']);
  assert.ok(Number(early.header('retry-after')) > 0);
  const again = finalize(made, 'b');
  const request = cluster.rig('a').effects.flatMap((effect) => {
    return effect.kind === 'issue' ? [effect.request] : [];
  })[0]!;
  const { csr } = request;
  cluster.rig('a').submit({ kind: 'issued', order: id, csr, result: plainIssue(request) });
  cluster.run(1);
  assert.is(replyOf(cluster.rig('b'), again).body['status'], 'valid');
  assert.equal(counts(made, 'issue'), { a: 1 });
  assert.equal(marks(made, 'a lease was refused to a retry'), { b: 3 });
});

test('upstream failure 20: another CSR is refused on every node, while it is under way and after', () => {
  const made = issuing();
  made.client.rig = made.cluster.rig('b');
  const reply = made.client.finalize(made.order, 'another key');
  refused(reply, 'orderNotReady', /for another CSR/);
});

test('a retry on another node does not probe again while the owner is at it', () => {
  const made = probing();
  const { cluster, client, authorization } = made;
  client.rig = cluster.rig('b');
  const reply = client.post(`/acme/chall/${authorization}/http-01`, {});
  assert.is(reply.body['status'], 'processing');
  assert.ok(Number(reply.header('retry-after')) > 0);
  cluster.run(5);
  assert.equal(counts(made, 'validate'), { a: 1 });
  assert.equal(marks(made, 'a lease was refused to a retry'), { b: 1 });
  assert.is(cluster.rig('b').node.gauges.leases, 1);
});

test('the probe of a node that died is taken over by one node, not before the lease lapsed', () => {
  const made = probing();
  const { cluster, authorization } = made;
  cluster.stop('a');
  cluster.run(OWNERSHIP_TTL_MS / 1000);
  assert.equal(takers(made), []);
  cluster.run(UNTIL_TAKEN - OWNERSHIP_TTL_MS / 1000);
  const [taker, ...others] = takers(made);
  assert.equal(others, []);
  assert.equal(counts(made, 'validate'), { [taker!]: 1 });
  for (const node of ['b', 'c']) {
    const owner = ownerOf(cluster.rig(node).record('authorization', authorization))!;
    assert.equal([owner.epoch, owner.node], [2, taker]);
  }
  const line = cluster.rig(taker!).logs.find(({ message }) => message.startsWith('took over'))!;
  const { record, from, epoch, quietMs } = line.fields;
  assert.equal(
    [line.level, record, from, epoch],
    ['info', `authorization/${authorization}`, 'a', 2],
  );
  assert.ok(Number(quietMs) >= OWNERSHIP_TTL_MS * 1.05);
  const [probe] = cluster.rig(taker!).probes;
  const { type } = probe!.request;
  cluster.rig(taker!).submit({ kind: 'validated', authorization, type, result: { ok: true } });
  cluster.run(1);
  for (const node of ['b', 'c']) {
    assert.is(rung(cluster.rig(node).record('authorization', authorization), 'status'), 'valid');
    assert.is(cluster.rig(node).node.gauges.leases, 0);
  }
});

test('the issuance of a node that died is taken over, and whoever waits gets the certificate', () => {
  const made = issuing();
  const { cluster, id } = made;
  cluster.stop('a');
  for (const node of ['b', 'c']) cluster.rig(node).issuer = plainIssue;
  cluster.run(UNTIL_TAKEN - 8);
  const onB = finalize(made, 'b');
  cluster.run(8);
  assert.is(replyOf(cluster.rig('b'), onB).body['status'], 'valid');
  assert.is(takers(made).length, 1);
  assert.is(rung(cluster.rig('c').record('order', id), 'status'), 'valid');
});

test('a result that comes after the work was taken over changes nothing', () => {
  const made = probing();
  const { cluster, authorization } = made;
  cluster.split(['a'], ['b', 'c']);
  cluster.run(UNTIL_TAKEN);
  cluster.mend();
  cluster.run(25);
  const owner = ownerOf(cluster.rig('a').record('authorization', authorization))!;
  const loser = owner.node === 'a' ? 'b' : 'a';
  const late = { kind: 'validated', authorization, type: 'http-01' } as const;
  const result = { ok: false, problem: 'connection', detail: 'too late' } as const;
  cluster.rig(loser).submit({ ...late, result });
  assert.is(rung(cluster.rig(loser).record('authorization', authorization), 'status'), 'pending');
  assert.is(marks(made, 'a result came after its lease')[loser], 1);
  cluster.rig(owner.node).submit({ ...late, result: { ok: true } });
  cluster.run(1);
  for (const node of NAMES) {
    assert.is(rung(cluster.rig(node).record('authorization', authorization), 'status'), 'valid');
  }
});

test('a result that comes after its own time is dropped, and the work begins anew', () => {
  const made = probing();
  const { cluster, authorization } = made;
  const rig = cluster.rig('a');
  cluster.split(['a'], ['b', 'c']);
  cluster.run(OWNERSHIP_TTL_MS / 1000);
  const late = { kind: 'validated', authorization, type: 'http-01' } as const;
  rig.submit({ ...late, result: { ok: true } });
  assert.is(rung(rig.record('authorization', authorization), 'status'), 'pending');
  cluster.run(UNTIL_TAKEN - OWNERSHIP_TTL_MS / 1000);
  assert.is(counts(made, 'validate')['a'], 2);
  rig.submit({ ...late, result: { ok: true } });
  assert.is(rung(rig.record('authorization', authorization), 'status'), 'valid');
});

test('two sides of a partition take over one order, and it has one certificate', () => {
  const made = issuing();
  const { cluster, id } = made;
  cluster.stop('a');
  cluster.split(['b'], ['c']);
  for (const node of ['b', 'c']) cluster.rig(node).issuer = plainIssue;
  cluster.run(UNTIL_TAKEN);
  assert.equal(takers(made), ['b', 'c']);
  cluster.mend();
  cluster.run(25);
  const [one, other] = ['b', 'c'].map((node) => cluster.rig(node).record('order', id));
  assert.equal(one!.fields, other!.fields);
  const serial = registerMember(one!, 'certificate', 'serial');
  const certificates = cluster.rig('b').select({ kind: 'certificate', limit: 9 });
  assert.equal(
    certificates.map((certificate) => certificate.id),
    [serial],
  );
});

test('two CSRs on two sides: the order ends with one CSR and the certificate made of it', () => {
  const made = scene();
  const { cluster, client, order, id } = made;
  client.prove(order);
  cluster.run(1);
  for (const node of NAMES) cluster.rig(node).issuer = () => undefined;
  cluster.split(['a'], ['b', 'c']);
  finalize(made, 'a', 'key-one');
  cluster.rig('b').advance(5);
  finalize(made, 'b', 'key-two');
  cluster.mend();
  cluster.run(25);
  // Each CA answers now: to what was asked before the two knew of each other.
  for (const node of ['b', 'a']) {
    for (const effect of cluster.rig(node).effects) {
      if (effect.kind !== 'issue') continue;
      const result = plainIssue(effect.request);
      const { csr } = effect.request;
      cluster.rig(node).submit({ kind: 'issued', order: id, csr, result });
    }
  }
  cluster.run(2);
  for (const node of NAMES) {
    const record = cluster.rig(node).record('order', id);
    const csr = String(registerMember(record, 'csr', 'csr'));
    assert.is(ownerOf(record)!.node, 'a', 'the earlier claim stands');
    assert.is(csr, encodeCsr({ names: order['identifiers'], spkiHash: 'key-one' }));
    const serial = String(registerMember(record, 'certificate', 'serial'));
    const { made: certificate } = cluster.rig(node).record('certificate', serial).fields;
    assert.is((certificate as JsonBody)['value'].spkiHash, 'key-one');
  }
  assert.equal(marks(made, 'a result came after its lease'), { b: 1 });
});

test('a node that starts again goes on with its own work at once, with that of others only later', () => {
  const made = probing();
  const { cluster, authorization } = made;
  cluster.run(10);
  const { database, facts } = cluster.rig('a');
  cluster.stop('a');
  cluster.restart('a', { database, facts, validator: () => undefined });
  const other = cluster.rig('b');
  cluster.stop('b');
  cluster.restart('b', { database: other.database, facts: other.facts });
  assert.equal(counts(made, 'validate'), { a: 1 });
  assert.is(cluster.rig('b').node.gauges.leases, 1);
  cluster.run(1);
  const owner = ownerOf(cluster.rig('c').record('authorization', authorization))!;
  assert.equal([owner.epoch, owner.node, owner.renewals], [1, 'a', 1]);
  cluster.run(OWNERSHIP_TTL_MS / 1000 - 5);
  assert.equal(takers(made), [], 'the lease is counted from its renewal');
});

test('a node that works alone claims nothing', () => {
  const rig = new Rig();
  const { pem } = Client.registered(rig).certificate(['a.example.com']);
  assert.match(pem, 'BEGIN CERTIFICATE');
  const work = [...rig.database.values()].filter(({ kind }) => /^(order|auth)/.test(kind));
  assert.equal(work.map(ownerOf), [undefined, undefined]);
  assert.is(rig.node.gauges.leases, 0);
});

test.run();
