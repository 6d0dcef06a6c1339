// Every setting of a run: name, default, bounds and what a swarm picks from, in one table. A seed
// that is not told otherwise takes its settings from the swarm column, so that each seed lives in
// another world and whole kinds of faults are missing from some.
// Invariant: all values are whole numbers within their bounds; a resolved set names every option.
// Never here: what the settings do, argv.
//
// Legend: `swarm` is the list a seed picks from (repeat a value to make it likelier); switches are
// 0 or 1; probabilities are in millionths (Ppm); rates are per hour of virtual time.

import { Draws, stream } from './prng.ts';

export interface OptionSpec {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly swarm?: readonly number[];
  readonly about: string;
}

export const OPTIONS = {
  nodes: { default: 3, min: 1, max: 32, swarm: [1, 2, 3, 3, 4, 5], about: 'nodes of the cluster' },
  clients: { default: 4, min: 0, max: 500, swarm: [1, 2, 4, 8, 16], about: 'ACME clients' },
  safetySecs: {
    default: 600,
    min: 1,
    max: 100_000_000,
    swarm: [300, 600, 1200],
    about: 'length of the safety phase, with faults',
  },
  livenessSecs: {
    default: 900,
    min: 1,
    max: 1_000_000,
    about: 'bound of the liveness phase, in which everything must settle',
  },

  flowsPerHour: {
    default: 60,
    min: 0,
    max: 100_000,
    swarm: [20, 60, 240],
    about: 'whole ACME flows a client begins in an hour',
  },
  sticky: {
    min: 0,
    max: 1,
    default: 1,
    swarm: [0, 0, 0, 1],
    about: 'a client stays with the node it first drew',
  },
  clientTimeoutMs: { default: 15_000, min: 1, max: 600_000, about: 'a client waits this long' },
  operatorsPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 12, 60],
    about: 'acts of the operators: looking, revoking, deactivating',
  },
  serverFailPpm: {
    min: 0,
    max: 1_000_000,
    default: 0,
    swarm: [0, 0, 20_000, 200_000],
    about: 'a server of the internet fails one probe',
  },

  cacheRecords: {
    default: 16_384,
    min: 16,
    max: 1_000_000,
    swarm: [16_384, 16_384, 1024, 128],
    about: 'records a node keeps warm',
  },
  nonceWindow: {
    default: 65_536,
    min: 8,
    max: 4_194_304,
    about: 'unspent nonces a node remembers, a multiple of 8',
  },
  gossipIntervalMs: {
    default: 1000,
    min: 10,
    max: 3_600_000,
    swarm: [500, 2000, 5000, 30_000],
    about: 'time between two rounds of a node',
  },
  fanOut: { default: 0, min: 0, max: 32, swarm: [0, 0, 1, 2], about: 'peers of a round; 0: all' },
  pageRecords: {
    default: 1000,
    min: 1,
    max: 10_000,
    swarm: [1000, 50, 3],
    about: 'records of one gossip page',
  },
  pageBytes: {
    default: 1_000_000,
    min: 1000,
    max: 10_000_000,
    swarm: [1_000_000, 8000],
    about: 'octets of one gossip page',
  },
  joins: { default: 0, min: 0, max: 8, swarm: [0, 0, 1], about: 'nodes that join in the middle' },
  removals: {
    default: 0,
    min: 0,
    max: 8,
    swarm: [0, 0, 1],
    about: 'nodes that are removed for good',
  },
  rotationsPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 0, 12, 120],
    about: 'the cluster: a node gets a new KEM key',
  },
  ownershipTtlSecs: {
    default: 150,
    min: 1,
    max: 100_000,
    swarm: [150, 30, 5],
    about: 'a claim to a piece of work is good for so long',
  },
  clockToleranceSecs: {
    default: 604_800,
    min: 1,
    max: 100_000_000,
    swarm: [604_800, 604_800, 30],
    about: 'messages of nodes whose clocks differ by more are refused',
  },
  liars: { default: 0, min: 0, max: 8, about: 'the last nodes: send what is not true' },
  liesPpm: { default: 300_000, min: 0, max: 1_000_000, about: 'messages of a liar that are bent' },
  exchangeTimeoutMs: { default: 10_000, min: 1, max: 600_000, about: 'a node waits for a peer' },

  diskUs: {
    default: 1000,
    min: 1,
    max: 10_000_000,
    swarm: [200, 1000, 8000],
    about: 'mean time of a commit',
  },
  readUs: {
    default: 200,
    min: 1,
    max: 10_000_000,
    swarm: [100, 2000],
    about: 'mean time of a read',
  },

  delayUs: {
    default: 1000,
    min: 1,
    max: 60_000_000,
    swarm: [300, 2000, 20_000, 150_000],
    about: 'mean time a message travels',
  },
  lossPpm: {
    min: 0,
    max: 1_000_000,
    default: 0,
    swarm: [0, 0, 2000, 50_000, 250_000],
    about: 'messages lost',
  },
  duplicatePpm: {
    min: 0,
    max: 1_000_000,
    default: 0,
    swarm: [0, 0, 10_000, 100_000],
    about: 'sent twice',
  },
  reorderPpm: {
    min: 0,
    max: 1_000_000,
    default: 0,
    swarm: [0, 10_000, 200_000],
    about: 'may overtake',
  },
  corruptPpm: {
    min: 0,
    max: 1_000_000,
    default: 0,
    swarm: [0, 0, 0, 10_000],
    about: 'messages damaged',
  },

  skewMs: {
    default: 0,
    min: 0,
    max: 100_000_000_000,
    swarm: [0, 0, 100, 5000, 600_000],
    about: 'wall clocks begin up to this far off',
  },
  driftPpm: {
    default: 0,
    min: 0,
    max: 900_000,
    swarm: [0, 0, 100, 20_000],
    about: 'clocks run up to this much fast or slow',
  },
  clockJumpsPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 0, 6],
    about: 'a node: its clocks are turned',
  },
  crashesPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 6, 30, 120],
    about: 'a node: crashes',
  },
  pausesPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 0, 6, 30],
    about: 'a node: stops for a while',
  },
  diskFaultsPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 0, 6],
    about: 'a node: disk fails or is slow',
  },
  restoresPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 0, 0, 3],
    about: 'a node: an old backup is put back',
  },
  emptiesPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 0, 0, 2],
    about: 'a node: comes back with an empty disk',
  },
  clonesPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    about: 'a node: runs with a copy of the disk of another',
  },
  partitionsPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 0, 6, 20],
    about: 'the cluster: is cut in two',
  },
  linkFaultsPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 0, 12, 60],
    about: 'the cluster: one link goes bad',
  },
  reloadsPerHour: {
    default: 0,
    min: 0,
    max: 3600,
    swarm: [0, 0, 4],
    about: 'a node: reloads its configuration',
  },
  faultSecs: {
    default: 10,
    min: 1,
    max: 100_000,
    swarm: [2, 10, 45],
    about: 'mean length of faults',
  },
  realCrypto: {
    min: 0,
    max: 1,
    default: 0,
    about: 'real hashes, keys, signatures and certificates',
  },
} as const;

