// What a member with valid keys can send that is well formed and not true: one row for each way of
// lying. A lie works on a page (an answer, or what is handed over with an ask) or on an ask.
// Invariant: a lie is a function of the message, what the liar remembers and the draws; what comes
// out is JSON that an honest reader has to look at. Never here: when and to whom is lied (liar.ts);
// vandalism: whoever has valid keys may revoke everything, and write a register for the last time.

import type { Json } from '../core/crdt/record.ts';
import type { Sequence } from './prng.ts';

export type Members = { readonly [member: string]: Json };

/** What a liar has at hand. */
export interface Tools {
  readonly draw: Sequence;
  /** Pages sent before, newest last, to whomever. */
  readonly sent: readonly Members[];
  /** Who will read it, for telling everybody something else. */
  readonly reader: number;
}

/** The message as it is sent instead; undefined when this lie cannot be told with it. */
type Bend = (message: Members, tools: Tools) => Members | undefined;

export interface Lie {
  readonly name: string;
  readonly page?: Bend;
  readonly ask?: Bend;
}

const FAR_FUTURE = 'ffffffffffff-ffff-liar';
const FAR_PAST = '000000000000-0000-liar';
/** More than any page may hold. */
const TOO_MANY = 10_001;
/** Members of registers that typed readers cannot do without. */
const READ_BY_ALL: ReadonlySet<string> = new Set([
  'account',
  'authorizations',
  'challenges',
  'createdMs',
  'expiresMs',
  'identifier',
  'identifiers',
  'jwk',
  'notAfterMs',
  'serial',
  'spkiHash',
  'thumbprint',
  'token',
]);

export const LIES: readonly Lie[] = [
  { name: 'absurd stamps', page: onRecords(absurdStamps) },
  { name: 'dots of others', page: onRecords(forgedDot) },
  { name: 'one dot for two contents', page: onRecords(equivocal) },
  { name: 'registers without content', page: onRecords(hollow) },
  { name: 'contents that make no sense', page: onRecords(senseless) },
  { name: 'work of an unknown kind', page: onRecords(unknownWork) },
  { name: 'counters at their ends', page: onRecords(saturated) },
  { name: 'a vector ahead of its data', page: claim(inflated) },
  { name: 'origins that never were', page: claim(invented) },
  { name: 'a floor that never was', page: (page, { draw }) => bent(page, 'floor', inflated, draw) },
  { name: 'another digest', page: otherDigest },
  { name: 'records are withheld', page: withheld },
  { name: 'an empty listing', page: emptyListing },
  { name: 'own events the reader forgot', page: memories },
  { name: 'too many records', page: oversized },
  { name: 'an old page again', page: (_, { sent, draw }) => oneOf(sent, draw) },
  { name: 'the page of another', page: (page, { sent }) => others(page, sent.at(-1)) },
  { name: 'a cursor from nowhere', page: strangeCursor },
  { name: 'seen what nobody wrote', ask: (ask, { draw }) => bent(ask, 'vector', inflated, draw) },
  { name: 'seen nothing at all', ask: (ask) => ({ ...ask, vector: [] }) },
  { name: 'a vector by a name unheard of', page: unheardOf, ask: unheardOf },
  { name: 'say it in full', page: () => ({ say: 'in full' }) },
  { name: 'not JSON as agreed', page: () => ({ nonsense: true }), ask: () => ({ nonsense: true }) },
];

/** Changes one record in three. */
function onRecords(change: (record: Json[], tools: Tools) => void): Bend {
  return (page, tools) => {
    const records = page['records'] as readonly (readonly Json[])[] | undefined;
    if (records === undefined || records.length === 0) return undefined;
    const changed = records.map((entry) => {
      if (!tools.draw.chance(333_333)) return entry;
      const record = [...entry];
      change(record, tools);
      return record;
    });
    return { ...page, records: changed };
  };
}

function absurdStamps(record: Json[], { draw }: Tools): void {
  const at = draw.pick([FAR_FUTURE, FAR_PAST]);
  record[4] = onRegisters(record[4] as Members, (register) => ({ ...register, at }));
}

function onRegisters(fields: Members, change: (register: Members) => Members): Members {
  const pairs = Object.entries(fields).map(([name, value]): [string, Json] => {
    const isRegister = isObject(value) && 'at' in value && 'value' in value;
    return [name, isRegister ? change(value) : value];
  });
  return Object.fromEntries(pairs);
}

function forgedDot(record: Json[], { draw }: Tools): void {
  record[3] = (record[3] as number) + draw.between(1, 1000);
}

function equivocal(record: Json[], { reader }: Tools): void {
  record[4] = { ...(record[4] as Members), 'x-told': `to n${reader}` };
}

/** What `made` and `key` hold is read by everybody; of all these, nothing can be. */
function hollow(record: Json[], { draw }: Tools): void {
  const value = draw.pick<Json>([null, 7, 'nonsense', [], {}]);
  const fields = record[4] as Members;
  const named = ['made', 'key', 'csr'].filter((name) => isObject(fields[name]));
  const changed = named.map((name) => [name, { ...(fields[name] as Members), value }]);
  record[4] = { ...fields, ...Object.fromEntries(changed) };
}

