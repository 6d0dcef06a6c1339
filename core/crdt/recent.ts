// The last records that were written or merged here, by origin and number: what peers lack is nearly
// always among them, and is then served without asking the database.
// Invariant: what is said of a range is exactly what the database would say at this place of the
// log; where a range is not wholly remembered, nothing is said.
// Never here: records by key (cache.ts), what of them is served.

import { assert } from '../assert.ts';
import { keyText, type Origin, type Record, type RecordKey } from './record.ts';
import { MAX_ORIGINS, type VersionVector } from './version-vector.ts';

interface Stream {
  /** Everything of this origin beyond this number is in `rows`. */
  after: number;
  /** By number. */
  readonly rows: Record[];
}

export class Recent {
  readonly #limit: number;
  readonly #before: VersionVector;
  readonly #streams = new Map<Origin, Stream>();
  /** All that is remembered, by key; what was written last comes last. */
  readonly #records = new Map<string, Record>();

  /** `before`: the greatest number of each origin among the records that are held already. */
  constructor(limit: number, before: VersionVector) {
    assert(limit >= 1, 'something is remembered');
    this.#limit = limit;
    this.#before = before;
  }

  get size(): number {
    return this.#records.size;
  }

  /** The first `limit` records beyond a number, by number; undefined when that is not known here. */
  rows(origin: Origin, afterSeq: number, limit: number): readonly Record[] | undefined {
    const stream = this.#streams.get(origin);
    if (stream === undefined) {
      const isUntouched = this.#streams.size < MAX_ORIGINS;
      return isUntouched && afterSeq >= this.#heldBefore(origin) ? [] : undefined;
    }
    if (afterSeq < stream.after) return undefined;
    const start = firstBeyond(stream.rows, afterSeq);
    return stream.rows.slice(start, start + limit);
  }

  /** A version that was stored, in the place of the one before. */
  write(record: Record): void {
    this.remove(record);
    const { origin, seq } = record.dot;
    const stream = this.#streams.get(origin) ?? this.#open(origin);
    if (stream === undefined || seq <= stream.after) return;
    stream.rows.splice(firstBeyond(stream.rows, seq), 0, record);
    this.#records.set(keyText(record), record);
    if (this.#records.size > this.#limit) this.#forgetOldest();
  }

  /** One of many versions that were stored: neither it nor what is below it is remembered. */
  pass(record: Record): void {
    this.remove(record);
    const { origin, seq } = record.dot;
    const stream = this.#streams.get(origin) ?? this.#open(origin);
    if (stream !== undefined && seq > stream.after) this.#forgetThrough(stream, seq);
  }

  /** A record that is stored no more. */
  remove(key: RecordKey): void {
    const text = keyText(key);
    const record = this.#records.get(text);
    if (record === undefined) return;
    this.#records.delete(text);
    const { rows } = this.#streams.get(record.dot.origin)!;
    const at = rows.indexOf(record, firstBeyond(rows, record.dot.seq - 1));
    assert(at >= 0, 'what is remembered is in its stream');
    rows.splice(at, 1);
  }

  #open(origin: Origin): Stream | undefined {
    if (this.#streams.size >= MAX_ORIGINS) return undefined;
    const stream = { after: this.#heldBefore(origin), rows: [] };
    this.#streams.set(origin, stream);
    return stream;
  }

  #heldBefore(origin: Origin): number {
    return this.#before.get(origin) ?? 0;
  }

  /** Forgets what was written longest ago, and with it all below it in its stream. */
  #forgetOldest(): void {
    const [oldest] = this.#records.values();
    const { origin, seq } = oldest!.dot;
    this.#forgetThrough(this.#streams.get(origin)!, seq);
  }

  #forgetThrough(stream: Stream, seq: number): void {
    stream.after = seq;
    for (const record of stream.rows.splice(0, firstBeyond(stream.rows, seq))) {
      this.#records.delete(keyText(record));
    }
  }
}

/** Where the first row beyond a number stands. Mostly near the end: what is new is asked for. */
function firstBeyond(rows: readonly Record[], seq: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]!.dot.seq <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
