import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyText, type Record } from '../core/crdt/record.ts';
import { goesAhead } from '../core/effect.ts';
import { defaultPlan } from './cast.ts';
import type { Checker, Finding } from './checker.ts';
import type { Changes, CrashPoint, Observation } from './observation.ts';
import { quiet, resolve } from './options.ts';
import { type Decision, type Plan, planOf } from './plan.ts';
import { planFaults } from './plan-faults.ts';
import { type Cast, type Result, run } from './run.ts';
import { firstClients, planFlows } from './testing/first-client.ts';

const CAST: Cast = { actors: [firstClients], checkers: [] };
/** Everything that stops and starts processes, and nothing else. */
const ROUGH = quiet({
  nodes: 3,
  clients: 6,
  safetySecs: 60,
  flowsPerHour: 720,
  diskUs: 30_000,
  gossipIntervalMs: 5000,
  pageRecords: 3,
  cacheRecords: 64,
  crashesPerHour: 600,
  diskFaultsPerHour: 60,
  pausesPerHour: 60,
  faultSecs: 1,
});

function planFor(seed: number, options = ROUGH): Plan {
  return planOf(seed, options, [planFaults, planFlows]);
}

function watch(seed: number, see: (observation: Observation) => void): Result {
  return run(planFor(seed), { ...CAST, traceSink: see });
}

test('the same seed gives the same trace, another one another', () => {
  const plan = defaultPlan(7, { safetySecs: 60 });
  const first = run(plan, CAST);
  assert.equal(run(plan, CAST), first);
  assert.is.not(run(defaultPlan(8, { safetySecs: 60 }), CAST).traceHash, first.traceHash);
});

test('who looks on changes nothing', () => {
  const curious = (): Checker => ({
    name: 'curious',
    watches: ['step', 'durable', 'crash', 'sent'],
    observe: (_, world) => {
      for (const node of world.nodes) node.disk.size;
      return undefined;
    },
    atEnd: () => [],
  });
  const plan = planFor(3);
  assert.is(run(plan, { ...CAST, checkers: [curious] }).traceHash, run(plan, CAST).traceHash);
});

test('what is set for the end of the safety phase or later never happens', () => {
  const plan = planFor(3, { ...ROUGH, safetySecs: 10, clients: 1 });
  const late = [10_000_000, 10_000_001].map((atUs): Decision => {
    return { kind: 'client', atUs, client: 0, operation: 'certificate', with: {} };
  });
  const more = { ...plan, decisions: [...plan.decisions, ...late] };
  assert.is(run(more, CAST).traceHash, run(plan, CAST).traceHash);
});

test('a broken promise is a safety violation, with who, when and how', () => {
  const finding: Finding = { promise: 'nothing happens', nodes: [1], story: ['it happened'] };
  const strict = (): Checker => ({
    name: 'strict',
    watches: ['reply'],
    observe: (seen) => (seen.kind === 'reply' && seen.call === 3 ? finding : undefined),
    atEnd: () => [],
  });
  const { verdict, violations } = run(planFor(3), { ...CAST, checkers: [strict] });
  assert.is(verdict, 'safety');
  assert.is(violations.length, 1);
  assert.is(violations[0]!.checker, 'strict');
  assert.ok(violations[0]!.atUs > 0);
});

test('what never settles is a liveness violation, at the bound', () => {
  const restless = (): Checker => ({
    name: 'restless',
    watches: [],
    observe: () => undefined,
    unsettled: () => 'never content',
    atEnd: () => [],
  });
  const plan = planFor(3, { ...ROUGH, safetySecs: 10, livenessSecs: 20 });
  const result = run(plan, { ...CAST, checkers: [restless] });
  assert.is(result.verdict, 'liveness');
  assert.is(result.virtualUs, 30_000_000);
  assert.match(result.violations[0]!.story[0]!, /never content/);
});

test('a node that throws is a crash, and the run ends there', () => {
  const result = run(planFor(3), {
    ...CAST,
    build: (sound) => ({
      ...sound,
      issue: () => {
        throw new Error('the signer is broken');
      },
    }),
  });
  assert.is(result.verdict, 'crash');
  assert.match(result.failure ?? '', /the signer is broken/);
});

/** What some rough seeds showed; they are run once for all the tests that look at it. */
const POINTS = new Set<string>();
const LOSSES: string[] = [];
const EARLY: string[] = [];
const COUNTS = { crashes: 0, lostChanges: 0, starts: 0, visible: 0 };

const EFFECTS = ['persist', 'respond', 'load', 'validate', 'issue', 'wake', 'ask', 'tell', 'mark'];
const WANTED_POINTS: readonly string[] = [
  ...['idle', 'commit', 'durable'],
  ...['respond', 'load', 'ask', 'tell'].map((kind) => `visible ${kind}`),
  ...EFFECTS.map((kind) => `effect ${kind}`),
];
const LEAST_SEEDS = 12;
const MOST_SEEDS = 60;

const missingPoints = (): readonly string[] => WANTED_POINTS.filter((at) => !POINTS.has(at));
for (let seed = 1; seed <= MOST_SEEDS; seed++) {
  if (seed > LEAST_SEEDS && missingPoints().length === 0) break;
  const [losses, order] = [lossWatch(), orderWatch((text) => EARLY.push(text))];
  watch(seed, (seen) => {
    if (seen.kind === 'crash') POINTS.add(pointText(seen.point));
    losses(seen);
    order(seen);
  });
}

