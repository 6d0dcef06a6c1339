// Jobs that wait for records of the database. Invariant: a load ends once, and then everything that
// it brought is warm; a job whose client has gone meanwhile does not come back. Loads of one job
// may push each other out of the cache: one that comes back too often gets all its records at once.
// Never here: running jobs, what they need the records for.

import { assert } from './assert.ts';
import type { Cache } from './cache.ts';
import { keyText, type RecordKey } from './crdt/record.ts';
import type { ReplicaState } from './crdt/replica.ts';
import type { EffectOf } from './effect.ts';
import type { Input, Loaded } from './input.ts';
import { LIMITS } from './limits.ts';
import { type Miss, remember } from './transaction.ts';
import { isRequest, type Job } from './waiting-room.ts';

export class Loads {
  readonly #cache: Cache;
  readonly #parked = new Map<number, { readonly job: Job; readonly asked: EffectOf<'load'> }>();
  readonly #abandoned = new Set<number>();

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  get size(): number {
    return this.#parked.size;
  }

  /** Parks a job until the database has answered. `replica`: the state of this instant. */
  begin(job: Job, miss: Miss, replica: ReplicaState): EffectOf<'load'> {
    job.loads++;
    assert(
      job.loads <= LIMITS.loadsPerInput,
      `an input never had what it needs: ${job.input.kind}`,
    );
    const { selections, ranges } = miss;
    for (const key of miss.keys) job.missed.push(key);
    const keys = job.loads > LIMITS.loadsApart ? distinct(job.missed) : miss.keys;
    const load = this.#cache.beginLoad();
    const asked = { kind: 'load', load, keys, selections, ranges } as const;
    this.#parked.set(load, { job, asked });
    // Rows are of the instant at which they are asked for, and so must be what is said about them:
    // of the first such instant, where more rows are asked for later.
    job.memory.instant ??= replica;
    return asked;
  }

  /** Takes in what a load brought. Returns the job that goes on now, if somebody waits for it. */
  end(load: number, loaded: Loaded): readonly Job[] {
    const parked = this.#parked.get(load);
    assert(parked !== undefined, 'a load that was asked for');
    const { job, asked } = parked;
    this.#parked.delete(load);
    for (const [index, key] of asked.keys.entries()) this.#cache.fill(key, loaded.records[index]);
    if (!isWalk(job.input)) {
      for (const record of loaded.selections.flat()) this.#cache.fill(record, record);
    }
    this.#cache.endLoad(load);
    remember(job.memory, asked, loaded);
    const isAbandoned = job.input.kind === 'request' && this.#abandoned.delete(job.input.request);
    return isAbandoned ? [] : [job];
  }

  /** The client of a request has gone. */
  abandon(request: number): void {
    for (const { job } of this.#parked.values()) {
      if (isRequest(job, request)) this.#abandoned.add(request);
    }
  }
}

function distinct(keys: readonly RecordKey[]): readonly RecordKey[] {
  return [...new Map(keys.map((key) => [keyText(key), key])).values()];
}

/** Whether it goes through the whole database: what is warm is wanted more than what it reads. */
function isWalk(input: Input): boolean {
  return input.kind === 'chore' && input.chore === 'keys';
}
