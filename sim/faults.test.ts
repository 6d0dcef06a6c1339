import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MINUTE, SECOND } from './clock.ts';
import type { Observation } from './observation.ts';
import { type Options, quiet } from './options.ts';
import { type Decision, type Fault, sorted } from './plan.ts';
import { planFaults } from './plan-faults.ts';
import { Draws } from './prng.ts';
import { run } from './run.ts';
import { firstClients, planFlows } from './testing/first-client.ts';

const OPTIONS = quiet({ nodes: 2, clients: 2, safetySecs: 120, flowsPerHour: 240 });

/** A quiet world with these faults; everything seen of it. */
function see(faults: readonly Fault[], options: Options = OPTIONS): readonly Observation[] {
  const seen: Observation[] = [];
  const flows = planFlows(new Draws(1), options);
  const decisions = sorted([...faults, ...(flows as readonly Decision[])]);
  const plan = { seed: 1, options, decisions };
  const result = run(plan, {
    actors: [firstClients],
    checkers: [],
    traceSink: (observation) => seen.push(observation),
  });
  assert.is(result.verdict, 'pass', result.failure ?? result.violations[0]?.story[0] ?? '');
  return seen;
}

function kinds(seen: readonly Observation[], node: number): readonly string[] {
  return seen
    .filter((one) => 'node' in one && one.node === node)
    .map(({ kind }) => kind)
    .filter((kind) => ['start', 'crash', 'stop', 'disk'].includes(kind));
}

test('a crash loses the process, and it comes back after its down time', () => {
  const seen = see([{ kind: 'crash', atUs: MINUTE, node: 1, boundary: 3, downUs: 20 * SECOND }]);
  assert.equal(kinds(seen, 1), ['start', 'crash', 'start']);
  const [, crash, start] = seen.filter(({ kind }) => kind === 'start' || kind === 'crash').slice(1);
  assert.is(start!.atUs - crash!.atUs, 20 * SECOND);
});

test('a restored node has what it had when the backup was taken', () => {
  const sizes = new Map<number, number>();
  const seen = see([
    { kind: 'restore', atUs: 90 * SECOND, node: 0, backupUs: 30 * SECOND, downUs: SECOND },
  ]);
  let size = 0;
  for (const one of seen) {
    if (one.kind === 'durable' && one.node === 0) {
      for (const { records } of one.changes) size += records.length;
      sizes.set(one.atUs, size);
    }
  }
  const disk = seen.find(({ kind }) => kind === 'disk');
  assert.ok(disk?.kind === 'disk' && disk.how === 'restored');
  assert.is(disk.ofUs, 30 * SECOND);
  assert.equal(kinds(seen, 0), ['start', 'crash', 'disk', 'start']);
});

test('an emptied node comes back without anything but gets it again from the other', () => {
  let atStart = -1;
  let atEnd = -1;
  const seen = see([{ kind: 'empty', atUs: 100 * SECOND, node: 0, downUs: SECOND }]);
  for (const one of seen) {
    if (one.kind === 'disk') atStart = one.disk.size;
    if (one.kind === 'start' && one.node === 0) atEnd = one.disk.size;
  }
  // The disk is live: by the end of the run it holds what the other node gave it.
  assert.ok(atStart === atEnd && atEnd > 0, `${atStart} ${atEnd}`);
});

test('a paused node takes no input, and what came meanwhile is not lost', () => {
  const pause = {
    kind: 'pause',
    atUs: MINUTE,
    node: 0,
    suspend: true,
    forUs: 10 * SECOND,
  } as const;
  const seen = see([pause]);
  const steps = seen.filter((one) => one.kind === 'step' && one.node === 0);
  const inside = steps.filter(({ atUs }) => atUs > MINUTE && atUs < MINUTE + 10 * SECOND);
  assert.is(inside.length, 0);
  const [last] = steps.filter(({ atUs }) => atUs <= MINUTE).slice(-1);
  const [next] = steps.filter(({ atUs }) => atUs >= MINUTE + 10 * SECOND);
  assert.ok(last?.kind === 'step' && next?.kind === 'step');
  assert.ok(next.now.wallMs - last.now.wallMs >= 9000);
  assert.ok(next.now.monoMs - last.now.monoMs < next.now.wallMs - last.now.wallMs - 8000);
});

test('a failing disk stops the node, which starts again from what is durable', () => {
  const seen = see([
    { kind: 'disk', atUs: 10 * SECOND, node: 0, fails: true, slowdown: 1, forUs: 100 * SECOND },
  ]);
  assert.equal(kinds(seen, 0), ['start', 'stop', 'start']);
});

test('clocks that were turned are right again after healing', () => {
  const seen = see([
    {
      kind: 'clock',
      atUs: MINUTE,
      node: 1,
      forUs: 1000 * MINUTE,
      wallByUs: -5 * MINUTE,
      monoByUs: MINUTE,
      wallPpm: 20_000,
      monoPpm: -20_000,
    },
  ]);
  const skewOf = (one: Observation): number => {
    return one.kind === 'step' ? one.now.wallMs - 1_800_000_000_000 - one.atUs / 1000 : 0;
  };
  const steps = seen.filter((one) => one.kind === 'step' && one.node === 1);
  const bent = steps.filter(({ atUs }) => atUs > MINUTE && atUs < 120 * SECOND);
  assert.ok(bent.length > 10 && bent.every((one) => skewOf(one) < -290_000));
  const healed = steps.filter(({ atUs }) => atUs > 120 * SECOND);
  assert.ok(healed.every((one) => Math.abs(skewOf(one)) <= 1));
});

test('planned faults lie in the safety phase, and every kind that has a rate comes', () => {
  const rates = {
    crashesPerHour: 60,
    pausesPerHour: 60,
    clockJumpsPerHour: 60,
    diskFaultsPerHour: 60,
    restoresPerHour: 60,
    emptiesPerHour: 60,
    clonesPerHour: 60,
    partitionsPerHour: 60,
    linkFaultsPerHour: 60,
    reloadsPerHour: 60,
  };
  const options = quiet({ nodes: 3, safetySecs: 3600, ...rates });
  const faults = planFaults(new Draws(1), options);
  assert.is(new Set(faults.map(({ kind }) => kind)).size, 10);
  assert.ok(faults.every(({ atUs }) => atUs >= 0 && atUs < 3600 * SECOND));
  for (const fault of faults) {
    if (fault.kind !== 'partition') continue;
    assert.ok(fault.from.length > 0 && fault.to.length > 0);
    assert.not.ok(fault.from.some((node) => fault.to.includes(node)));
  }
  assert.equal(planFaults(new Draws(1), quiet({ nodes: 3 })), []);
  const fewer = planFaults(new Draws(1), {
    ...options,
    nodes: 2,
    partitionsPerHour: 0,
    linkFaultsPerHour: 0,
    clonesPerHour: 0,
  });
  const same = faults.filter((fault) => {
    return 'node' in fault && fault.node < 2 && fault.kind !== 'clone';
  });
  assert.equal(fewer, same);
});

test.run();