test('crashes fall before every effect, around commits, before what is visible, and idle', () => {
  assert.equal(missingPoints(), []);
});

test('a build that does not wait for the disk shows what it then loses', () => {
  let early = 0;
  const build: NonNullable<Cast['build']> = (sound) => ({ ...sound, waitsForDisk: false });
  const order = orderWatch((text) => {
    early++;
    assert.ok(text.length > 0);
  });
  run(planFor(1), { ...CAST, build, traceSink: order });
  assert.ok(early > 10, `${early}`);
});

test('a process begins with exactly what was durable, and a crash loses exactly the rest', () => {
  assert.equal(LOSSES, []);
  assert.ok(COUNTS.crashes > 100 && COUNTS.starts > 100, JSON.stringify(COUNTS));
  assert.ok(COUNTS.lostChanges > 20, JSON.stringify(COUNTS));
});

test('nothing becomes visible before the changes that came before it are durable', () => {
  assert.equal(EARLY, []);
  assert.ok(COUNTS.visible > 10_000, JSON.stringify(COUNTS));
});

test('taking a decision out of a plan leaves the others as they are', () => {
  const one = planFor(5);
  const other = planFor(5, { ...ROUGH, pausesPerHour: 0 });
  const rest = one.decisions.filter(({ kind }) => kind !== 'pause');
  assert.ok(rest.length < one.decisions.length);
  assert.equal(other.decisions, rest);
});

test('a quiet world has no faults, and all its clients get their certificates', () => {
  const plan = planFor(1, quiet({ nodes: 3, safetySecs: 120 }));
  const notes: string[] = [];
  const result = run(plan, {
    ...CAST,
    traceSink: (seen) => {
      if (seen.kind === 'note') notes.push(seen.text);
    },
  });
  assert.is(result.verdict, 'pass');
  assert.is(result.counts['crash'], undefined);
  assert.ok(notes.length > 0);
  assert.ok(notes.every((note) => note.endsWith('has its certificate')));
});

test('options not given are the seed’s, and those given are not', () => {
  assert.equal(resolve(11), resolve(11));
  assert.is(resolve(11, { nodes: 9 }).nodes, 9);
  const { nodes: _, ...rest } = resolve(11);
  const { nodes: __, ...same } = resolve(11, { nodes: 9 });
  assert.equal(same, rest);
});

/** Compares every disk with what was made durable, and every loss with what was not. */
function lossWatch(): (seen: Observation) => void {
  const disks = new Map<number, Map<string, Record>>();
  const pending = new Map<number, Changes[]>();
  const expect = (isRight: boolean, what: string): void => {
    if (!isRight) LOSSES.push(what);
  };
  return (seen) => {
    if (!('node' in seen)) return;
    const rows = entryOf(disks, seen.node, () => new Map<string, Record>());
    const open = entryOf(pending, seen.node, (): Changes[] => []);
    if (seen.kind === 'step') {
      for (const effect of seen.effects) if (effect.kind === 'persist') open.push(effect);
    } else if (seen.kind === 'durable') {
      const due = open.splice(0, seen.changes.length);
      expect(isSame(due, seen.changes), `durable out of order at ${seen.atUs}`);
      for (const { records, forget } of seen.changes) {
        for (const record of records) rows.set(keyText(record), record);
        for (const key of forget) rows.delete(keyText(key));
      }
    } else if (seen.kind === 'crash' || seen.kind === 'stop') {
      COUNTS.crashes++;
      COUNTS.lostChanges += seen.lost.length;
      // What the step returned behind the point of the crash never entered the log.
      const entered = open.slice(0, seen.lost.length);
      expect(isSame(entered, seen.lost), `another loss at ${seen.atUs}`);
      pending.set(seen.node, []);
    } else if (seen.kind === 'start') {
      COUNTS.starts++;
      expect(seen.disk.size === rows.size, `another size at ${seen.atUs}`);
      for (const record of seen.disk.records()) {
        expect(rows.get(keyText(record)) === record, `${keyText(record)} at ${seen.atUs}`);
      }
    }
  };
}

/** Finds effects that became visible too early, and loads that read too late. */
function orderWatch(tell: (text: string) => void): (seen: Observation) => void {
  const nodes = new Map<number, { made: number; durable: number; due: Map<object, number> }>();
  return (seen) => {
    if (!('node' in seen)) return;
    if (seen.kind === 'start') nodes.delete(seen.node);
    const node = entryOf(nodes, seen.node, () => ({ made: 0, durable: 0, due: new Map() }));
    if (seen.kind === 'durable') node.durable += seen.changes.length;
    // What only asks need not wait (core/effect.ts).
    const isFree = seen.kind === 'visible' && goesAhead(seen.effect);
    if (seen.kind === 'visible' && !isFree) {
      COUNTS.visible++;
      const due = node.due.get(seen.effect) ?? Number.POSITIVE_INFINITY;
      const isLoad = seen.effect.kind === 'load';
      const isRight = isLoad ? node.durable === due : node.durable >= due;
      if (!isRight) tell(`${seen.effect.kind} at ${seen.atUs}`);
    }
    if (seen.kind !== 'step') return;
    for (const effect of seen.effects) {
      if (effect.kind === 'persist') node.made++;
      else node.due.set(effect, node.made);
    }
  };
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function pointText(point: CrashPoint): string {
  return 'next' in point ? `${point.at} ${point.next}` : point.at;
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

test.run();
