// Does anything leave a node that is not durable there yet? Twice over: every effect that shows
// something waits for all changes emitted before it; and what answers, asks and pages say is looked
// up on the disk at that moment. An ask for the next page of a fetch need not wait (core/effect.ts).
// Sees: effects that overtake a commit, answers and pages made before their persist, a vector that
// speaks for what is not on disk. Cannot see: statuses that depend on clocks (answers.ts has them).
// Excuses: a valid order whose certificate was durable at another node and has not come yet.

import { meantBy, wantsInFull } from '../../core/cluster/vocabulary.ts';
import type { Json, Record } from '../../core/crdt/record.ts';
import { type Effect, goesAhead, type WebResponse } from '../../core/effect.ts';
import type { Checker, Finding } from '../checker.ts';
import type { DiskView } from '../disk.ts';
import { bodyOf, headerOf, idOf, relayedIn } from '../exchange-facts.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { lowered } from './content.ts';
import { nodeStory, seenOf, storyOf } from './story.ts';

const PROMISE = 'what is shown is durable';

interface AtNode {
  /** Persists that the core has emitted, and those that are durable. */
  emitted: number;
  durable: number;
  /** Effects that wait, with how many persists have to be durable before each. */
  readonly waits: Map<Effect, number>;
}

export function durableBeforeVisible(): Checker {
  const nodes: AtNode[] = [];
  const certificates = new Map<string, Set<number>>();
  return {
    name: 'durable-before-visible',
    watches: ['start', 'step', 'durable', 'visible'],
    observe: (observation, world) => {
      switch (observation.kind) {
        case 'start':
          nodes[observation.node] = { emitted: 0, durable: 0, waits: new Map() };
          return undefined;
        case 'step':
          emit(nodes[observation.node]!, observation.effects);
          return undefined;
        case 'durable':
          nodes[observation.node]!.durable += observation.changes.length;
          noteCertificates(certificates, observation);
          return undefined;
        case 'visible':
          return shows(nodes[observation.node]!, certificates, observation, world);
        default:
          return undefined;
      }
    },
    atEnd: () => [],
  };
}

function emit(at: AtNode, effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.kind === 'persist') at.emitted++;
    else if (isShown(effect)) at.waits.set(effect, at.emitted);
  }
}

function noteCertificates(
  certificates: Map<string, Set<number>>,
  { node, changes }: Extract<Observation, { kind: 'durable' }>,
): void {
  for (const { kind, id } of changes.flatMap(({ records }) => records)) {
    if (kind !== 'certificate') continue;
    certificates.set(id, (certificates.get(id) ?? new Set<number>()).add(node));
  }
}

const SHOWN: ReadonlySet<string> = new Set(['respond', 'ask', 'tell', 'build-crl']);

function isShown(effect: Effect): boolean {
  return SHOWN.has(effect.kind) && !goesAhead(effect);
}

function shows(
  at: AtNode,
  certificates: ReadonlyMap<string, ReadonlySet<number>>,
  { node, effect }: Extract<Observation, { kind: 'visible' }>,
  world: WorldView,
): Finding | undefined {
  if (!isShown(effect)) return undefined;
  const needed = at.waits.get(effect) ?? 0;
  at.waits.delete(effect);
  if (at.durable < needed) {
    const end = `n${node} shows a ${effect.kind} before ${needed - at.durable} changes are durable`;
    return { promise: PROMISE, nodes: [node], story: nodeStory(world, node, end) };
  }
  const { disk } = world.nodes[node]!;
  const seen: Seen = {
    disk,
    isFromElsewhere: (serial) => [...(certificates.get(serial) ?? [])].some((at) => at !== node),
  };
  const ahead =
    effect.kind === 'respond' ? answerAhead(effect.response, seen) : saidAhead(effect, seen);
  if (ahead === undefined) return undefined;
  const end = `n${node} shows ${ahead.what}, which its disk does not have`;
  return { promise: PROMISE, nodes: [node], story: storyOf(world, ahead.id, end) };
}

/** Where what a node shows is looked up. */
interface Seen {
  readonly disk: DiskView;
  /**
   * A certificate was durable at another node. An order comes from there in one page, and its
   * certificate in the next, unless that disk was lost in between: this node cannot know it.
   */
  readonly isFromElsewhere: (serial: string) => boolean;
}

