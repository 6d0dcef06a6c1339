// The KEM keys of a simulated node as its disk holds them: which key is the present one, which one
// came before and still opens, and when the present one was made. A key is but a name here.
// Invariant: a disk that knows of no rotation has the first key. Never here: when keys change.

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

export function keysOn(facts: ReadonlyMap<string, string>): NodeKeys {
  const fact = facts.get(FACT);
  if (fact === undefined) return FIRST;
  const [present = '', before = '', madeMs = ''] = fact.split(SEPARATOR);
  return { present, before, madeMs: Number(madeMs) };
}

/** As the disk will know them. */
export function factOf({ present, before, madeMs }: NodeKeys): readonly [string, string] {
  return [FACT, [present, before, madeMs].join(SEPARATOR)];
}

/** Whether something sealed to a key can be opened. */
export function opens({ present, before }: NodeKeys, key: string): boolean {
  return key === present || key === before;
}
