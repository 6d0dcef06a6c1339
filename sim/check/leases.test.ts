import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Lease } from '../../core/crdt/lattice.ts';
import type { Record } from '../../core/crdt/record.ts';
import { History } from '../testing/history.ts';
import { leases } from './leases.ts';

function lease(node: string, epoch: number): Lease {
  return {
    epoch,
    claimedAt: `00000000000${epoch}-0000-${node}`,
    node,
    renewals: 0,
    released: false,
  };
}

function order(owner: Lease, origin: string, seq: number): Record {
  const fields = { status: 'processing', owner };
  return { kind: 'order', id: 'o', fields, dot: { origin, seq } };
}

/** Two nodes: n0 claims an order, n1 hears of it, and takes it over so many ms later. */
function takeOver(afterMs: number): { history: History; figures: ReadonlyMap<string, number> } {
  const checker = leases();
  const history = new History(checker);
  const claimed = order(lease('n0', 1), 'n0.1', 1);
  history.writes(0, [claimed], 1000);
  history.writes(1, [claimed], 5000);
  history.writes(1, [order(lease('n1', 2), 'n1.1', 1)], 5000 + afterMs);
  return { history, figures: checker.figures!() };
}

test('taking over a lease that is still good is found', () => {
  const { history } = takeOver(149_999);
  assert.equal(history.promises, ['nobody takes over work before its lease has lapsed']);
});

test('taking over a lease that has lapsed is right, and its gap is measured', () => {
  const { history, figures } = takeOver(151_000);
  assert.equal(history.promises, []);
  assert.is(figures.size, 1);
});

test('a result that comes after its lease and is believed is found', () => {
  const history = takeOver(151_000).history;
  const done: Record = { ...order(lease('n1', 2), 'n0.1', 2), fields: { status: 'valid' } };
  history.writes(0, [order(lease('n1', 2), 'n1.1', 1)], 160_000);
  const result = { ok: false, problem: 'serverInternal', detail: '' } as const;
  history.step(0, { kind: 'issued', order: 'o', csr: 'c', result }, [
    {
      kind: 'persist',
      records: [{ ...done, fields: { ...done.fields, owner: lease('n1', 2) } }],
      forget: [],
      facts: new Map(),
    },
  ]);
  assert.equal(history.promises, ['only who holds the lease writes what came of the work']);
});

test('a node that goes on with its own work takes nothing over', () => {
  const history = new History(leases());
  history.writes(0, [order(lease('n0', 1), 'n0.1', 1)], 1000);
  history.writes(0, [order(lease('n0', 2), 'n0.1', 2)], 1001);
  assert.equal(history.promises, []);
});

test.run();