export type OptionName = keyof typeof OPTIONS;
export type Options = { readonly [N in OptionName]: number };

export const OPTION_NAMES: readonly OptionName[] = Object.keys(OPTIONS) as OptionName[];

const PICK = stream('options');

/** The table without its literal types. */
export function optionSpec(name: OptionName): OptionSpec {
  return OPTIONS[name];
}

/** Records that a flow leaves behind, and versions of them that are met on the way. */
const RECORDS_PER_FLOW = 8;
const MOST_SETTLE_SECS = 100_000;

/**
 * The settings of a seed: overrides first, then what the swarm column gives this seed. It has as long
 * to settle as its world needs.
 */
export function resolve(seed: number, overrides: Partial<Options> = {}): Options {
  const draws = new Draws(seed);
  const pairs = OPTION_NAMES.map((name): [OptionName, number] => {
    const { swarm, default: fallback } = optionSpec(name);
    const given = overrides[name];
    if (given !== undefined) return [name, given];
    if (swarm === undefined) return [name, fallback];
    return [name, swarm[draws.below(swarm.length, PICK, stream(name), 0)]!];
  });
  const options = Object.fromEntries(pairs) as Options;
  const livenessSecs = overrides.livenessSecs ?? settleSecs(options);
  return { ...options, livenessSecs };
}

/**
 * A node that has lost its disk fetches everything anew, page by page, and a message that is lost costs
 * a timeout: twice what that takes where pages are small, links slow and clients many.
 */
function settleSecs(options: Options): number {
  const { clients, flowsPerHour, safetySecs, pageRecords, lossPpm } = options;
  const flows = (clients * flowsPerHour * safetySecs) / 3600;
  const arrives = 1 - lossPpm / 1_000_000;
  const lostSecs = (1 - arrives * arrives) * (options.exchangeTimeoutMs / 1000);
  const pageSecs = (2 * options.delayUs) / 1_000_000 + lostSecs;
  const fetchSecs = ((flows * RECORDS_PER_FLOW) / pageRecords) * pageSecs;
  return Math.max(options.livenessSecs, Math.min(Math.ceil(2 * fetchSecs), MOST_SETTLE_SECS));
}

/** Every option at its default: a quiet world, for tests and scenarios. */
export function quiet(overrides: Partial<Options> = {}): Options {
  const pairs = OPTION_NAMES.map((name) => [name, overrides[name] ?? optionSpec(name).default]);
  return Object.fromEntries(pairs) as Options;
}

/** Why these options cannot be used, or undefined. */
export function refuseOptions(options: Partial<Options>): string | undefined {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) return `there is no option ${name}`;
    const { min, max } = optionSpec(name as OptionName);
    const isGood = Number.isSafeInteger(value) && value >= min && value <= max;
    if (!isGood) return `${name} must be a whole number from ${min} to ${max}, not ${value}`;
  }
  if ((options.nonceWindow ?? 0) % 8 !== 0) return 'nonceWindow must be a multiple of 8';
  return undefined;
}

/** `name=value` of every option, in the order of the table. */
export function optionsText(options: Options): string {
  return OPTION_NAMES.map((name) => `${name}=${options[name]}`).join(' ');
}
