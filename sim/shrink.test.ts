import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planClients } from './client-plan.ts';
import { SECOND } from './clock.ts';
import { type Decision, endUs, type Plan, planOf } from './plan.ts';
import { planFaults } from './plan-faults.ts';
import { readScenario } from './scenario.ts';
import { type Attempt, shrink, shrunkScenario, shrunkText } from './shrink.ts';

const PROMISE = 'nothing planted goes wrong';

/** A plan with hundreds of decisions of all kinds. */
function busyPlan(seed: number): Plan {
  return planOf(
    seed,
    {
      ...{ nodes: 5, clients: 8, safetySecs: 1200, flowsPerHour: 120, crashesPerHour: 60 },
      ...{ partitionsPerHour: 40, clockJumpsPerHour: 20, pausesPerHour: 30, linkFaultsPerHour: 30 },
      ...{ skewMs: 5000, lossPpm: 50_000, cacheRecords: 128, restoresPerHour: 5 },
    },
    [planFaults, planClients],
  );
}

/** Steps as a real run would have: rounds of gossip, flows and faults. */
function eventsOf({ options, decisions }: Plan): number {
  const rounds = (options.safetySecs * 1000 * options.nodes ** 2) / options.gossipIntervalMs;
  return Math.ceil(rounds) + 60 * decisions.length + 10 * options.nodes * options.clients;
}

/** Fails when a node crashes while a partition lies on the cluster and a client orders later. */
const planted: Attempt = (plan) => {
  const cuts = plan.decisions.filter(({ kind }) => kind === 'partition');
  const crash = plan.decisions.find((one) => {
    const isIn = cuts.some((cut) => one.atUs >= cut.atUs && one.atUs <= endUs(cut));
    return one.kind === 'crash' && isIn;
  });
  const flow = plan.decisions.find((one) => {
    const isOrder = one.kind === 'client' && one.operation === 'certificate';
    return crash !== undefined && isOrder && one.atUs > crash.atUs;
  });
  const atUs = flow?.atUs ?? 0;
  const isBroken = flow !== undefined && atUs < plan.options.safetySecs * SECOND;
  return { promises: isBroken ? [PROMISE] : [], events: eventsOf(plan), brokenAtUs: atUs };
};

test('when nodes are taken out, what operators do with the others stays about them', () => {
  const remove = {
    kind: 'operator',
    atUs: SECOND,
    node: 0,
    operation: 'remove',
    with: { node: 3 },
  } as const;
  const plan = { ...planOf(1, { nodes: 5, clients: 0 }, []), decisions: [remove] };
  const abouts: unknown[] = [];
  const attempt: Attempt = ({ options, decisions }) => {
    const [act] = decisions;
    if (act?.kind === 'operator') abouts.push([options.nodes, act.with['node']]);
    const isBroken = act?.kind === 'operator';
    return { promises: isBroken ? [PROMISE] : [], events: 10 * options.nodes, brokenAtUs: SECOND };
  };
  const shrunk = shrink(plan, attempt, { maxRuns: 100 });
  assert.ok(shrunk!.plan.options.nodes <= 2);
  assert.ok(abouts.every((each) => (each as number[])[1]! < (each as number[])[0]!));
});

test('a plan that breaks nothing is not shrunk', () => {
  const passes: Attempt = () => ({ promises: [], events: 10, brokenAtUs: 0 });
  assert.is(shrink(busyPlan(1), passes, { maxRuns: 10 }), undefined);
});

