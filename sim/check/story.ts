// The shortest telling of how something came about: the last things that happened to one record,
// nonce or node, each as a line, oldest first; and the reading of disks that checkers share.
// Invariant: telling costs nothing until a promise is broken. Never here: judging.

import { keyText, type Record, type RecordKey } from '../../core/crdt/record.ts';
import type { DiskView } from '../disk.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';

const LINES = 12;
const MOST_NAMES = 4096;

/** Seconds since the world began, to the millisecond. */
export function timeText(atUs: number): string {
  const ms = Math.floor(atUs / 1000);
  return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')} s`;
}

/** What happened lately to anything with this id (a record's, a serial, a nonce), then `end`. */
export function storyOf(world: WorldView, id: string, end: string): readonly string[] {
  const found = world.recent((observation) => concerns(observation, id), LINES);
  return [...found.map((observation) => lineOf(observation, id)), end];
}

/** What happened lately to a node's process and disk, then `end`. */
export function nodeStory(world: WorldView, node: number, end: string): readonly string[] {
  const found = world.recent((observation) => {
    return isOfProcess(observation) && observation.node === node;
  }, LINES);
  return [...found.map((observation) => lineOf(observation, '')), end];
}

/** A record with what matters of it: key, dot, rungs. */
export function recordText(record: Record): string {
  const rungs = Object.entries(record.fields).flatMap(([field, value]) => {
    return typeof value === 'string' ? [`${field}=${value}`] : [field];
  });
  return `${keyText(record)} at ${record.dot.origin}:${record.dot.seq} (${rungs.join(' ')})`;
}

/** The own origin of whoever writes to this disk. */
export function originOf({ facts }: DiskView): string | undefined {
  return facts.get('replica/origin');
}

/** Up to which of an origin's events this disk says it has seen. */
export function seenOf({ facts }: DiskView, origin: string): number {
  const isOwn = facts.get('replica/origin') === origin;
  return Number(facts.get(isOwn ? 'replica/seq' : seenName(origin)) ?? 0);
}

/** Names of facts, so that they need not be put together for every look at a disk. */
const SEEN_NAMES = new Map<string, string>();

function seenName(origin: string): string {
  let name = SEEN_NAMES.get(origin);
  if (name === undefined) {
    name = `replica/seen/${origin}`;
    // Names of a world are few; those of many worlds after each other are not kept.
    if (SEEN_NAMES.size >= MOST_NAMES) SEEN_NAMES.clear();
    SEEN_NAMES.set(origin, name);
  }
  return name;
}

/** Up to which of an origin's events something is on this disk, covered or not. */
export function reachOf(disk: DiskView, origin: string): number {
  return Math.max(seenOf(disk, origin), Number(disk.facts.get(`replica/ahead/${origin}`) ?? 0));
}

/** Every origin that this disk has seen, with the number of its last event seen. */
export function vectorOfDisk({ facts }: DiskView): ReadonlyMap<string, number> {
  const vector = new Map<string, number>();
  for (const [name, value] of facts) {
    if (name.startsWith('replica/seen/')) vector.set(name.slice(13), Number(value));
  }
  const seq = Number(facts.get('replica/seq') ?? 0);
  const origin = facts.get('replica/origin');
  if (origin !== undefined && seq > 0) vector.set(origin, seq);
  return vector;
}

function concerns(observation: Observation, id: string): boolean {
  const isIt = (key: RecordKey): boolean => key.id === id;
  switch (observation.kind) {
    case 'durable':
      return observation.changes.some(({ records, forget }) => {
        return records.some(isIt) || forget.some(isIt);
      });
    case 'step':
      return observation.effects.some(({ kind, ...effect }) => {
        return kind === 'persist' && (effect as { records: readonly Record[] }).records.some(isIt);
      });
    case 'call':
      return observation.web.target.includes(id) || textOf(observation.web.body).includes(id);
    case 'reply':
      return (
        observation.reply.kind === 'response' &&
        (textOf(observation.reply.response.body).includes(id) ||
          observation.reply.response.headers.some(([, value]) => value.includes(id)))
      );
    default:
      return isOfProcess(observation);
  }
}

function isOfProcess(
  observation: Observation,
): observation is Extract<Observation, { kind: 'start' | 'crash' | 'stop' | 'disk' }> {
  const { kind } = observation;
  return kind === 'crash' || kind === 'stop' || kind === 'disk' || kind === 'start';
}

function lineOf(observation: Observation, id: string): string {
  const time = timeText(observation.atUs);
  const node = 'node' in observation ? ` n${observation.node}` : '';
  switch (observation.kind) {
    case 'durable':
    case 'step': {
      const records = recordsOf(observation).filter((record) => record.id === id);
      const what = observation.kind === 'durable' ? 'has on disk' : 'writes';
      return `${time}${node} ${what} ${records.map(recordText).join(', ')}`;
    }
    case 'call':
      return `${time} c${observation.client} asks${node} ${observation.web.target}`;
    case 'reply': {
      const { reply } = observation;
      const answer = reply.kind === 'response' ? String(reply.response.status) : reply.kind;
      return `${time} c${observation.client} gets ${answer} from${node}`;
    }
    case 'start':
      return `${time}${node} starts (process ${observation.boot})`;
    case 'disk':
      return `${time}${node} gets another disk (${observation.how})`;
    case 'crash':
      return `${time}${node} crashes (${observation.point.at}), losing ${observation.lost.length}`;
    case 'stop':
      return `${time}${node} stops: ${observation.reason}`;
    default:
      return `${time}${node} ${observation.kind}`;
  }
}

function recordsOf(observation: Extract<Observation, { kind: 'durable' | 'step' }>): Record[] {
  if (observation.kind === 'durable') return observation.changes.flatMap(({ records }) => records);
  return observation.effects.flatMap((effect) => {
    return effect.kind === 'persist' ? effect.records : [];
  });
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : '';
}
