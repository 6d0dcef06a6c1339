import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Liars } from './liar.ts';
import type { Message } from './message.ts';
import { Network } from './network.ts';
import type { Observation } from './observation.ts';
import { type Options, quiet } from './options.ts';
import type { LinkDecision, PartitionDecision } from './plan.ts';
import { Draws } from './prng.ts';
import { Queue } from './queue.ts';

class Bench {
  readonly queue = new Queue();
  readonly draws: Draws;
  readonly options: Options;
  readonly liars: Liars;
  readonly network: Network;
  readonly arrived: Message[] = [];
  readonly seen: Observation[] = [];

  constructor(options: Partial<Options> = {}, seed = 1) {
    this.draws = new Draws(seed);
    this.options = quiet(options);
    this.liars = new Liars(this.options, this.draws, () => {});
    this.network = new Network(this);
  }

  observe(observation: Observation): void {
    this.seen.push(observation);
  }

  deliver(message: Message): void {
    this.arrived.push(message);
  }

  /** Sends from node 0 to node 1 at each moment and lets everything arrive. */
  send(moments: readonly number[], from = 0, to = 1): readonly number[] {
    for (const atUs of moments) {
      this.queue.add(atUs, () => {
        this.network.send(from, to, { kind: 'unreachable', exchange: atUs, boot: 1 });
      });
    }
    while (this.queue.runNext(Number.POSITIVE_INFINITY));
    return this.arrived.map(({ content }) => ('exchange' in content ? content.exchange : -1));
  }

  dropped(): readonly string[] {
    return this.seen.flatMap((seen) => (seen.kind === 'dropped' ? [seen.why] : []));
  }
}

const MOMENTS = Array.from({ length: 400 }, (_, i) => i * 100);
const CUT: PartitionDecision = {
  kind: 'partition',
  atUs: 0,
  forUs: 1,
  from: [0],
  to: [1, 2],
  bothWays: false,
};

test('nothing passes a cut, and only in its direction', () => {
  const bench = new Bench();
  bench.network.cut(CUT, false);
  assert.equal(bench.send(MOMENTS), []);
  assert.is(bench.dropped().length, MOMENTS.length);
  assert.is(bench.send([1], 1, 0).length, 1);
  assert.is(bench.send([1], 0, 3).length, 2);
});

test('what is on its way when the cut comes is lost as well', () => {
  const bench = new Bench({ delayUs: 10_000 });
  bench.queue.add(50, () => bench.network.cut(CUT, false));
  assert.equal(bench.send([1]), []);
  assert.equal(bench.dropped(), ['cut']);
});

test('two cuts of one link are over when both are', () => {
  const bench = new Bench();
  bench.network.cut(CUT, false);
  bench.network.cut({ ...CUT, bothWays: true }, false);
  bench.network.cut(CUT, true);
  assert.equal(bench.send([1]), []);
  bench.network.cut({ ...CUT, bothWays: true }, true);
  assert.equal(bench.send([2]), [2]);
});

test('messages of one link arrive in order unless they may overtake', () => {
  assert.equal(new Bench({ delayUs: 50_000 }).send(MOMENTS), MOMENTS);
  const mixed = new Bench({ delayUs: 50_000, reorderPpm: 300_000 }).send(MOMENTS);
  assert.is.not(JSON.stringify(mixed), JSON.stringify(MOMENTS));
  assert.equal(
    [...mixed].sort((a, b) => a - b),
    MOMENTS,
  );
});

test('loss, duplication and damage come at their rates', () => {
  const lossy = new Bench({ lossPpm: 250_000 });
  const left = lossy.send(MOMENTS).length;
  assert.ok(left > 260 && left < 340, `${left}`);
  assert.ok(lossy.dropped().every((why) => why === 'lost'));
  const double = new Bench({ duplicatePpm: 250_000 }).send(MOMENTS).length;
  assert.ok(double > 460 && double < 540, `${double}`);
  const damaged = new Bench({ corruptPpm: 250_000 });
  assert.ok(damaged.send(MOMENTS).length < 340);
  assert.ok(damaged.dropped().every((why) => why === 'damaged'));
});

test('a message fares as it does whatever else is sent on its link', () => {
  const options = { lossPpm: 200_000, duplicatePpm: 100_000, reorderPpm: 500_000 };
  const all = new Bench(options).send(MOMENTS);
  const half = new Bench(options).send(MOMENTS.filter((atUs) => atUs % 200 === 0));
  assert.equal(
    [...half].sort((a, b) => a - b),
    all.filter((atUs) => atUs % 200 === 0).sort((a, b) => a - b),
  );
});

test('a bad link is bad in its direction and while it lasts', () => {
  const bench = new Bench();
  const bad: LinkDecision = {
    kind: 'link',
    atUs: 0,
    forUs: 1,
    from: 0,
    to: 1,
    delayUs: 1,
    lossPpm: 1_000_000,
    duplicatePpm: 0,
    corruptPpm: 0,
  };
  bench.network.worsen(bad, false);
  assert.equal(bench.send([1]), []);
  assert.is(bench.send([1], 1, 0).length, 1);
  bench.network.worsen(bad, true);
  assert.is(bench.send([1]).length, 2);
});

test('a healed network loses nothing', () => {
  const bench = new Bench({ lossPpm: 1_000_000, corruptPpm: 1_000_000 });
  bench.network.cut(CUT, false);
  bench.network.heal();
  assert.equal(bench.send(MOMENTS), MOMENTS);
});

test.run();
