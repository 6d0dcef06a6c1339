// The KEM keys of a simulated node as its disk holds them: which key is the present one, which one
// came before and still opens, and when the present one was made. A key is but a name here.
// Invariant: a disk that knows of no rotation has the first key. Never here: when keys change.

import type { Disk } from './disk.ts';
import type { Changes } from './observation.ts';

/** The name of a disk's fact. */
const FACT = 'node-key/kem';
const SEPARATOR = ' ';
const FIRST: NodeKeys = { present: 'a2Vt', before: '', madeMs: 0 };

export interface NodeKeys {
  readonly present: string;
  /** Empty: there was none. */
  readonly before: string;
  readonly madeMs: number;
}

function keysOn(facts: ReadonlyMap<string, string>): NodeKeys {
  const fact = facts.get(FACT);
  if (fact === undefined) return FIRST;
  const [present = '', before = '', madeMs = ''] = fact.split(SEPARATOR);
  return { present, before, madeMs: Number(madeMs) };
}

/** What has them on a disk. */
export function changesOf({ present, before, madeMs }: NodeKeys): Changes {
  const facts = new Map([[FACT, [present, before, madeMs].join(SEPARATOR)]]);
  return { records: [], forget: [], facts };
}

/** Of the process that begins now. A disk that comes up empty keeps the id of its node, and so keys. */
export function keysAtStart(disk: Disk, former: NodeKeys | undefined): NodeKeys {
  if (disk.facts.size > 0 || former === undefined) return keysOn(disk.facts);
  disk.apply(changesOf(former));
  return former;
}

/** Whether something sealed to a key can be opened. */
export function opens({ present, before }: NodeKeys, key: string): boolean {
  return key === present || key === before;
}
