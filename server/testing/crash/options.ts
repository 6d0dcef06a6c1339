// The command line of the crash test: `--kills 50 --clients 6 --seed N --database postgres`.
// Invariant: a wrong option ends the program; nothing is guessed. Never here: what they do.

import { parseArgs } from 'node:util';
import { integerOption } from '../integer-option.ts';
import { DATABASES, type DatabaseName } from './database.ts';

export interface CrashOptions {
  readonly kills: number;
  readonly clients: number;
  readonly seed: number;
  readonly database: DatabaseName;
}

/** Throws for anything that is not such an option. The default seed is the time. */
export function readOptions(args: readonly string[]): CrashOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '50' },
      clients: { type: 'string', default: '6' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      database: { type: 'string', default: 'sqlite' },
    },
  });
  return {
    kills: integerOption('kills', values.kills, 1, 10_000),
    clients: integerOption('clients', values.clients, 1, 64),
    seed: integerOption('seed', values.seed, 0, 0xffff_ffff),
    database: databaseName(values.database),
  };
}

function databaseName(text: string): DatabaseName {
  const name = DATABASES.find((one) => one === text);
  if (name === undefined) throw new Error(`--database is one of ${DATABASES.join(', ')}`);
  return name;
}
