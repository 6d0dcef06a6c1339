// The command line of the benchmark.
// Invariant: an unknown option or a value out of bounds is refused before anything starts.
// Never here: defaults that depend on the machine.

import { parseArgs } from 'node:util';
import type { Budget } from './load.ts';

export interface IssuanceOptions {
  readonly command: 'issuance';
  readonly clients: readonly number[];
  readonly budget: Budget;
  readonly rounds: number;
  readonly warmupSeconds: number;
  readonly withPeer: boolean;
  readonly peerOnly: boolean;
  readonly isTls: boolean;
  readonly asJson: boolean;
  readonly directory: string | undefined;
}

export interface GrowthOptions {
  readonly command: 'growth';
  readonly from: number;
  readonly to: number;
  readonly workers: number;
  readonly maxSeconds: number;
  readonly peerOnly: boolean;
  readonly isTls: boolean;
  readonly asJson: boolean;
  readonly directory: string | undefined;
}

export interface SimOptions {
  readonly command: 'sim';
  readonly seeds: number;
  readonly rounds: number;
  readonly asJson: boolean;
}

export interface JoinOptions {
  readonly command: 'join';
  readonly records: number;
  /** Clients that go on getting certificates from the first node. */
  readonly clients: number;
  readonly seconds: number;
  /** Of the new node; undefined: an SQLite file. */
  readonly databaseUrl: string | undefined;
  readonly maxSeconds: number;
  readonly asJson: boolean;
  readonly directory: string | undefined;
}

export interface GossipBenchOptions {
  readonly command: 'gossip';
  readonly isQuick: boolean;
  readonly asJson: boolean;
  readonly directory: string | undefined;
}

export interface ClusterBenchOptions {
  readonly command: 'cluster';
  readonly nodes: number;
  readonly clients: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly asJson: boolean;
  readonly directory: string | undefined;
}

export type Options =
  | IssuanceOptions
  | GrowthOptions
  | SimOptions
  | JoinOptions
  | GossipBenchOptions
  | ClusterBenchOptions
  | { readonly command: 'help' };

/** A complaint about the command line. */
export class UsageError extends Error {}

export const usage = `Usage: npm run bench -- issuance [options]
       npm run bench -- growth [options]
       npm run bench -- sim [options]
       npm run bench -- join [options]
       npm run bench -- gossip [options]
       npm run bench -- cluster [options]

issuance: full ACME flows with real http-01 against a server process with a database file
  --clients 1,10,25    loads: that many clients, each with its own account and connection
  --seconds 4          length of a measured part
  --flows N            instead: so many flows a part
  --rounds 3           interleaved rounds; medians are printed
  --warmup-seconds 10  unmeasured load on each server before the first round
  --peer pebble        the same load on Pebble in the same run, alternating, and the ratios
  --peer-only          with --peer: leave our own server out

growth: memory and cost of one server process from 1,000 certificates to many
  --from 1000          certificates at the first reading
  --to 100000          certificates at the last reading
  --clients 10         clients, each with its own account and connection
  --max-seconds 1800   give up after so long
  --peer pebble --peer-only   grow Pebble instead

sim: speed of the simulator, five nodes with all checkers: default swarm, and like production
  --seeds 10           seeds of a round
  --rounds 3           rounds over the same seeds; the median is printed
  --json               the result as JSON on standard output

join: a new, empty node meets one that holds much, while clients get certificates
  --records 1000000    records the first node holds
  --clients 4          clients on the first node, each with its own account and connection
  --seconds 5          length of the load measured before, without a join
  --database sqlite    of the new node; postgres and mariadb need AKAMU_TEST_POSTGRES_URL or
                       AKAMU_TEST_MARIADB_URL, with an empty database
  --max-seconds 1800   give up after so long

gossip: what a round costs, by records held, changes and nodes; how soon a write is everywhere
  --quick              fewer sizes, less than a minute

cluster: what several nodes cost and give, clients choosing a node at random for every request
  --nodes 3            nodes of the cluster
  --clients 10         clients, each with its own account
  --seconds 4          length of a measured part
  --rounds 3           interleaved rounds; medians are printed

issuance and growth:
  --plain-http         our own server without TLS
  --dir DIRECTORY      where the temporary directory with the databases goes
  --json               the result as JSON on standard output

join, gossip and cluster: --dir and --json as well; plain HTTP throughout

Exit code: 0 everything issued, 1 any failure, 2 usage. A peer that hangs is restarted and measured
again, and reported, but is no failure.
`;

