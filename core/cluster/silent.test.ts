// What a node does for which no peers are configured.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { askToJson } from '../crdt/page.ts';
import { descriptorOf, urlOf } from '../testing/cluster.ts';
import { Rig } from '../testing/rig.ts';

function rig(): Rig {
  const page = { records: 50, octets: 100_000 };
  const self = descriptorOf('a');
  const gossip = { self, peers: [], intervalMs: 1000, fanOut: 0, page };
  return new Rig({ node: 'a', gossip: { ...gossip, digestKey: [1, 2, 3, 4] } });
}

function sent(node: Rig): readonly string[] {
  return node.outbox.splice(0).map(({ kind }) => kind);
}

test('a node without configured peers answers who calls it, and calls nobody', () => {
  const node = rig();
  node.submit({ kind: 'introduced', url: null, descriptor: descriptorOf('b') });
  node.advance(5000);
  assert.not.ok(sent(node).includes('ask'));
});

test('a node without configured peers asks one back that calls it and has seen more', () => {
  const node = rig();
  node.submit({ kind: 'introduced', url: null, descriptor: descriptorOf('b') });
  sent(node);
  const vector = new Map([['b.1', 7]]);
  const ask = askToJson({
    origin: 'b.1',
    vector,
    cursor: null,
    chain: '',
    listing: null,
    clockMs: 0,
  });
  node.submit({ kind: 'asked', exchange: 1, from: 'b', ask, push: null });
  assert.equal(sent(node), ['tell', 'ask']);
});

test('a node without configured peers that is put back to an old state serves nevertheless', () => {
  const before = rig();
  before.submit({ kind: 'introduced', url: null, descriptor: descriptorOf('b') });
  const page = { records: 50, octets: 100_000 };
  const self = descriptorOf('a');
  const gossip = { self, peers: [], intervalMs: 1000, fanOut: 0, page };
  const { database, facts } = before;
  facts.delete('replica/established');
  const node = new Rig({
    node: 'a',
    database,
    facts,
    gossip: { ...gossip, digestKey: [1, 2, 3, 4] },
  });
  node.advance(3000);
  assert.ok(node.node.ready);
});

test('once peers are configured it calls them, and once they are not it stops', () => {
  const node = rig();
  const { policy } = node;
  node.submit({ kind: 'configure', policy, peers: [urlOf('b')] });
  node.advance(2000);
  assert.ok(sent(node).includes('introduce'));
  node.submit({ kind: 'introduced', url: urlOf('b'), descriptor: descriptorOf('b') });
  node.advance(2000);
  assert.ok(sent(node).includes('ask'));
  node.submit({ kind: 'configure', policy, peers: [] });
  node.advance(20_000);
  assert.equal(sent(node), []);
});

test.run();
