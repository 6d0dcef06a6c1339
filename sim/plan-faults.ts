// Which faults a seed has: for each kind and each machine a sequence of moments, from the rates of
// the options. Invariant: the draws of a fault depend on its kind, its machine and its number only,
// so other rates or fewer machines leave it as it is. Never here: what faults do (faults.ts).

import { HOUR, MS, SECOND } from './clock.ts';
import type { Options } from './options.ts';
import type { Fault } from './plan.ts';
import { type Draws, type Sequence, stream } from './prng.ts';

/** Makes one fault at a moment of an entity. */
type Make = (draw: Sequence, atUs: number, entity: number, options: Options) => Fault;

interface Kind {
  readonly name: string;
  readonly rate: keyof Options;
  /** One sequence for each machine, or one for the cluster, if it has two machines at least. */
  readonly each: 'node' | 'cluster';
  readonly make: Make;
}

/** Boundaries a crash may wait for: a busy request has about a dozen. */
const BOUNDARIES = 24;
const MOST_FAULTS = 100_000;

const KINDS: readonly Kind[] = [
  {
    name: 'crash',
    rate: 'crashesPerHour',
    each: 'node',
    make: (draw, atUs, node, options) => {
      const boundary = draw.below(BOUNDARIES);
      const unsynced = draw.chance(600_000);
      return { kind: 'crash', atUs, node, boundary, unsynced, downUs: lengthUs(draw, options) };
    },
  },
  {
    name: 'pause',
    rate: 'pausesPerHour',
    each: 'node',
    make: (draw, atUs, node, options) => {
      const suspend = draw.chance(300_000);
      return { kind: 'pause', atUs, node, suspend, forUs: lengthUs(draw, options) };
    },
  },
  { name: 'clock', rate: 'clockJumpsPerHour', each: 'node', make: makeClock },
  {
    name: 'disk',
    rate: 'diskFaultsPerHour',
    each: 'node',
    make: (draw, atUs, node, options) => {
      const fails = draw.chance(500_000);
      const slowdown = fails ? 1 : draw.pick([5, 50, 500]);
      return { kind: 'disk', atUs, node, fails, slowdown, forUs: lengthUs(draw, options) };
    },
  },
  {
    name: 'restore',
    rate: 'restoresPerHour',
    each: 'node',
    make: (draw, atUs, node, options) => {
      const backupUs = draw.below(atUs + 1);
      return { kind: 'restore', atUs, node, backupUs, downUs: lengthUs(draw, options) };
    },
  },
  {
    name: 'empty',
    rate: 'emptiesPerHour',
    each: 'node',
    make: (draw, atUs, node, options) => {
      return { kind: 'empty', atUs, node, downUs: lengthUs(draw, options) };
    },
  },
  {
    name: 'clone',
    rate: 'clonesPerHour',
    each: 'node',
    make: (draw, atUs, node, options) => {
      const source = (node + 1 + draw.below(Math.max(1, options.nodes - 1))) % options.nodes;
      return { kind: 'clone', atUs, node, source, downUs: lengthUs(draw, options) };
    },
  },
  {
    name: 'reload',
    rate: 'reloadsPerHour',
    each: 'node',
    make: (draw, atUs, node) => {
      const hours = draw.pick([1, 6, 24, 24 * 7]);
      return { kind: 'reload', atUs, node, policy: { orderExpiryMs: hours * (HOUR / MS) } };
    },
  },
  { name: 'partition', rate: 'partitionsPerHour', each: 'cluster', make: makePartition },
  { name: 'link', rate: 'linkFaultsPerHour', each: 'cluster', make: makeLink },
];

/** All faults of a seed. */
export function planFaults(draws: Draws, options: Options): readonly Fault[] {
  const endUs = options.safetySecs * SECOND;
  return KINDS.flatMap((kind) => {
    const rate = options[kind.rate];
    if (rate === 0 || (kind.each === 'cluster' && options.nodes < 2)) return [];
    const entities = kind.each === 'node' ? options.nodes : 1;
    return Array.from({ length: entities }, (_, entity) => {
      return momentsOf(draws, `fault.${kind.name}`, entity, HOUR / rate, endUs).map(
        (atUs, count) => {
          const draw = draws.sequence(stream(`fault.${kind.name}.${count}`), entity);
          return kind.make(draw, atUs, entity, options);
        },
      );
    }).flat();
  });
}

/** Moments with exponential gaps of this mean, before the end. */
export function momentsOf(
  draws: Draws,
  name: string,
  entity: number,
  meanUs: number,
  endUs: number,
): readonly number[] {
  const gaps = draws.sequence(stream(name), entity);
  const moments: number[] = [];
  let atUs = gaps.exponential(Math.floor(meanUs));
  while (atUs < endUs && moments.length < MOST_FAULTS) {
    moments.push(atUs);
    atUs += gaps.exponential(Math.floor(meanUs)) + 1;
  }
  return moments;
}

/** A fault lasts a tenth of a second at least. */
function lengthUs(draw: Sequence, { faultSecs }: Options): number {
  return SECOND / 10 + draw.exponential(faultSecs * SECOND);
}

function makeClock(draw: Sequence, atUs: number, node: number, options: Options): Fault {
  const forUs = lengthUs(draw, options);
  const still = { kind: 'clock', atUs, node, forUs, wallByUs: 0, monoByUs: 0 } as const;
  const even = { wallPpm: 0, monoPpm: 0 };
  switch (draw.below(4)) {
    case 0: {
      const most = draw.pick([SECOND, 60 * SECOND, HOUR, 24 * 40 * HOUR]);
      return { ...still, ...even, wallByUs: draw.between(-most, most) };
    }
    case 1:
      return { ...still, ...even, monoByUs: draw.between(1, 600 * SECOND) };
    case 2:
      // The wall clock stands still.
      return { ...still, wallPpm: -SECOND, monoPpm: 0 };
    default: {
      const ppm = draw.pick([-500_000, -20_000, 20_000, 1_000_000]);
      return { ...still, wallPpm: ppm, monoPpm: draw.pick([0, ppm]) };
    }
  }
}

function makePartition(draw: Sequence, atUs: number, _: number, options: Options): Fault {
  const order = shuffled(draw, options.nodes);
  const split = draw.between(1, options.nodes - 1);
  // A partial cut leaves out machines that still reach both sides.
  const rest = order.slice(split);
  const to = draw.chance(300_000) ? rest.slice(0, draw.between(1, rest.length)) : rest;
  const bothWays = draw.chance(700_000);
  const forUs = lengthUs(draw, options);
  return {
    kind: 'partition',
    atUs,
    forUs,
    from: sortedList(order.slice(0, split)),
    to: sortedList(to),
    bothWays,
  };
}

function makeLink(draw: Sequence, atUs: number, _: number, options: Options): Fault {
  const from = draw.below(options.nodes);
  const to = (from + 1 + draw.below(options.nodes - 1)) % options.nodes;
  return {
    kind: 'link',
    atUs,
    forUs: lengthUs(draw, options),
    from,
    to,
    delayUs: draw.pick([options.delayUs, 300_000, 2_000_000]),
    lossPpm: draw.pick([0, 100_000, 900_000]),
    duplicatePpm: draw.pick([0, 300_000]),
    corruptPpm: draw.pick([0, 0, 100_000]),
  };
}

function shuffled(draw: Sequence, count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i > 0; i--) {
    const j = draw.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function sortedList(list: readonly number[]): readonly number[] {
  return [...list].sort((a, b) => a - b);
}
