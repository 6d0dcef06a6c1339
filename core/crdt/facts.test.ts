import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { changedFacts, replicaFrom } from './facts.ts';
import { first } from './lattice.ts';
import { emptyReplica, type ReplicaState, reincarnate, write } from './replica.ts';
import { HASH } from './testing/hash.ts';

const AT = '000000000001-0000-a';
const EMPTY = emptyReplica('n.1', 'boot');

function apply(
  facts: Map<string, string>,
  before: ReplicaState | undefined,
  after: ReplicaState,
): void {
  for (const [name, value] of changedFacts(before, after)) {
    if (value === null) facts.delete(name);
    else facts.set(name, value);
  }
}

test('facts that make no sense are named', () => {
  const facts = new Map([['replica/origin', 'n.1']]);
  const bad = [
    ['replica/origin', 'nonsense'],
    ['replica/seq', '-1'],
    ['replica/seq', 'x'],
    ['replica/seen/n', '4'],
    ['replica/seen/n.1', '0'],
    ['replica/digest/7', 'ff'],
    ['replica/digest/x', '0'.repeat(32)],
    ['replica/tomorrow', '1'],
  ] as const;
  for (const [name, value] of bad) {
    assert.equal(replicaFrom(new Map([...facts, [name, value]]), 'boot'), { broken: name });
  }
});

test('a database without a replica has none; facts of others are left alone', () => {
  assert.is(replicaFrom(new Map([['node', 'x']]), 'boot'), undefined);
  const facts = new Map([['node', 'x']]);
  apply(facts, undefined, EMPTY);
  assert.equal(replicaFrom(facts, 'boot'), EMPTY);
});

test('a replica survives as its changes, and a write changes only a few facts', () => {
  const made = { made: first(AT, 1) };
  const change = { kind: 'account', id: 'a', before: undefined, fields: made };
  const facts = new Map<string, string>();
  apply(facts, undefined, EMPTY);
  const written = write(EMPTY, HASH, [change]).state;
  assert.equal([...changedFacts(EMPTY, written).keys()], ['replica/seq', 'replica/digest/-1']);
  apply(facts, EMPTY, written);
  const seen: ReplicaState = {
    ...written,
    seen: new Map([['b.1', 4]]),
    ahead: new Map([['b.2', 2]]),
    floor: new Map([['b.1', 1]]),
    peerDay: 3,
    digest: { ...written.digest, horizonDay: 2 },
  };
  apply(facts, written, seen);
  assert.equal(replicaFrom(facts, 'boot'), seen);
  const moved = reincarnate({ ...seen, ahead: new Map() }, 'n.2');
  apply(facts, seen, moved);
  assert.equal(replicaFrom(facts, 'boot'), moved);
});

test('fetches end with the process', () => {
  const pull = { cursor: null, chain: 'x', everything: true, listing: null };
  const facts = new Map<string, string>();
  apply(facts, undefined, { ...EMPTY, pulls: new Map([['p', pull]]), chains: 4, generation: 2 });
  assert.equal(replicaFrom(facts, 'next'), emptyReplica('n.1', 'next'));
});

test.run();
