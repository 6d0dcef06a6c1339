// Tests of what the gossip benchmark compares.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RoundCost } from './gossip.ts';
import { idleRatios, renderGossip } from './gossip-report.ts';

function cost(held: number, changes: number, octets: number, cpuMs: number): RoundCost {
  return { held, nodes: 3, changes, rounds: 10, octets, messages: 2, cpuMs };
}

const RESULT = {
  options: { command: 'gossip', isQuick: true, asJson: false, directory: undefined },
  isInMemory: false,
  rounds: [cost(1_000, 0, 500, 4), cost(1_000, 10, 900, 9), cost(100_000, 0, 1_000, 6)],
  visibility: [
    {
      nodes: 3,
      load: 'idle',
      everywhereMs: [30, 20, 40],
      certsPerSecond: 0,
      othersPercent: 1,
      failures: [],
    },
  ],
  failures: [],
} as const;

test('a failure is in the report, with its words', () => {
  const failures = ['2 nodes lack it'];
  assert.match(renderGossip({ ...RESULT, failures }), /1 FAILURES\n {2}2 nodes lack it/);
});

test('idle rounds are compared between fewest and most records held, by nodes', () => {
  assert.equal(idleRatios(RESULT.rounds), [{ nodes: 3, octets: 2, cpu: 1.5 }]);
  assert.match(renderGossip(RESULT), /3 nodes: 2\.00 times the octets, 1\.50 times the CPU/);
});

test('what a change costs stands beside what the round costs', () => {
  assert.match(renderGossip(RESULT), /^1000 +3 +10 +2\.00 +900 +90\.0 +9\.00 +900$/m);
});

test.run();
