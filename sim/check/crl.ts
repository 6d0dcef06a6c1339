// Are revocation lists right (RFC 5280 §5)? Numbers only grow at each node and CA, no two nodes give
// two lists the same, a list holds every revocation that was durable when it was ordered, and whoever
// was told of a revocation finds it in the list he asks the same node for afterwards.
// Sees: lists made too early, a number that repeats, stale lists. Cannot see: lists whose form it
// does not know (real DER). Excuses: a disk that somebody exchanged.

import { rung } from '../../core/acme/records.ts';
import { fromBase64Url, fromUtf8 } from '../../core/bytes.ts';
import type { Checker, Finding } from '../checker.ts';
import { factsOf, problemOf } from '../exchange-facts.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { CommandAnswers } from './command-answers.ts';
import { nodeStory } from './story.ts';

/** What is known of one node. */
interface AtNode {
  /** Greatest number ordered, by CA. */
  readonly numbers: Map<string, number>;
  /** Serials revoked on its disk, in the order they became durable. */
  readonly revoked: Set<string>;
  /** By CA and number: how many of them a list has to hold. */
  readonly ordered: Map<string, number>;
  /** Serials whose revocation it acknowledged, in order. */
  readonly acknowledged: Set<string>;
}

/**
 * A call whose answer matters: a revocation, or a list with how many serials it has to hold; and
 * those that the node had acknowledged on the disk that it had then.
 */
type Awaited = { readonly acknowledged: Set<string> } & (
  | { readonly serial: string }
  | { readonly count: number }
);

export function crl(): Checker {
  const nodes: AtNode[] = [];
  const awaited = new Map<number, Awaited>();
  /** Who made the list of a number, by CA, number and tag. */
  const makers = new Map<string, number>();
  const operators = new CommandAnswers();
  const at = (node: number): AtNode => (nodes[node] ??= nothingKnown());
  return {
    name: 'crl',
    watches: ['start', 'step', 'visible', 'durable', 'disk', 'call', 'reply'],
    observe: (observation, world) => {
      const told = operators.see(observation);
      if (told?.command.kind === 'revoke' && told.response.status === 200) {
        const { node } = observation as Extract<Observation, { kind: 'visible' }>;
        at(node).acknowledged.add(told.command.serial);
      }
      switch (observation.kind) {
        case 'disk':
          nodes[observation.node] = nothingKnown();
          for (const record of observation.disk.records()) {
            if (isRevoked(record)) at(observation.node).revoked.add(record.id);
          }
          return undefined;
        case 'durable':
          for (const { records } of observation.changes) {
            for (const record of records) {
              if (isRevoked(record)) at(observation.node).revoked.add(record.id);
            }
          }
          return undefined;
        case 'visible':
          return orders(at(observation.node), makers, observation, world);
        case 'step':
          return isBuilt(at(observation.node), observation, world);
        case 'call':
          asks(at(observation.node), awaited, observation);
          return undefined;
        case 'reply':
          return tells(at(observation.node), awaited, observation, world);
        default:
          return undefined;
      }
    },
    atEnd: () => [],
  };
}

function nothingKnown(): AtNode {
  return {
    numbers: new Map(),
    revoked: new Set(),
    ordered: new Map(),
    acknowledged: new Set(),
  };
}

function isRevoked(record: Parameters<typeof rung>[0]): boolean {
  return record.kind === 'certificate' && rung(record, 'status') === 'revoked';
}

