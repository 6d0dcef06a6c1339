// What a database indexes of a record besides its key and dot: five plain columns, the same for
// every kind, so that operators can query them and the core can select by them.
// Invariant: a pure function of the record's fields. Never here: SQL.

import type { Json, Record } from './record.ts';

/** Absent columns are NULL in a database. Times are Unix milliseconds. */
export interface Columns {
  /** The account the record belongs to. */
  readonly owner?: string;
  /** What a person would look it up by: names, a thumbprint. */
  readonly name?: string;
  /** Its status rung. */
  readonly state?: string;
  /** After this moment the record no longer matters to the protocol. */
  readonly expiresMs?: number;
}

/** Selects keys of one kind; every given condition must hold. Ordered by id. */
export interface Selection {
  readonly kind: string;
  readonly owner?: string;
  readonly name?: string;
  readonly state?: string;
  readonly expiresBeforeMs?: number;
  readonly expiresAfterMs?: number;
  /** Only ids greater than this one: where the last page ended. */
  readonly afterId?: string;
  readonly limit: number;
}

/** The columns of a record. */
export function columnsOf(record: Record): Columns {
  const { fields } = record;
  const made = valueOf(fields['made']);
  const columns: { -readonly [K in keyof Columns]: Columns[K] } = {};
  if (typeof made['account'] === 'string') columns.owner = made['account'];
  const name = nameOf(record.kind, made, fields);
  if (name !== undefined) columns.name = name;
  const state = stateOf(record);
  if (state !== undefined) columns.state = state;
  const expires = made['expiresMs'] ?? made['notAfterMs'];
  if (typeof expires === 'number') columns.expiresMs = expires;
  return columns;
}

/** True when the record meets every condition but paging; what SQL's WHERE says, for memory. */
export function meets(record: Record, selection: Selection): boolean {
  const columns = columnsOf(record);
  const { expiresBeforeMs, expiresAfterMs } = selection;
  return (
    record.kind === selection.kind &&
    (selection.owner === undefined || columns.owner === selection.owner) &&
    (selection.name === undefined || columns.name === selection.name) &&
    (selection.state === undefined || columns.state === selection.state) &&
    (expiresBeforeMs === undefined || (columns.expiresMs ?? Infinity) < expiresBeforeMs) &&
    (expiresAfterMs === undefined || (columns.expiresMs ?? -Infinity) > expiresAfterMs)
  );
}

/** The status rung; an authorization with a challenge under way counts as `processing`. */
export function stateOf({ kind, fields }: Omit<Record, 'dot'>): string | undefined {
  const { status } = fields;
  if (typeof status !== 'string') return undefined;
  const isBusy = kind === 'authorization' && Object.values(fields).includes('processing');
  return isBusy && status === 'pending' ? 'processing' : status;
}

function nameOf(
  kind: string,
  made: { readonly [member: string]: Json },
  fields: Record['fields'],
): string | undefined {
  if (kind === 'account') {
    const { thumbprint } = valueOf(fields['key']);
    return typeof thumbprint === 'string' ? thumbprint : undefined;
  }
  const identifiers = made['identifiers'] ?? (made['identifier'] && [made['identifier']]);
  if (!Array.isArray(identifiers)) return undefined;
  const names = identifiers.map((entry: Json) => {
    const { value } = objectOf(entry);
    return typeof value === 'string' ? value : '';
  });
  return (made['wildcard'] === true ? '*.' : '') + names.join(',');
}

/** The value inside a `first` or `last` register that holds an object; empty when there is none. */
function valueOf(register: Json | undefined): { readonly [member: string]: Json } {
  return objectOf(objectOf(register)['value']);
}

function objectOf(json: Json | undefined): { readonly [member: string]: Json } {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  return isObject ? (json as { readonly [member: string]: Json }) : {};
}
