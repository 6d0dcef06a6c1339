// The unit of replication and of storage: a record of one kind, whose fields each belong to a
// lattice (schema.ts), stamped with the dot of the event whose content it equals.
// Invariant: a record is plain JSON data, never mutated after it was made.
// Never here: what any particular kind means.

/** Plain data: what JSON can carry. Binary content travels as base64 text. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [member: string]: Json };

/** An origin is one incarnation of one node: `<node id>.<incarnation>`. It numbers its own events. */
export type Origin = string;

/** The event a record's content equals: the seq-th event of an origin, counted from 1. */
export interface Dot {
  readonly origin: Origin;
  readonly seq: number;
}

export interface RecordKey {
  readonly kind: string;
  readonly id: string;
}

/** One version of a replicated record. Unknown kinds and fields are kept and passed on untouched. */
export interface Record extends RecordKey {
  readonly fields: { readonly [field: string]: Json };
  readonly dot: Dot;
}

/** The key as one string, for maps. Kinds contain no slash. */
export function keyText(key: RecordKey): string {
  return `${key.kind}/${key.id}`;
}
