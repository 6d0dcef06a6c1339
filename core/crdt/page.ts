// What two replicas say to each other: an ask (what the asker has seen, and where the last page
// ended) and a page of records. Plain data; the forms for the wire are at the end of the file.
// Invariant: what `readAsk` and `readPage` let through is valid down to the last field, so nothing
// behind them meets a malformed value. Never here: how a page is filled or merged.

import { isWellFormed } from './canonical.ts';
import { isSumText } from './digest.ts';
import type { Dot, Json, Origin, Record, RecordKey } from './record.ts';
import { refuseRecord } from './schema.ts';
import {
  isOrigin,
  isSeq,
  sameVector,
  type VersionVector,
  vectorFromJson,
  vectorToJson,
} from './version-vector.ts';

/** Where a page ended. Only the sender reads it; the receiver brings it back as it is. */
export interface Cursor {
  /** The sender's process; its cursors end with it. */
  readonly boot: string;
  /** The sender's generation: see ReplicaState. */
  readonly generation: number;
  /** Per origin, up to which events everything was sent. */
  readonly bulk: VersionVector;
  /** Per origin, up to which events everything urgent was sent. */
  readonly urgent: VersionVector;
}

/** A range of keys in listing order: beyond `after`, null for the beginning. */
export type Position = RecordKey | null;

export interface Ask {
  /** The asker's own origin; null in an ask that stands for a push. */
  readonly origin: Origin | null;
  readonly vector: VersionVector;
  readonly cursor: Cursor | null;
  /** Names the chain of pages that the cursor belongs to; empty without a cursor. */
  readonly chain: string;
  /** Asks for a page of the listing of deletable records as well. */
  readonly listing: { readonly after: Position } | null;
  /** The asker's own: see ReplicaState. */
  readonly clockMs: number;
}

/** Everything deletable that the sender holds between two positions, at one instant. */
export interface Listing {
  readonly after: Position;
  /** The last key that the listing speaks for; null: there is nothing beyond. */
  readonly through: Position;
  readonly vector: VersionVector;
  readonly records: readonly Record[];
}

export interface Page {
  /** The vector of the asker that the page is relative to. */
  readonly base: VersionVector;
  /** The asker's name for the chain of pages, as it was in the ask. */
  readonly chain: string;
  /** Where the page begins: the cursor of the page before, null for the first. */
  readonly since: Cursor | null;
  /** The last event of the asker's origin that the sender has seen, so that it learns of a loss. */
  readonly known: Dot | null;
  readonly records: readonly Record[];
  /** Up to where the sender has purged tombstones. */
  readonly floor: VersionVector;
  /** Where the page ends: when more is to come, or the receiver must reconcile deletions first. */
  readonly next: Cursor | null;
  /** On the page after which, at one instant, nothing was left: all that the sender has seen. */
  readonly complete: {
    readonly vector: VersionVector;
    /**
     * Over what does not expire before `day`, from which on nothing that the vector covers was let
     * go. The sum is null while the sender holds more than it has seen.
     */
    readonly digest: { readonly day: number; readonly sum: string | null };
  } | null;
  readonly listing: Listing | null;
  /** The sender's own: see ReplicaState. */
  readonly clockMs: number;
  readonly isEstablished: boolean;
}

/** How one node says vectors to another: in full, unless they know more of each other. */
export interface Speech {
  readonly say: (vector: VersionVector) => Json;
  /** Names of vectors that an answer may build upon. */
  readonly knows: readonly string[];
}

/** How what another node said is understood. */
export interface Hearing {
  /** Undefined when it is not understood. */
  readonly hear: (json: unknown) => VersionVector | undefined;
  /** The other one knows the vectors of these names. */
  readonly mention: (names: readonly string[]) => void;
}

/** To whom nothing is known of. */
const IN_FULL: Speech & Hearing = {
  say: vectorToJson,
  knows: [],
  hear: vectorFromJson,
  mention: () => {},
};

