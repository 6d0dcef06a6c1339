// A record as one row of a table, the same for every database: its key, its dot, five columns to
// select by, and its fields as JSON text.
// Invariant: a row that was made here can be stored by every adapter; recordOf(rowOf(r)) equals r.
// Never here: SQL.

import { assert } from '../../core/assert.ts';
import { takeFieldsText } from '../../core/crdt/canonical.ts';
import { columnsOf, type Selection } from '../../core/crdt/columns.ts';
import type { Record, RecordKey } from '../../core/crdt/record.ts';
import { MAX_FIELDS_SIZE } from '../../core/crdt/schema.ts';
import { StoreError } from './store.ts';

export type Cell = string | number | null;

/** The columns of table `records`, in the order in which they are declared. */
export type Row = readonly [
  kind: string,
  id: string,
  origin: string,
  seq: number,
  owner: string | null,
  name: string | null,
  state: string | null,
  expiresMs: number | null,
  fields: string,
];

export const ROW_CELLS = 9;

/** What is read of a row: the arguments of `recordOf`. */
export type FoundRow = [kind: string, id: string, origin: string, seq: number, fields: string];

/** Most bytes (UTF-8) of what databases index: MariaDB keys end at 3072 bytes. */
export const KEY_LIMITS = {
  kindBytes: 64,
  idBytes: 512,
  originBytes: 256,
  metaBytes: 256,
} as const;

/**
 * Most bytes (UTF-8) of a record's fields as JSON: more than any record can have that the core lets
 * in. The row repeats some of them in its columns, and MariaDB takes 16 MiB at once.
 */
export const MAX_FIELDS_BYTES = 6_291_456;
// JSON writes a control character as six octets, and nothing as more.
assert(6 * MAX_FIELDS_SIZE <= MAX_FIELDS_BYTES, 'what the core lets in can be stored');

/** Most records a page may ask for. */
export const MAX_PAGE_RECORDS = 10_000;

// NUL cannot be stored as text by PostgreSQL, a lone surrogate has no UTF-8.
const UNSTORABLE = /[\0\ud800-\udfff]/u;

/** The row of a record. Throws `refused` when no database could hold it under its key. */
export function rowOf(record: Record): Row {
  const { kind, id, dot, fields } = record;
  requireKey(record);
  requireText('origin', dot.origin, KEY_LIMITS.originBytes);
  if (!Number.isSafeInteger(dot.seq) || dot.seq < 0) refuse(`seq ${dot.seq} of ${kind} ${id}`);
  const text = takeFieldsText(fields);
  requireSize(`the fields of ${kind} ${id}`, text);
  const { owner, name, state, expiresMs } = columnsOf(record);
  return [
    kind,
    id,
    dot.origin,
    dot.seq,
    columnText(owner),
    columnText(name),
    columnText(state),
    expiresMs ?? null,
    text,
  ];
}

/** The record a row was made from. */
export function recordOf(
  kind: string,
  id: string,
  origin: string,
  seq: number,
  fields: string,
): Record {
  return { kind, id, fields: JSON.parse(fields) as Record['fields'], dot: { origin, seq } };
}

/** Throws `refused` unless the key can be stored. */
export function requireKey({ kind, id }: RecordKey): void {
  requireText('kind', kind, KEY_LIMITS.kindBytes);
  requireText('id', id, KEY_LIMITS.idBytes);
}

/** Throws `refused` unless the small facts can be stored. */
export function requireMeta(meta: ReadonlyMap<string, string | null>): void {
  for (const [name, value] of meta) {
    requireText('meta key', name, KEY_LIMITS.metaBytes);
    if (value === null) continue;
    if (UNSTORABLE.test(value)) refuse(`the value of meta key ${name}`);
    requireSize(`the value of meta key ${name}`, value);
  }
}

/** Throws `refused` unless a page of that many records may be asked for. */
export function requireLimit(limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_PAGE_RECORDS) return;
  refuse(`a page of ${limit} records; 1 to ${MAX_PAGE_RECORDS} are allowed`);
}

/** False when no row can have such a text, so a read need not ask (and may not: see UNSTORABLE). */
export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text);
}

/** False when no row can meet the selection, whatever the database holds. */
export function isSatisfiable({ kind, owner, name, state }: Selection): boolean {
  return [kind, owner, name, state].every((text) => text === undefined || isStorable(text));
}

/**
 * A column only serves selecting. Text that a database cannot hold is left out of the column, not
 * refused: a peer may send any field, and must not be able to stop this node with one.
 */
function columnText(text: string | undefined): string | null {
  return text === undefined || UNSTORABLE.test(text) ? null : text;
}

function requireText(what: string, text: string, maxBytes: number): void {
  const fits = text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes;
  if (text.length === 0 || !fits || UNSTORABLE.test(text)) {
    refuse(`${what} ${JSON.stringify(text.slice(0, 80))}`);
  }
}

function requireSize(what: string, text: string): void {
  if (text.length * 3 <= MAX_FIELDS_BYTES || Buffer.byteLength(text) <= MAX_FIELDS_BYTES) return;
  refuse(`${what}: ${text.length} characters`);
}

function refuse(what: string): never {
  throw new StoreError('refused', what);
}
