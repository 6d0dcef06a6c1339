// What clients and operators of a scenario can be told to do: every operation with the members of
// its `with`. One table serves reading, the README's list, and the messages about both.
// Invariant: what is let through here can be carried out. Never here: how it is carried out.

import type { Json } from '../core/crdt/record.ts';
import { BENDS } from './exchange-facts.ts';
import {
  COUNT,
  IDENTIFIERS,
  isTable,
  NODE,
  type Notation,
  oneOf,
  REASON,
  REMOVABLE,
  readAs,
  SWITCH,
  suggestion,
  TEXTS,
  type WorldSize,
} from './scenario-notation.ts';

interface OperationMember {
  readonly notation: Notation;
  /** What it is taken for where it is left out. Absent: it must be given. */
  readonly default?: Json;
}

interface Operation {
  readonly [member: string]: OperationMember;
}

export type Doer = 'client' | 'operator';

const NAMES: OperationMember = { notation: IDENTIFIERS };
const OFF: OperationMember = { notation: SWITCH, default: false };
const PICK: OperationMember = { notation: COUNT, default: 0 };
const OF: OperationMember = { notation: NODE, default: 0 };
const BY: OperationMember = { notation: oneOf(['account', 'key', 'other']), default: 'account' };

/** Who does it → operation → members of `with`. */
export const OPERATIONS: {
  readonly [D in Doer]: { readonly [operation: string]: Operation };
} = {
  client: {
    certificate: { identifiers: NAMES, forgets: OFF, hastes: OFF },
    'new-authorization': { identifiers: NAMES, forgets: OFF, hastes: OFF },
    revoke: { by: BY, pick: PICK },
    download: { pick: PICK, full: OFF },
    contact: { contact: { notation: TEXTS } },
    'look-account': {},
    'look-order': { pick: PICK },
    orders: {},
    'key-change': {},
    'deactivate-authorization': { pick: PICK },
    'deactivate-account': {},
    list: {},
    directory: {},
    wrong: { bend: { notation: oneOf(BENDS) } },
  },
  operator: {
    list: {},
    chain: {},
    root: {},
    directory: {},
    status: {},
    rotate: {},
    remove: { node: { notation: REMOVABLE } },
    revoke: { of: OF, pick: PICK, reason: { notation: REASON, default: 0 } },
    deactivate: { of: OF, pick: PICK },
    'revoke-eab': { pick: PICK },
  },
};

/** Refuses an operation that nobody knows, and a `with` that it could not be carried out with. */
export function refuseOperation(
  doer: Doer,
  operation: string,
  given: Json,
  world: WorldSize,
  fail: (member: string, message: string) => never,
): void {
  const table = OPERATIONS[doer];
  const names = Object.keys(table);
  if (!names.includes(operation)) {
    fail('operation', `must be one of ${names.join(', ')}${suggestion(operation, names)}`);
  }
  const operationMembers = table[operation]!;
  const known = Object.keys(operationMembers);
  const values: { readonly [name: string]: unknown } = isTable(given) ? given : {};
  for (const name of Object.keys(values)) {
    if (known.includes(name)) continue;
    const has = known.length === 0 ? 'nothing' : known.join(', ');
    fail(`with.${name}`, `is unknown; ${operation} has ${has}${suggestion(name, known)}`);
  }
  for (const [name, member] of Object.entries(operationMembers)) {
    const value = values[name];
    const isMissing = value === undefined && member.default === undefined;
    if (isMissing) fail(`with.${name}`, `is missing; ${operation} needs it`);
    if (value === undefined) continue;
    readAs(member.notation, value, world, (message) => fail(`with.${name}`, message));
  }
}
