// A selection as conditions on columns, from which each database makes its own SQL.
// Invariant: which columns and operators appear depends on the shape of the selection only, and
// words are of a closed set; so the number of distinct statements is bounded. Never here: values
// inside SQL other than those words.

import type { Selection } from '../../core/crdt/columns.ts';
import { INDEXED_STATES } from './tables.ts';

/** Columns in the order in which `recordOf` takes them. */
export const RECORD_COLUMNS = 'kind, id, origin, seq, fields';

export interface Condition {
  readonly column: 'kind' | 'owner' | 'name' | 'state' | 'expires_ms' | 'id';
  readonly operator: '=' | '<' | '>';
  readonly value: string | number;
  /** The value must appear as a literal: a partial index is only considered when its condition does. */
  readonly isWord: boolean;
}

const PARTIAL_KINDS: readonly string[] = ['order', 'authorization'];

export function conditionsOf(selection: Selection): readonly Condition[] {
  const { kind, owner, name, state, expiresBeforeMs, expiresAfterMs, afterId } = selection;
  const found: Condition[] = [];
  const add = (
    column: Condition['column'],
    operator: Condition['operator'],
    value: string | number | undefined,
    isWord = false,
  ): void => {
    if (value !== undefined) found.push({ column, operator, value, isWord });
  };
  add('kind', '=', kind, PARTIAL_KINDS.includes(kind));
  add('owner', '=', owner);
  add('name', '=', name);
  add('state', '=', state, isIndexedState(state));
  add('expires_ms', '<', expiresBeforeMs);
  add('expires_ms', '>', expiresAfterMs);
  add('id', '>', afterId);
  return found;
}

/** Whether a partial index serves this state. */
export function isIndexedState(state: string | undefined): boolean {
  return state !== undefined && INDEXED_STATES.includes(state);
}
