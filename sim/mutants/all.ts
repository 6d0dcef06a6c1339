// Every seeded defect, and the small rough world they are all shown in.
// Invariant: names are unique sentences. Never here: defects themselves.

import type { Options } from '../options.ts';
import { quiet } from '../options.ts';
import { CLUSTER } from './cluster.ts';
import { EXCHANGE } from './exchange.ts';
import { HISTORY } from './history.ts';
import { ISSUING } from './issuing.ts';
import { MEMBERS } from './members.ts';
import type { Mutant } from './mutant.ts';
import { PROTOCOL } from './protocol.ts';
import { STORAGE } from './storage.ts';

export const MUTANTS: readonly Mutant[] = [
  ...STORAGE,
  ...HISTORY,
  ...EXCHANGE,
  ...PROTOCOL,
  ...ISSUING,
  ...CLUSTER,
  ...MEMBERS,
];

/** Forty seconds of two busy nodes: what a defect does not need is left out of its world. */
export const WORLD: Options = quiet({
  nodes: 2,
  clients: 5,
  safetySecs: 40,
  livenessSecs: 120,
  flowsPerHour: 1200,
  gossipIntervalMs: 500,
});