const flags = {
  clients: { type: 'string' },
  seconds: { type: 'string' },
  flows: { type: 'string' },
  rounds: { type: 'string' },
  'warmup-seconds': { type: 'string' },
  peer: { type: 'string' },
  'peer-only': { type: 'boolean' },
  from: { type: 'string' },
  to: { type: 'string' },
  seeds: { type: 'string' },
  'max-seconds': { type: 'string' },
  'plain-http': { type: 'boolean' },
  records: { type: 'string' },
  database: { type: 'string' },
  nodes: { type: 'string' },
  quick: { type: 'boolean' },
  dir: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const common = ['clients', 'peer', 'peer-only', 'plain-http', 'dir', 'json'];
const allowed: Readonly<Record<string, readonly string[]>> = {
  issuance: [...common, 'seconds', 'flows', 'rounds', 'warmup-seconds'],
  growth: [...common, 'from', 'to', 'max-seconds'],
  sim: ['seeds', 'rounds', 'json'],
  join: ['records', 'clients', 'seconds', 'database', 'max-seconds', 'dir', 'json'],
  gossip: ['quick', 'dir', 'json'],
  cluster: ['nodes', 'clients', 'seconds', 'rounds', 'dir', 'json'],
};

/** Where the database servers of tests are. */
const DATABASE_VARIABLES: Readonly<Record<string, string | undefined>> = {
  sqlite: undefined,
  postgres: 'AKAMU_TEST_POSTGRES_URL',
  mariadb: 'AKAMU_TEST_MARIADB_URL',
};

type Values = ReturnType<typeof parse>['values'];

/** Options of the arguments after the program's name; throws a UsageError. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const [command, ...others] = positionals;
  if (values.help || command === undefined) return { command: 'help' };
  if (others.length > 0 || !allowed[command]) {
    throw new UsageError(`unknown command: ${positionals.join(' ')}`);
  }
  for (const name of Object.keys(values)) {
    if (!allowed[command]!.includes(name)) throw new UsageError(`${command} knows no --${name}`);
  }
  checkPeer(values);
  switch (command) {
    case 'issuance':
      return issuanceOptions(values);
    case 'growth':
      return growthOptions(values);
    case 'sim':
      return simOptions(values);
    case 'join':
      return joinOptions(values);
    case 'gossip':
      return { command, isQuick: values.quick ?? false, ...place(values) };
    default:
      return clusterOptions(values);
  }
}

function issuanceOptions(values: Values): IssuanceOptions {
  if (values.flows !== undefined && values.seconds !== undefined) {
    throw new UsageError('--flows and --seconds exclude each other');
  }
  const clients = (values.clients ?? '1,10,25').split(',');
  return {
    command: 'issuance',
    clients: clients.map((text) => wholeNumber('clients', text, 1, 256)),
    budget:
      values.flows === undefined
        ? { seconds: wholeNumber('seconds', values.seconds ?? '4', 1, 600) }
        : { flows: wholeNumber('flows', values.flows, 1, 1_000_000) },
    rounds: wholeNumber('rounds', values.rounds ?? '3', 1, 100),
    warmupSeconds: wholeNumber('warmup-seconds', values['warmup-seconds'] ?? '10', 0, 60),
    withPeer: values.peer !== undefined,
    ...shared(values),
  };
}

function growthOptions(values: Values): GrowthOptions {
  const from = wholeNumber('from', values.from ?? '1000', 100, 1_000_000);
  if (values.peer !== undefined && !values['peer-only']) {
    throw new UsageError('growth measures one server: add --peer-only');
  }
  return {
    command: 'growth',
    from,
    to: wholeNumber('to', values.to ?? '100000', from * 2, 10_000_000),
    workers: wholeNumber('clients', values.clients ?? '10', 1, 256),
    maxSeconds: wholeNumber('max-seconds', values['max-seconds'] ?? '1800', 10, 86_400),
    ...shared(values),
  };
}

function simOptions(values: Values): SimOptions {
  return {
    command: 'sim',
    seeds: wholeNumber('seeds', values.seeds ?? '10', 1, 10_000),
    rounds: wholeNumber('rounds', values.rounds ?? '3', 1, 100),
    asJson: values.json ?? false,
  };
}

function joinOptions(values: Values): JoinOptions {
  return {
    command: 'join',
    records: wholeNumber('records', values.records ?? '1000000', 1_000, 100_000_000),
    clients: wholeNumber('clients', values.clients ?? '4', 1, 256),
    seconds: wholeNumber('seconds', values.seconds ?? '5', 1, 600),
    databaseUrl: databaseUrl(values.database ?? 'sqlite'),
    maxSeconds: wholeNumber('max-seconds', values['max-seconds'] ?? '1800', 10, 86_400),
    ...place(values),
  };
}

function clusterOptions(values: Values): ClusterBenchOptions {
  return {
    command: 'cluster',
    nodes: wholeNumber('nodes', values.nodes ?? '3', 2, 16),
    clients: wholeNumber('clients', values.clients ?? '10', 1, 256),
    seconds: wholeNumber('seconds', values.seconds ?? '4', 1, 600),
    rounds: wholeNumber('rounds', values.rounds ?? '3', 1, 100),
    ...place(values),
  };
}

function databaseUrl(kind: string): string | undefined {
  if (!Object.hasOwn(DATABASE_VARIABLES, kind)) {
    throw new UsageError(`--database knows sqlite, postgres and mariadb, not ${kind}`);
  }
  const variable = DATABASE_VARIABLES[kind];
  if (variable === undefined) return undefined;
  const url = process.env[variable];
  if (url === undefined) throw new UsageError(`--database ${kind} needs ${variable}`);
  return url;
}

function place(values: Values): Pick<JoinOptions, 'asJson' | 'directory'> {
  return { asJson: values.json ?? false, directory: values.dir };
}

function shared(
  values: Values,
): Pick<IssuanceOptions, 'peerOnly' | 'isTls' | 'asJson' | 'directory'> {
  return {
    peerOnly: values['peer-only'] ?? false,
    isTls: !values['plain-http'],
    ...place(values),
  };
}

function checkPeer(values: Values): void {
  if (values.peer !== undefined && values.peer !== 'pebble') {
    throw new UsageError(`--peer knows pebble only, not ${values.peer}`);
  }
  if (values['peer-only'] && values.peer === undefined) {
    throw new UsageError('--peer-only needs --peer');
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not ${text}`);
}