function orders(
  { numbers, revoked, ordered }: AtNode,
  makers: Map<string, number>,
  { node, effect }: Extract<Observation, { kind: 'visible' }>,
  world: WorldView,
): Finding | undefined {
  if (effect.kind !== 'build-crl') return undefined;
  const { ca, number } = effect;
  const before = numbers.get(ca) ?? 0;
  numbers.set(ca, number);
  ordered.set(`${ca} ${number}`, revoked.size);
  const whole = `${ca} ${number} ${effect.tag}`;
  const maker = makers.get(whole);
  makers.set(whole, node);
  if (maker !== undefined && maker !== node) {
    const end = `n${node} orders list ${number} of CA ${ca} under the number of one of n${maker}`;
    const story = nodeStory(world, node, end);
    return { promise: 'no two lists have one number', nodes: [node, maker], story };
  }
  if (number > before) return undefined;
  const end = `n${node} orders list ${number} of CA ${ca} after list ${before}`;
  return { promise: 'list numbers only grow', nodes: [node], story: nodeStory(world, node, end) };
}

function isBuilt(
  { revoked, ordered }: AtNode,
  { node, input }: Extract<Observation, { kind: 'step' }>,
  world: WorldView,
): Finding | undefined {
  if (input.kind !== 'crl-built') return undefined;
  const key = `${input.ca} ${input.number}`;
  const count = ordered.get(key);
  ordered.delete(key);
  const listed = serialsOf(input.der);
  if (count === undefined || listed === undefined) return undefined;
  return missing(revoked, count, listed, node, `list ${input.number}`, world);
}

function asks(
  { acknowledged }: AtNode,
  awaited: Map<number, Awaited>,
  { call, web }: Extract<Observation, { kind: 'call' }>,
): void {
  const { route, payload } = factsOf(web);
  if (route === 'crl') awaited.set(call, { acknowledged, count: acknowledged.size });
  if (route !== 'revoke-cert') return;
  const serial = serialIn(payload?.['certificate']);
  if (serial !== undefined) awaited.set(call, { acknowledged, serial });
}

function tells(
  { acknowledged }: AtNode,
  awaited: Map<number, Awaited>,
  { call, node, reply }: Extract<Observation, { kind: 'reply' }>,
  world: WorldView,
): Finding | undefined {
  const waits = awaited.get(call);
  awaited.delete(call);
  if (waits === undefined || reply.kind !== 'response') return undefined;
  const { response } = reply;
  if ('serial' in waits) {
    const isRevoked = response.status === 200 || problemOf(response) === 'alreadyRevoked';
    if (isRevoked) waits.acknowledged.add(waits.serial);
    return undefined;
  }
  const { body } = response;
  const listed = typeof body === 'string' ? undefined : serialsOf(body);
  if (response.status !== 200 || listed === undefined) return undefined;
  // Another disk was put in meanwhile: what was acknowledged before says nothing of it.
  if (waits.acknowledged !== acknowledged) return undefined;
  return missing(acknowledged, waits.count, listed, node, 'the list it shows', world);
}

/** The first of `count` serials that a list lacks. */
function missing(
  serials: ReadonlySet<string>,
  count: number,
  listed: ReadonlySet<string>,
  node: number,
  what: string,
  world: WorldView,
): Finding | undefined {
  let left = count;
  for (const serial of serials) {
    if (left-- === 0) return undefined;
    if (listed.has(serial)) continue;
    const end = `n${node}: ${what} lacks ${serial}, whose revocation came before it was ordered`;
    const story = nodeStory(world, node, end);
    return { promise: 'a list holds every revocation before it', nodes: [node], story };
  }
  return undefined;
}

/** The serials of a list of the cheap kind. */
function serialsOf(der: Uint8Array): ReadonlySet<string> | undefined {
  const text = fromUtf8(der);
  if (text === undefined || !text.startsWith('{')) return undefined;
  const { revoked } = JSON.parse(text) as { readonly revoked?: readonly string[] };
  return revoked && new Set(revoked);
}

/** The serial of a certificate of the cheap kind. */
function serialIn(der: unknown): string | undefined {
  const bytes = typeof der === 'string' ? fromBase64Url(der) : undefined;
  const text = bytes && fromUtf8(bytes);
  if (text === undefined || !text.startsWith('{')) return undefined;
  const { serial } = JSON.parse(text) as { readonly serial?: string };
  return serial;
}
