// Exchanges of which each step matters, told one by one; replica.test.ts tries the rest at random.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DAY_MS } from './digest.ts';
import { first } from './lattice.ts';
import { type Ask, type Page, pageToJson, readPage } from './page.ts';
import { askOf, receive } from './receive.ts';
import type { Record } from './record.ts';
import { dropPull, emptyReplica, expire, stall, vectorOf, write } from './replica.ts';
import { serve } from './serve.ts';
import { Cluster, type Node, settleAt } from './testing/cluster.ts';
import { HASH } from './testing/hash.ts';

const AT = '000000000001-0000-a';
const BIG = { records: 100, octets: 100_000 };

function account(id: string, dot: [origin: string, seq: number], note: string): Record {
  const made = first(AT, note);
  return { kind: 'account', id, fields: { made }, dot: { origin: dot[0], seq: dot[1] } };
}

function pageOf(parts: Partial<Page>): Page {
  const nothing = { base: new Map(), chain: '', since: null, known: null, floor: new Map() };
  return {
    ...nothing,
    records: [],
    next: null,
    complete: null,
    listing: null,
    clockMs: 0,
    isEstablished: false,
    ...parts,
  };
}

function complete(...entries: [string, number][]): Page['complete'] {
  return { vector: new Map(entries), digest: { day: 0, sum: null } };
}

function take(
  cluster: Cluster,
  node: Node,
  peer: string,
  page: Page,
  expiredMs = Number.POSITIVE_INFINITY,
): string {
  const read = readPage(JSON.parse(JSON.stringify(pageToJson(page))))!;
  const receipt = receive(node.state, cluster.view(node), HASH, peer, read, expiredMs);
  cluster.commit(node, receipt);
  return receipt.result;
}

test('a page of an earlier fetch is not taken for the next one of this fetch', () => {
  const cluster = new Cluster(2);
  const [sender, receiver] = cluster.nodes as [Node, Node];
  const put = (id: string, text: string): void => {
    cluster.put(sender, 'account', id, { made: first(AT, text), 'x-note': text });
  };
  const page = (ask: Ask, records: number, octets: number): Page => {
    return serve(sender.state, cluster.view(sender), ask, { records, octets });
  };
  put('w', '1');
  put('x', '1');
  put('y', 'much longer than the others'.repeat(30));
  take(cluster, receiver, 'n0', page(askOf(receiver.state, 'n0'), 4, 400));
  assert.is(receiver.records.size, 2);
  const { cursor } = askOf(receiver.state, 'n0');
  const late = page(askOf(receiver.state, 'n0'), 100, 100_000);
  assert.ok(late.complete !== null);
  // The receiver loses what it had, and starts again; meanwhile a record has moved.
  cluster.keep(receiver, dropPull(receiver.state, 'n0'));
  receiver.records.clear();
  put('w', '2');
  take(cluster, receiver, 'n0', page(askOf(receiver.state, 'n0'), 2, 400));
  assert.equal(askOf(receiver.state, 'n0').cursor, cursor, 'the cursors are alike by chance');
  assert.is(take(cluster, receiver, 'n0', late), 'merged');
  assert.is(vectorOf(receiver.state).get('n0.i0'), undefined);
});

test('a complete page counts only for who covers its base', () => {
  const cluster = new Cluster(1);
  const [node] = cluster.nodes as [Node];
  const base = new Map([['b.1', 2]]);
  assert.is(take(cluster, node, 'b', pageOf({ base, complete: complete(['b.1', 3]) })), 'merged');
  assert.equal([...vectorOf(node.state)], []);
  assert.is(take(cluster, node, 'b', pageOf({ complete: complete(['b.1', 2]) })), 'complete');
  assert.is(take(cluster, node, 'b', pageOf({ base, complete: complete(['b.1', 3]) })), 'complete');
  assert.is(vectorOf(node.state).get('b.1'), 3);
});

