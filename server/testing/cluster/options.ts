// The command line of the cluster test: `--flows 500 --clients 10 --seconds 120 --seed N`.
// Invariant: a wrong option ends the program; nothing is guessed. Never here: what they do.

import { parseArgs } from 'node:util';
import { integerOption } from '../integer-option.ts';
import { DATABASE_KINDS, type DatabaseKind } from './databases.ts';

export interface Options {
  /** Things clients do from beginning to end while nothing is wrong. */
  readonly flows: number;
  readonly clients: number;
  /** For how long faults follow one another; 0: none. */
  readonly seconds: number;
  readonly seed: number;
  readonly databases: readonly DatabaseKind[];
}

/** Throws for anything that is not such an option. The default seed is the time. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      flows: { type: 'string', default: '500' },
      clients: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '120' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      databases: { type: 'string', default: DATABASE_KINDS.join(',') },
    },
  });
  return {
    flows: integerOption('flows', values.flows, 1, 100_000),
    clients: integerOption('clients', values.clients, 1, 64),
    seconds: integerOption('seconds', values.seconds, 0, 86_400),
    seed: integerOption('seed', values.seed, 0, 0xffff_ffff),
    databases: values.databases.split(',').map(databaseKind),
  };
}

function databaseKind(text: string): DatabaseKind {
  const kind = DATABASE_KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new Error(`--databases lists some of ${DATABASE_KINDS.join(', ')}, not "${text}"`);
}