interface Ahead {
  readonly id: string;
  readonly what: string;
}

function saidAhead(effect: Effect, seen: Seen): Ahead | undefined {
  if (effect.kind === 'tell') return tellAhead(effect.page as Members, seen);
  if (effect.kind !== 'ask') return undefined;
  const { disk } = seen;
  const ahead = vectorAhead((effect.ask as Members)['vector'], disk);
  return ahead ?? (effect.push === null ? undefined : pageAhead(effect.push, disk));
}

type Members = { readonly [member: string]: Json };

/** Objects that an answer shows, and the status it gives them. */
function answerAhead(response: WebResponse, seen: Seen): Ahead | undefined {
  // Another node has answered, and was looked at when it did.
  if (response.status >= 300 || response.from !== undefined) return undefined;
  const { route } = response;
  const { disk } = seen;
  const body = bodyOf(response);
  switch (route) {
    case 'new-account':
    case 'account':
      return behind(disk, 'account', idOf(headerOf(response, 'Location')), body['status']);
    case 'new-order':
    case 'order':
    case 'finalize':
      return orderAhead(idOf(body['finalize']), body, seen);
    case 'new-authz':
      return behind(disk, 'authorization', idOf(headerOf(response, 'Location')), undefined);
    case 'challenge':
      return behind(disk, 'authorization', idOf(body['url']), undefined);
    default:
      return undefined;
  }
}

function orderAhead(id: string, body: Members, { disk, isFromElsewhere }: Seen): Ahead | undefined {
  const status = body['status'];
  const isStored = status === 'valid' || status === 'processing';
  const ahead = behind(disk, 'order', id, isStored ? status : undefined);
  if (ahead !== undefined || status !== 'valid') return ahead;
  const serial = idOf(body['certificate']);
  return isFromElsewhere(serial) ? undefined : behind(disk, 'certificate', serial, undefined);
}

/** When the disk lacks the object, or has it in a status below the one shown. */
function behind(disk: DiskView, kind: string, id: string, status: unknown): Ahead | undefined {
  const record = disk.get(kind, id);
  if (record === undefined) return { id, what: `${kind} ${id}` };
  if (typeof status !== 'string') return undefined;
  const shown = { status };
  if (lowered(kind, shown, record.fields) === undefined) return undefined;
  return { id, what: `${kind} ${id} as ${status}` };
}

/** A page, or verdicts about nonces with answers to reads and a page, which they may go without. */
function tellAhead(told: Members, seen: Seen): Ahead | undefined {
  for (const answer of relayedIn(told)) {
    const ahead = answer && answerAhead(answer, seen);
    if (ahead !== undefined) return ahead;
  }
  const page = told['verdicts'] === undefined ? told : told['page'];
  return page == null ? undefined : pageAhead(page, seen.disk);
}

/** A page speaks for its records and, when it is complete, for a vector. */
function pageAhead(page: Json, disk: DiskView): Ahead | undefined {
  if (wantsInFull(page)) return undefined;
  const { records, complete } = page as Members;
  for (const entry of records as readonly Json[]) {
    const [kind, id, origin, seq, fields] = entry as [string, string, string, number, Members];
    const held = disk.get(kind, id);
    if (held?.fields === fields) continue;
    if (
      held === undefined ||
      lowered(kind, fields as Record['fields'], held.fields) !== undefined
    ) {
      return { id, what: `${kind}/${id} at ${origin}:${seq}` };
    }
  }
  return complete === null ? undefined : vectorAhead((complete as Members)['vector'], disk);
}

function vectorAhead(vector: Json | undefined, disk: DiskView): Ahead | undefined {
  for (const [origin, seq] of entriesOf(vector)) {
    if (seq > seenOf(disk, origin)) return { id: origin, what: `${origin} up to ${seq} as seen` };
  }
  return undefined;
}

/** What a vector says, also where it names another one; a mutant's may be no vector at all. */
function entriesOf(vector: Json | undefined): Iterable<readonly [string, number]> {
  const meant = vector === undefined ? undefined : meantBy(vector);
  return meant ?? (vector as unknown as readonly (readonly [string, number])[]);
}