test('a planted failure shrinks to what makes it, and its scenario file says so', () => {
  const shrunk = shrink(busyPlan(1), planted, { maxRuns: 2000 });
  assert.ok(shrunk !== undefined);
  const kinds = shrunk.plan.decisions.map(({ kind }) => kind);
  assert.equal(kinds, ['partition', 'crash', 'client']);
  const { nodes, clients, skewMs, lossPpm, cacheRecords } = shrunk.plan.options;
  assert.equal([nodes, clients, skewMs, lossPpm, cacheRecords], [2, 1, 0, 0, 16_384]);
  assert.ok(shrunk.eventsAfter * 5 < shrunk.eventsBefore, shrunkText(shrunk));
  const scenario = readScenario(shrunkScenario(shrunk), 'shrunk.toml');
  assert.equal(scenario.plan, shrunk.plan);
  assert.equal(scenario.expectation, { kind: 'violates', promise: PROMISE });
  assert.match(scenario.why, /^TODO/);
});

test('on average a planted failure keeps at most a fifth of its steps', () => {
  const ratios = [1, 2, 3, 4, 5].map((seed) => {
    const shrunk = shrink(busyPlan(seed), planted, { maxRuns: 400 })!;
    return shrunk.eventsAfter / shrunk.eventsBefore;
  });
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  assert.ok(mean <= 0.2, ratios.map((ratio) => ratio.toFixed(3)).join(' '));
});

test('what never happens, and who is gone, is in no file that it writes', () => {
  const late: Decision = { kind: 'empty', atUs: 60 * SECOND, node: 0, downUs: SECOND };
  const worlds: readonly (readonly [nodes: number, emptied: number, removed: number])[] = [
    [4, 2, 3],
    [2, 0, 0],
  ];
  // Breaks where a node loses its disk in time and another is removed, if there is another.
  const attempt: Attempt = ({ options, decisions }) => {
    const kinds = decisions.map(({ kind }) => kind);
    const isBroken = kinds.includes('empty') && (kinds.includes('operator') || options.nodes === 1);
    const events = options.nodes * 100 + decisions.length;
    return { promises: isBroken ? [PROMISE] : [], events, brokenAtUs: 50 * SECOND };
  };
  for (const [nodes, node, removed] of worlds) {
    const options = { ...busyPlan(1).options, nodes, safetySecs: 60 };
    const removal = { operation: 'remove', with: { node: removed } };
    const decisions: readonly Decision[] = [
      { kind: 'operator', atUs: SECOND, node, ...removal },
      { kind: 'empty', atUs: 3 * SECOND, node, downUs: SECOND },
      late,
    ];
    for (let maxRuns = 0; maxRuns < 40; maxRuns++) {
      const shrunk = shrink({ seed: 1, options, decisions }, attempt, { maxRuns })!;
      assert.equal(readScenario(shrunkScenario(shrunk), 'shrunk.toml').plan, shrunk.plan);
      assert.ok(shrunk.plan.decisions.length < decisions.length);
    }
  }
});

test('it never trades one broken promise for another', () => {
  const attempt: Attempt = (plan, maxEvents) => {
    const outcome = planted(plan, maxEvents);
    const hasMore = plan.decisions.length < 20;
    return hasMore ? { ...outcome, promises: [...outcome.promises, 'another'] } : outcome;
  };
  const shrunk = shrink(busyPlan(1), attempt, { maxRuns: 500 })!;
  assert.is(shrunk.promise, PROMISE);
  assert.ok(shrunk.plan.decisions.length >= 20);
});

test('it stops when its runs are used up, and keeps what it has', () => {
  let runs = 0;
  const counted: Attempt = (plan, maxEvents) => {
    runs++;
    return planted(plan, maxEvents);
  };
  const shrunk = shrink(busyPlan(2), counted, { maxRuns: 25 })!;
  assert.is(shrunk.runs, 25);
  assert.is(runs, 26);
  assert.equal(planted(shrunk.plan, 0).promises, [PROMISE]);
});

test('every step down is told, and none is longer than the one before by more than a little', () => {
  const told: number[] = [];
  shrink(busyPlan(3), planted, { maxRuns: 300, progress: ({ events }) => told.push(events) });
  assert.ok(told.length > 10);
  assert.ok(told.every((events, index) => index === 0 || events <= told[index - 1]! * 1.03));
});

test.run();
