// The SQL of a selection in SQLite, and which index serves it.
// Invariant: the text depends on the shape of the selection and on a closed set of words only, so
// the number of prepared statements is bounded. Never here: running it.

import type { Selection } from '../../core/crdt/columns.ts';
import { conditionsOf, isIndexedState, RECORD_COLUMNS } from './conditions.ts';

export interface Query {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

// The first index whose condition holds is used, by name, so that no plan depends on statistics.
// Without one the primary key serves: a walk through the kind in the order of ids.
const INDEX_CHOICES: readonly {
  readonly index: string;
  readonly serves: (selection: Selection) => boolean;
}[] = [
  { index: 'orders_by_owner', serves: (s) => s.kind === 'order' && s.owner !== undefined },
  {
    index: 'authorizations_by_owner',
    serves: (s) => s.kind === 'authorization' && s.owner !== undefined,
  },
  { index: 'records_by_state', serves: (s) => isIndexedState(s.state) },
  { index: 'records_by_expiry', serves: (s) => s.expiresBeforeMs !== undefined },
];

/**
 * The page of whole records that a selection asks for. Filtering and sorting happen on the index;
 * only the rows of the page itself are then read.
 */
export function selectionQuery(selection: Selection): Query {
  const parameters: (string | number)[] = [];
  const conditions = conditionsOf(selection).map(({ column, operator, value, isWord }) => {
    // A partial index is only considered when its condition appears as a literal.
    if (isWord) return `${column} ${operator} '${value}'`;
    parameters.push(value);
    return `${column} ${operator} ?`;
  });
  const choice = INDEX_CHOICES.find(({ serves }) => serves(selection));
  const hint = choice === undefined ? '' : ` INDEXED BY ${choice.index}`;
  parameters.push(selection.limit);
  const where = conditions.join(' AND ');
  const page = `SELECT rowid FROM records${hint} WHERE ${where} ORDER BY id LIMIT ?`;
  const sql = `SELECT ${RECORD_COLUMNS} FROM records WHERE rowid IN (${page}) ORDER BY id`;
  return { sql, parameters };
}