/** Names in one ask, at most. */
const MAX_NAMES = 32;

/** A page holds at most this many records, whatever its sender's limits are. */
export const MAX_PAGE_RECORDS = 10_000;

export function askToJson(ask: Ask, { say, knows }: Speech = IN_FULL): Json {
  return {
    origin: ask.origin,
    vector: say(ask.vector),
    knows,
    chain: ask.chain,
    cursor: cursorToJson(ask.cursor, say),
    listing: ask.listing && { after: positionToJson(ask.listing.after) },
    clockMs: ask.clockMs,
  };
}

export function pageToJson(page: Page, { say }: Pick<Speech, 'say'> = IN_FULL): Json {
  const { complete, listing } = page;
  return {
    base: say(page.base),
    chain: page.chain,
    since: cursorToJson(page.since, say),
    known: page.known && [page.known.origin, page.known.seq],
    records: page.records.map(recordToJson),
    floor: say(page.floor),
    next: cursorToJson(page.next, say),
    complete: complete && {
      vector: say(complete.vector),
      digest: { day: complete.digest.day, sum: complete.digest.sum },
    },
    listing: listing && {
      after: positionToJson(listing.after),
      through: positionToJson(listing.through),
      vector: say(listing.vector),
      records: listing.records.map(recordToJson),
    },
    clockMs: page.clockMs,
    isEstablished: page.isEstablished,
  };
}

/** The ask that a peer sent, or undefined when it is not one. */
export function readAsk(json: unknown, hearing: Hearing = IN_FULL): Ask | undefined {
  return attempt(() => {
    const names = ['chain', 'clockMs', 'cursor', 'knows', 'listing', 'origin', 'vector'];
    const ask = membersOf(json, names);
    hearing.mention(readNames(ask['knows']));
    return {
      origin: nullOr(ask['origin'], readOrigin),
      vector: must(hearing.hear(ask['vector'])),
      cursor: readCursor(ask['cursor'], hearing),
      chain: readShort(ask['chain']),
      listing: nullOr(ask['listing'], (listing) => ({
        after: readPosition(membersOf(listing, ['after'])['after']),
      })),
      clockMs: readCount(ask['clockMs']),
    };
  });
}

const PAGE_MEMBERS = [
  'base',
  'chain',
  'clockMs',
  'complete',
  'floor',
  'isEstablished',
  'known',
  'listing',
  'next',
  'records',
  'since',
];

/** The page that a peer sent, or undefined when anything in it is wrong. */
export function readPage(json: unknown, hearing: Hearing = IN_FULL): Page | undefined {
  return attempt(() => {
    const page = membersOf(json, PAGE_MEMBERS);
    return {
      base: must(hearing.hear(page['base'])),
      chain: readShort(page['chain']),
      since: readCursor(page['since'], hearing),
      known: nullOr(page['known'], readDot),
      records: readRecords(page['records']),
      floor: must(hearing.hear(page['floor'])),
      next: readCursor(page['next'], hearing),
      complete: nullOr(page['complete'], (complete) => readComplete(complete, hearing)),
      listing: nullOr(page['listing'], (listing) => readListing(listing, hearing)),
      clockMs: readCount(page['clockMs']),
      isEstablished: readBoolean(page['isEstablished']),
    };
  });
}

/** `[kind, id, origin, seq, fields]`. */
export function recordToJson(record: Record): Json {
  return [record.kind, record.id, record.dot.origin, record.dot.seq, record.fields];
}

/** Thrown by a reader through the others, never out of this file. */
class Malformed extends Error {}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Malformed();
  return value;
}

function nullOr<T>(json: unknown, read: (json: unknown) => T): T | null {
  return json === null ? null : read(json);
}

/** The members of an object that has exactly these names, in any order. */
function membersOf(json: unknown, names: readonly string[]): { readonly [name: string]: unknown } {
  if (typeof json !== 'object' || json === null) throw new Malformed();
  if (Object.keys(json).length !== names.length) throw new Malformed();
  for (const name of names) if (!Object.hasOwn(json, name)) throw new Malformed();
  return json as { readonly [name: string]: unknown };
}