test('a record that comes in below a cursor after settling is not passed over', () => {
  const cluster = new Cluster(2);
  const [middle, receiver] = cluster.nodes as [Node, Node];
  const [one, two, other] = [
    account('one', ['d.1', 1], 'x'),
    account('two', ['d.1', 2], 'x'),
    account('other', ['z.1', 1], 'x'),
  ] as const;
  for (const record of [one, two, other]) cluster.history.set(record.id, record);
  take(cluster, middle, 'd', pageOf({ records: [two, other] }));
  const answer = (limits: typeof BIG): Page => {
    return serve(middle.state, cluster.view(middle), askOf(receiver.state, 'n0'), limits);
  };
  take(cluster, receiver, 'n0', answer({ records: 1, octets: 100_000 }));
  assert.is(askOf(receiver.state, 'n0').cursor!.bulk.get('d.1'), 2);
  settleAt(cluster, middle);
  take(cluster, middle, 'd', pageOf({ records: [one, two], complete: complete(['d.1', 2]) }));
  assert.is(take(cluster, receiver, 'n0', answer(BIG)), 'complete');
  assert.ok(receiver.records.has('account/one'));
});

test('an order that was let go here is not stored again, whatever the clock says', () => {
  const cluster = new Cluster(1);
  const [node] = cluster.nodes as [Node];
  const made = first(AT, { expiresMs: 3 * DAY_MS });
  const order: Record = {
    kind: 'order',
    id: 'o',
    fields: { made, status: 'valid' },
    dot: { origin: 'b.1', seq: 1 },
  };
  take(cluster, node, 'b', pageOf({ records: [order], complete: complete(['b.1', 1]) }));
  assert.is(node.records.size, 1);
  const state = expire(node.state, 9 * DAY_MS, DAY_MS);
  cluster.commit(node, { state, put: [], remove: [order] });
  cluster.keep(node, expire(node.state, 0, DAY_MS));
  take(cluster, node, 'c', pageOf({ records: [order], complete: complete(['c.1', 6]) }), 0);
  assert.is(node.records.size, 0, 'this version was seen');
  const stale = { ...order, fields: { made, status: 'pending' }, dot: { origin: 'c.1', seq: 7 } };
  const page = pageOf({ records: [stale], complete: complete(['c.1', 7]) });
  take(cluster, node, 'c', page, 4 * DAY_MS);
  assert.is(node.records.size, 0, 'this one not, but it has expired');
  assert.is(vectorOf(node.state).get('c.1'), 7);
});

test('a new order is stored although clocks were wrong and let go of its day', () => {
  const cluster = new Cluster(1);
  const [node] = cluster.nodes as [Node];
  const order = (id: string, seq: number, day: number): Record => {
    const made = first(AT, { expiresMs: day * DAY_MS });
    return { kind: 'order', id, fields: { made, status: 'valid' }, dot: { origin: 'b.1', seq } };
  };
  take(cluster, node, 'b', pageOf({ records: [order('o1', 1, 40)] }));
  const wrong = expire(node.state, 50 * DAY_MS, DAY_MS);
  cluster.commit(node, { state: wrong, put: [], remove: [order('o1', 1, 40)] });
  const page = pageOf({ records: [order('o2', 2, 11)], complete: complete(['b.1', 2]) });
  take(cluster, node, 'b', page, 9 * DAY_MS);
  assert.ok(node.records.has('order/o2'));
});

test('a peer that has seen more of our log than we have stops us before anything is merged', () => {
  const cluster = new Cluster(1);
  const [node] = cluster.nodes as [Node];
  const speaks: Partial<Page>[] = [
    { known: { origin: 'n0.i0', seq: 1 } },
    { base: new Map([['n0.i0', 1]]) },
    { complete: complete(['n0.i0', 1]) },
    { floor: new Map([['n0.i0', 1]]) },
    { records: [account('a', ['n0.i0', 1], 'x')] },
  ];
  for (const parts of speaks) {
    const records = parts.records ?? [account('b', ['b.1', 1], 'x')];
    assert.is(take(cluster, node, 'b', pageOf({ ...parts, records })), 'forgotten');
    assert.is(node.records.size, 0);
  }
});

