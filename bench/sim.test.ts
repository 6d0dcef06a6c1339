import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { renderSim, runSim } from './sim.ts';

const options = { command: 'sim', seeds: 10, rounds: 3, asJson: false } as const;

test('a seed that fails is told, and the median round counts', () => {
  const rounds = [1000, 2000, 4000].map((elapsedMs) => {
    return { elapsedMs, cpuMs: elapsedMs / 2, events: 100_000, virtualUs: 7_200_000_000 };
  });
  const failures = ['seed 4: safety'];
  const text = renderSim({ options, node: 'v20.0.0', rounds, calmRounds: rounds, failures });
  assert.match(text, /events a second +50000 \(100000 a CPU second\)\n/);
  assert.match(text, /simulated hours a minute +60.0 \(3600 times real time, 7200 by CPU time\)/);
  assert.match(text, /seeds a minute +300\n/);
  assert.match(text, /FAILURE seed 4: safety/);
});

test('each round runs the same events', () => {
  const { rounds } = runSim({ ...options, seeds: 1, rounds: 2 }, () => {});
  assert.is(rounds.length, 2);
  assert.is(rounds[0]!.events, rounds[1]!.events);
  assert.ok(rounds[0]!.events > 1000, `${rounds[0]!.events}`);
  assert.ok(rounds[0]!.cpuMs > 0, `${rounds[0]!.cpuMs}`);
});

test.run();