function readCursor(json: unknown, { hear }: Hearing): Cursor | null {
  return nullOr(json, (value) => {
    const { boot, generation, bulk, urgent } = membersOf(value, [
      'boot',
      'bulk',
      'generation',
      'urgent',
    ]);
    if (!Number.isSafeInteger(generation)) throw new Malformed();
    return {
      boot: readShort(boot),
      generation: generation as number,
      bulk: must(hear(bulk)),
      urgent: must(hear(urgent)),
    };
  });
}

function readShort(json: unknown): string {
  if (typeof json !== 'string' || json.length > 80 || !isWellFormed(json)) throw new Malformed();
  return json;
}

function readNames(json: unknown): readonly string[] {
  if (!Array.isArray(json) || json.length > MAX_NAMES) throw new Malformed();
  return json.map(readShort);
}

function readPosition(json: unknown): Position {
  return nullOr(json, (value) => {
    const { kind, id } = membersOf(value, ['id', 'kind']);
    if (refuseRecord(kind, id, {}) !== undefined) throw new Malformed();
    return { kind: kind as string, id: id as string };
  });
}

function readOrigin(json: unknown): Origin {
  if (!isOrigin(json)) throw new Malformed();
  return json;
}

function readDot(json: unknown): Dot {
  if (!Array.isArray(json) || json.length !== 2 || !isSeq(json[1])) throw new Malformed();
  return { origin: readOrigin(json[0]), seq: json[1] };
}

function readRecords(json: unknown): readonly Record[] {
  if (!Array.isArray(json) || json.length > MAX_PAGE_RECORDS) throw new Malformed();
  return json.map(readRecord);
}

function readRecord(json: unknown): Record {
  if (!Array.isArray(json) || json.length !== 5) throw new Malformed();
  const [kind, id, origin, seq, fields] = json as readonly unknown[];
  if (refuseRecord(kind, id, fields) !== undefined) throw new Malformed();
  return {
    kind: kind as string,
    id: id as string,
    fields: fields as Record['fields'],
    dot: readDot([origin, seq]),
  };
}

function readComplete(json: unknown, { hear }: Hearing): NonNullable<Page['complete']> {
  const { vector, digest } = membersOf(json, ['digest', 'vector']);
  const { day, sum } = membersOf(digest, ['day', 'sum']);
  return { vector: must(hear(vector)), digest: { day: readCount(day), sum: nullOr(sum, readSum) } };
}

function readCount(json: unknown): number {
  if (!Number.isSafeInteger(json) || (json as number) < 0) throw new Malformed();
  return json as number;
}

function readBoolean(json: unknown): boolean {
  if (typeof json !== 'boolean') throw new Malformed();
  return json;
}

function readSum(json: unknown): string {
  if (typeof json !== 'string' || !isSumText(json)) throw new Malformed();
  return json;
}

function readListing(json: unknown, { hear }: Hearing): Listing {
  const listing = membersOf(json, ['after', 'records', 'through', 'vector']);
  return {
    after: readPosition(listing['after']),
    through: readPosition(listing['through']),
    vector: must(hear(listing['vector'])),
    records: readRecords(listing['records']),
  };
}

/** True when both mean the same place. */
export function sameCursor(a: Cursor, b: Cursor): boolean {
  const isOfOne = a.boot === b.boot && a.generation === b.generation;
  return isOfOne && sameVector(a.bulk, b.bulk) && sameVector(a.urgent, b.urgent);
}

function cursorToJson(cursor: Cursor | null, say: Speech['say']): Json {
  return (
    cursor && {
      boot: cursor.boot,
      generation: cursor.generation,
      bulk: say(cursor.bulk),
      urgent: say(cursor.urgent),
    }
  );
}

function positionToJson(position: Position): Json {
  return position && { kind: position.kind, id: position.id };
}
