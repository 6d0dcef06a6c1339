// Does a client that was answered by a node find what it was told in its next request to that node?
// Sees: an object that was acknowledged and is unknown to the same node later, an account whose new
// contacts are gone. Cannot see: other nodes, and what they have answered in its stead; lists of
// orders; whether a status went back (monotonicity-seen.ts). Excuses: a disk that somebody exchanged;
// orders and authorizations that were last told of so long ago that they may have been swept.

import { sameJson } from '../../core/crdt/canonical.ts';
import type { Json } from '../../core/crdt/record.ts';
import type { WebResponse } from '../../core/effect.ts';
import type { Checker, Finding } from '../checker.ts';
import { HOUR } from '../clock.ts';
import { bodyOf, factsOf, idOf, problemOf, saidIn } from '../exchange-facts.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { shownBy } from './seen.ts';
import { storyOf } from './story.ts';

const PROMISE = 'a client reads what it was told';
/** Kinds by the routes that look them up by the id in their path. */
const KIND_OF: { readonly [route: string]: string } = {
  account: 'account',
  orders: 'account',
  order: 'order',
  finalize: 'order',
  authz: 'authorization',
  challenge: 'authorization',
  cert: 'certificate',
  'cert-full': 'certificate',
};

/** What clients were told by one node. */
interface Told {
  /** When each object was told of last. */
  readonly objects: Map<string, number>;
  /** By account: the contacts that the last write was answered with. */
  readonly contacts: Map<string, Json>;
  /** By account, the call that wrote contacts last: only its answer tells what there is now. */
  readonly writing: Map<string, number>;
  /** Accounts with writes whose order is not known. */
  readonly unclear: Set<string>;
}

/** What a call under way may rely on. */
interface Relies {
  readonly told: Told;
  readonly object: string;
  readonly id: string;
  readonly isKnown: boolean;
  /** It is an account, which asks for itself. */
  readonly isOwn: boolean;
  readonly contact: Json | undefined;
  readonly isWrite: boolean;
}

export function readYourWrites(): Checker {
  const nodes: Told[] = [];
  const open = new Map<number, Relies>();
  /** Of calls under way, what the node's disk had told when they began. */
  const begun = new Map<number, Told>();
  const at = (node: number): Told => (nodes[node] ??= nothing());
  return {
    name: 'read-your-writes',
    watches: ['call', 'reply', 'disk', 'visible'],
    observe: (observation, world) => {
      switch (observation.kind) {
        case 'disk':
          nodes[observation.node] = nothing();
          return undefined;
        case 'visible':
          for (const answer of saidIn(observation.effect)) {
            remember(at(observation.node), undefined, -1, answer, observation.atUs);
          }
          return undefined;
        case 'call':
          begun.set(observation.call, at(observation.node));
          ask(at(observation.node), open, observation);
          return undefined;
        case 'reply': {
          const relies = open.get(observation.call);
          open.delete(observation.call);
          const told = begun.get(observation.call);
          begun.delete(observation.call);
          // An answer that was on its way when the disk was exchanged speaks of the old one.
          if (told !== at(observation.node)) return undefined;
          return take(at(observation.node), relies, observation, world);
        }
        default:
          return undefined;
      }
    },
    atEnd: () => [],
  };
}

function nothing(): Told {
  return { objects: new Map(), contacts: new Map(), writing: new Map(), unclear: new Set() };
}

function ask(
  told: Told,
  open: Map<number, Relies>,
  { call, web, atUs }: Extract<Observation, { kind: 'call' }>,
): void {
  const { route, ids, payload, bend, account } = factsOf(web);
  const kind = KIND_OF[route];
  if (kind === undefined || bend !== undefined) return;
  const id = ids[0]!;
  const object = `${kind}/${id}`;
  const isWrite = route === 'account' && payload?.['contact'] !== undefined;
  if (isWrite) {
    // The outcome of a write whose answer has not come yet may show at any later time.
    if (told.writing.has(id)) told.unclear.add(id);
    told.writing.set(id, call);
    told.contacts.delete(id);
  }
  const isLook = route === 'account' && payload === undefined && !told.unclear.has(id);
  const contact = isLook ? told.contacts.get(id) : undefined;
  const toldUs = told.objects.get(object);
  const isLasting = kind === 'account' || kind === 'certificate';
  const isKnown = toldUs !== undefined && (isLasting || atUs - toldUs < 24 * HOUR);
  // A client that has made another account meanwhile asks in that one's name.
  const isOwn = account === id;
  open.set(call, { told, object, id, isKnown, isOwn, contact, isWrite });
}

function take(
  told: Told,
  relies: Relies | undefined,
  { node, call, reply, atUs }: Extract<Observation, { kind: 'reply' }>,
  world: WorldView,
): Finding | undefined {
  if (reply.kind !== 'response') return undefined;
  const { response } = reply;
  const finding = relies?.told === told ? wrongAnswer(relies, response, node, world) : undefined;
  // What another node has answered was remembered as that one's word.
  if (response.from === undefined) remember(told, relies, call, response, atUs);
  return finding;
}

function wrongAnswer(
  { told, object, id, isKnown, isOwn, contact }: Relies,
  response: WebResponse,
  node: number,
  world: WorldView,
): Finding | undefined {
  const isUnknown = response.status === 404;
  const isNobody = isOwn && problemOf(response) === 'accountDoesNotExist';
  if (isKnown && (isUnknown || isNobody)) {
    const end = `n${node} had told of ${object} and answers ${response.status} now`;
    return { promise: PROMISE, nodes: [node], story: storyOf(world, id, end) };
  }
  // Whoever wrote while this look was on its way may have been first.
  const isSettled = contact !== undefined && told.contacts.get(id) === contact;
  if (!isSettled || response.status !== 200 || response.route !== 'account') return undefined;
  const now = bodyOf(response)['contact'] ?? [];
  // Another node may have told this one of a later write; then the client is elsewhere as well.
  const mayMove = world.options.sticky === 0 || world.options.removals > 0;
  if (sameJson(now, contact) || mayMove) return undefined;
  const [before, shown] = [JSON.stringify(contact), JSON.stringify(now)];
  const end = `n${node} had told of contacts ${before}, not ${shown}`;
  return { promise: PROMISE, nodes: [node], story: storyOf(world, id, end) };
}

function remember(
  told: Told,
  relies: Relies | undefined,
  call: number,
  response: WebResponse,
  atUs: number,
): void {
  if (response.status >= 300) return;
  const shown = shownBy(response);
  if (shown !== undefined) told.objects.set(shown.object, atUs);
  if (relies?.told === told && relies.isWrite && told.writing.get(relies.id) === call) {
    told.writing.delete(relies.id);
    told.contacts.set(relies.id, bodyOf(response)['contact'] ?? []);
  }
  const serial = idOf(bodyOf(response)['certificate']);
  if (serial !== '' && shown?.object.startsWith('order/'))
    told.objects.set(`certificate/${serial}`, atUs);
}