test('while deletions are reconciled with one peer, those of another wait', () => {
  const cluster = new Cluster(1);
  const [node] = cluster.nodes as [Node];
  const floor = new Map([['b.1', 5]]);
  const listing = { after: null, through: null, vector: new Map([['b.1', 5]]), records: [] };
  assert.is(take(cluster, node, 'b', pageOf({ floor, complete: complete(['b.1', 5]) })), 'merged');
  const old: Record = {
    kind: 'operator',
    id: 'p',
    fields: { status: 'active', born: 'b.1:1' },
    dot: { origin: 'b.1', seq: 1 },
  };
  const fromC = pageOf({ records: [old], complete: complete(['b.1', 1]) });
  assert.is(take(cluster, node, 'c', fromC), 'waits');
  assert.is(node.records.size, 0);
  const { chain } = askOf(node.state, 'b');
  const last = pageOf({ chain, floor, listing, complete: complete(['b.1', 5]) });
  assert.is(take(cluster, node, 'b', last), 'complete');
  take(cluster, node, 'c', fromC);
  assert.is(node.records.size, 0, 'its birth is covered and it is absent: it was deleted');
  assert.equal([...node.state.floor], [...floor], 'and this node tells others that it missed it');
});

test('equal vectors with different contents are noticed, and a full fetch heals them', () => {
  const cluster = new Cluster(2);
  const [one, two] = cluster.nodes as [Node, Node];
  cluster.put(one, 'account', 'a', { made: first(AT, 1), status: 'valid' });
  cluster.ask(1, 0);
  cluster.deliver(cluster.wire.pop()!);
  cluster.deliver(cluster.wire.pop()!);
  // A bit has flipped in a database.
  const broken = emptyReplica('n1.i0', 'boot');
  const { state } = write(broken, HASH, []);
  cluster.keep(two, { ...state, seen: two.state.seen });
  two.records.clear();
  const page = serve(one.state, cluster.view(one), askOf(two.state, 'n0'), BIG);
  const receipt = receive(two.state, cluster.view(two), HASH, 'n0', page, 0);
  assert.is(receipt.result, 'complete');
  assert.is(receipt.agrees, false);
  cluster.limits = BIG;
  cluster.everything(1, 0);
  assert.is(two.records.size, 1);
  const again = serve(one.state, cluster.view(one), askOf(two.state, 'n0'), BIG);
  assert.is(receive(two.state, cluster.view(two), HASH, 'n0', again, 0).agrees, true);
});

/** A node that reconciles deletions with b, and a page of c that has to wait for it. */
function reconciling(): { cluster: Cluster; node: Node; fromC: Page } {
  const cluster = new Cluster(1);
  const [node] = cluster.nodes as [Node];
  const floor = new Map([['b.1', 5]]);
  assert.is(take(cluster, node, 'b', pageOf({ floor, complete: complete(['b.1', 5]) })), 'merged');
  const operator: Record = {
    kind: 'operator',
    id: 'p',
    fields: { status: 'active', born: 'c.1:1' },
    dot: { origin: 'c.1', seq: 1 },
  };
  return { cluster, node, fromC: pageOf({ records: [operator], complete: complete(['c.1', 1]) }) };
}

test('a peer that falls silent while deletions are reconciled holds up nobody', () => {
  const { cluster, node, fromC } = reconciling();
  assert.is(take(cluster, node, 'c', fromC), 'waits');
  node.state = stall(node.state, 'b');
  assert.is(take(cluster, node, 'c', fromC), 'complete');
});

test('a peer that never ends the reconciliation of deletions holds up others for so long only', () => {
  const { cluster, node, fromC } = reconciling();
  let pages = 0;
  while (take(cluster, node, 'c', fromC) === 'waits') assert.ok(++pages < 1000);
  assert.ok(pages > 10, `${pages} pages`);
});

test.run();
