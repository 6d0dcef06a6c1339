// A replica as small facts beside the records: what has to be durable of it, and how it begins
// again.
// Invariant: a change of state and its records become durable together, or the vector would speak
// for records that are not there. Facts of fetches are not kept: they begin again from the vector.
// Never here: other facts of a node.

import { compareText } from './canonical.ts';
import { type Sum, sumFromText, sumText } from './digest.ts';
import type { Origin } from './record.ts';
import { emptyReplica, type ReplicaState } from './replica.ts';
import { NOT_KEPT } from './uncounted.ts';
import { differences, EMPTY_VECTOR, isOrigin, isSeq } from './version-vector.ts';

/** Facts by name; null removes one. */
export type Facts = ReadonlyMap<string, string | null>;

const NO_FACTS: Facts = new Map();
const VECTORS = ['seen', 'floor', 'ahead'] as const;

/** The facts that differ from one state to a later one. Give undefined for the first state. */
export function changedFacts(before: ReplicaState | undefined, after: ReplicaState): Facts {
  // Most inputs only read: this is the hot path of a request.
  if (before === after) return NO_FACTS;
  const facts = new Map<string, string | null>();
  const note = (name: string, old: string | undefined, now: string | undefined): void => {
    if (old !== now) facts.set(`replica/${name}`, now ?? null);
  };
  note('origin', before?.origin, after.origin);
  const noteNumber = (name: string, old: number | undefined, now: number): void => {
    if (old !== now) facts.set(`replica/${name}`, now.toString());
  };
  const noteFlag = (name: string, old: boolean, now: boolean): void => {
    if (old !== now) facts.set(`replica/${name}`, now ? '1' : null);
  };
  noteNumber('seq', before?.seq, after.seq);
  noteNumber('peer-day', before?.peerDay, after.peerDay);
  noteNumber('horizon', before?.digest.horizonDay, after.digest.horizonDay);
  noteFlag('uncounted', before?.uncounted != null, after.uncounted !== null);
  noteFlag('established', before?.isEstablished === true, after.isEstablished);
  for (const name of VECTORS) {
    const old = before?.[name];
    if (old === after[name]) continue;
    const changes = differences(after[name], old ?? EMPTY_VECTOR, Number.POSITIVE_INFINITY)!;
    for (const [origin, seq] of changes) {
      facts.set(`replica/${name}/${origin}`, seq === 0 ? null : seq.toString());
    }
  }
  const oldSums = before?.digest.sums;
  if (oldSums === after.digest.sums) return facts;
  for (const [day, sum] of after.digest.sums) {
    const old = oldSums?.get(day);
    if (old !== sum) note(`digest/${day}`, old && sumText(old), sumText(sum));
  }
  for (const day of oldSums?.keys() ?? []) {
    if (!after.digest.sums.has(day)) facts.set(`replica/digest/${day}`, null);
  }
  return facts;
}

/**
 * The replica that the facts of a database describe; undefined when it has none, or when they make
 * no sense (then `broken` tells which one).
 */
export function replicaFrom(
  facts: ReadonlyMap<string, string>,
  boot: string,
): ReplicaState | undefined | { readonly broken: string } {
  const origin = facts.get('replica/origin');
  if (origin === undefined) return undefined;
  if (!isOrigin(origin)) return { broken: 'replica/origin' };
  const vectors = { seen: new Map(), floor: new Map(), ahead: new Map() } as const;
  const numbers = { seq: 0, horizon: 0, 'peer-day': 0 };
  const sums = new Map<number, Sum>();
  for (const [name, text] of [...facts].sort(([a], [b]) => compareText(a, b))) {
    if (!name.startsWith('replica/') || name === 'replica/origin') continue;
    if (name === 'replica/uncounted' || name === 'replica/established') {
      if (text === '1') continue;
      return { broken: name };
    }
    if (!take(name.slice('replica/'.length), text, vectors, numbers, sums)) return { broken: name };
  }
  const digest = { sums, horizonDay: numbers.horizon };
  const { seq, 'peer-day': peerDay } = numbers;
  const uncounted = facts.has('replica/uncounted') ? NOT_KEPT : null;
  const isEstablished = facts.has('replica/established');
  const flags = { uncounted, isEstablished };
  return { ...emptyReplica(origin, boot), ...vectors, ...flags, seq, digest, peerDay };
}

function take(
  name: string,
  text: string,
  vectors: { readonly [name in (typeof VECTORS)[number]]: Map<Origin, number> },
  numbers: { seq: number; horizon: number; 'peer-day': number },
  sums: Map<number, Sum>,
): boolean {
  const number = Number(text);
  if (name === 'seq' || name === 'horizon' || name === 'peer-day') {
    numbers[name] = number;
    return Number.isSafeInteger(number) && number >= 0;
  }
  const slash = name.indexOf('/');
  const [family, member] = [name.slice(0, slash), name.slice(slash + 1)];
  if (family === 'digest') {
    const sum = sumFromText(text);
    if (sum !== undefined) sums.set(Number(member), sum);
    return sum !== undefined && Number.isSafeInteger(Number(member));
  }
  const vector: Map<Origin, number> | undefined = VECTORS.includes(family as 'seen')
    ? vectors[family as 'seen']
    : undefined;
  vector?.set(member, number);
  return vector !== undefined && isOrigin(member) && isSeq(number);
}