/** One member of what is in a register: of the wrong type, far out of range, or gone. */
function senseless(record: Json[], { draw }: Tools): void {
  const at = draw.below(4);
  record[4] = onRegisters(record[4] as Members, (register) => {
    const { value } = register;
    if (!isObject(value)) return register;
    const names = Object.keys(value).filter((name) => READ_BY_ALL.has(name));
    if (names.length === 0) return register;
    const name = names[at % names.length]!;
    const { [name]: _, ...others } = value;
    const nonsense = draw.pick<Json | undefined>([undefined, null, -1, 1e300, { a: [] }, '\0']);
    return {
      ...register,
      value: nonsense === undefined ? others : { ...others, [name]: nonsense },
    };
  });
}

function unknownWork(record: Json[]): void {
  record[0] = `x-${String(record[0])}`;
  record[4] = { status: 'processing' };
}

/** A lease that nobody can take over any more; whoever may revoke all may delay one order. */
function saturated(record: Json[], { reader }: Tools): void {
  const fields = record[4] as Members;
  if (!isObject(fields['owner'])) return;
  const epoch = Number.MAX_SAFE_INTEGER;
  record[4] = { ...fields, owner: { ...fields['owner'], epoch, node: `n${reader}` } };
}

/** Makes the page complete, if need be, with another vector. */
function claim(change: (vector: readonly Json[], draw: Sequence) => readonly Json[]): Bend {
  return (page, { draw }) => {
    const complete = page['complete'];
    if (!isObject(complete)) return undefined;
    const vector = changed(complete['vector']!, change, draw);
    return { ...page, complete: { ...complete, vector } };
  };
}

/** Some entries of a vector, further on than they are. */
function inflated(vector: readonly Json[], draw: Sequence): readonly Json[] {
  return vector.map((entry) => {
    const [origin, seq] = entry as [string, number];
    return draw.chance(500_000) ? [origin, seq + draw.between(1, 50)] : entry;
  });
}

function invented(vector: readonly Json[], draw: Sequence): readonly Json[] {
  const number = draw.below(1_000_000);
  const more = Array.from({ length: 5 }, (_, index) => [`zz.${number}-${index}`, 7]);
  return sorted([...vector, ...more]);
}

function sorted(vector: readonly Json[]): readonly Json[] {
  const name = (entry: Json): string => String((entry as readonly Json[])[0]);
  const entries = [...vector].sort((a, b) => (name(a) < name(b) ? -1 : 1));
  return entries.filter((entry, at) => at === 0 || name(entries[at - 1]!) !== name(entry));
}

function bent(
  message: Members,
  member: string,
  change: (vector: readonly Json[], draw: Sequence) => readonly Json[],
  draw: Sequence,
): Members | undefined {
  const vector = message[member];
  const from = Array.isArray(vector) && vector.length === 0 ? vectorOfComplete(message) : vector;
  return from === undefined ? undefined : { ...message, [member]: changed(from, change, draw) };
}

function vectorOfComplete({ complete }: Members): Json {
  return isObject(complete) ? complete['vector']! : [];
}

/** A vector with its entries changed, or those in which it differs from the one that it names. */
function changed(
  vector: Json,
  change: (vector: readonly Json[], draw: Sequence) => readonly Json[],
  draw: Sequence,
): Json {
  if (!isObject(vector)) return change(vector as readonly Json[], draw);
  return { ...vector, but: change(vector['but'] as readonly Json[], draw) };
}

/** Everywhere in the message the name of a vector that nobody has said. */
function unheardOf(message: Members, { draw }: Tools): Members | undefined {
  const same = draw.u32().toString(36).padStart(22, 'x');
  const names = ['vector', 'base', 'floor'].filter((name) => name in message);
  return { ...message, ...Object.fromEntries(names.map((name) => [name, { same, but: [] }])) };
}

function otherDigest(page: Members, { draw }: Tools): Members | undefined {
  const { complete } = page;
  if (!isObject(complete)) return undefined;
  const sum = draw.u32().toString(16).padStart(8, '0').repeat(4);
  return {
    ...page,
    complete: { ...complete, digest: { ...(complete['digest'] as Members), sum } },
  };
}

function withheld(page: Members, { draw }: Tools): Members | undefined {
  const records = page['records'] as readonly Json[] | undefined;
  if (records === undefined || records.length === 0) return undefined;
  return { ...page, records: records.filter(() => draw.chance(500_000)) };
}

function emptyListing(page: Members): Members | undefined {
  const { listing } = page;
  if (!isObject(listing)) return undefined;
  return { ...page, listing: { ...listing, records: [], through: null } };
}

/** The page says that the reader has made more events than it remembers. */
function memories(page: Members, { draw }: Tools): Members | undefined {
  const { known } = page;
  if (!Array.isArray(known)) return undefined;
  const [origin, seq] = known as unknown as [string, number];
  return { ...page, known: [origin, seq + draw.between(1, 1000)] };
}

function oversized(page: Members, { draw }: Tools): Members | undefined {
  const [record] = (page['records'] ?? []) as readonly Json[];
  // Big messages take their time here as well: now and then is enough.
  if (record === undefined || !draw.chance(100_000)) return undefined;
  return { ...page, records: Array.from({ length: TOO_MANY }, () => record) };
}

function oneOf(sent: readonly Members[], draw: Sequence): Members | undefined {
  return sent.length === 0 ? undefined : draw.pick(sent);
}

function others(page: Members, last: Members | undefined): Members | undefined {
  return last === page ? undefined : last;
}

function strangeCursor(page: Members, { draw }: Tools): Members {
  const boot = `b${draw.below(1000)}`;
  const cursor = { boot, generation: draw.below(10), bulk: page['base'] ?? [], urgent: [] };
  return draw.chance(500_000) ? { ...page, next: cursor } : { ...page, since: cursor };
}

function isObject(json: Json | undefined): json is Members {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
