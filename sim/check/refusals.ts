// Is anybody refused for want of what another node has, without that node having been asked? A
// client may ask one node for what it has just made on another.
// Sees: a refusal because of something unknown that another member had on disk when the request
// came, and was not asked for since. Cannot see: whether the answer came in time; objects of which
// an older version was refused. Excuses: members that did not answer when they were asked last, and
// nodes that do not know each other.

import type { Checker, Finding } from '../checker.ts';
import { factsOf, problemOf } from '../exchange-facts.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { storyOf } from './story.ts';

const PROMISE = 'nobody is refused for want of what a peer would have told';

/** The kinds of objects in paths. */
const KIND_OF: { readonly [route: string]: string } = {
  order: 'order',
  finalize: 'order',
  authz: 'authorization',
  challenge: 'authorization',
  cert: 'certificate',
};

/** A request for something that its node lacks, and other members have. */
interface Lacking {
  readonly id: string;
  /** Those that have it, by node id; removed when they are asked. */
  readonly holders: Set<string>;
}

/** What is known of one process. */
interface Asking {
  readonly open: Map<number, Lacking>;
  /** Peers that did not answer when they were asked last. */
  readonly silent: Set<string>;
  /** Peers of which an answer is still to come. */
  readonly asked: Set<string>;
}

export function refusals(): Checker {
  const nodes: Asking[] = [];
  return {
    name: 'refusals',
    watches: ['start', 'step'],
    believesPeers: true,
    observe: (observation, world) => {
      if (observation.kind === 'start') {
        nodes[observation.node] = { open: new Map(), silent: new Set(), asked: new Set() };
      }
      if (observation.kind !== 'step') return undefined;
      return follow(nodes[observation.node]!, observation, world);
    },
    atEnd: () => [],
  };
}

function follow(
  asking: Asking,
  { node, input, effects }: Extract<Observation, { kind: 'step' }>,
  world: WorldView,
): Finding | undefined {
  const { open, silent, asked } = asking;
  if (input.kind === 'abandon') open.delete(input.request);
  if (input.kind === 'unreachable') {
    silent.add(input.peer);
    asked.delete(input.peer);
  }
  if (input.kind === 'told' || input.kind === 'asked') silent.delete(input.from);
  if (input.kind === 'told') asked.delete(input.from);
  if (input.kind === 'request') {
    const lacking = lackingOf(asking, input.web, node, world);
    if (lacking !== undefined) open.set(input.request, lacking);
  }
  let finding: Finding | undefined;
  for (const effect of effects) {
    if (effect.kind === 'ask') asked.add(effect.peer);
    const peer = effect.kind === 'ask' || effect.kind === 'redeem' ? effect.peer : undefined;
    if (peer !== undefined) for (const { holders } of open.values()) holders.delete(peer);
    if (effect.kind !== 'respond') continue;
    const lacking = open.get(effect.request);
    open.delete(effect.request);
    if (lacking === undefined) continue;
    const isRefused = effect.response.status === 404 && problemOf(effect.response) === 'malformed';
    const [holder] = [...lacking.holders].filter((name) => !silent.has(name));
    if (!isRefused || holder === undefined) continue;
    const end = `n${node} says that there is no ${lacking.id}, and did not ask ${holder}, who has it`;
    finding ??= { promise: PROMISE, nodes: [node], story: storyOf(world, lacking.id, end) };
  }
  return finding;
}

/** Of a request for what its node does not have: who has it and could be asked. */
function lackingOf(
  { silent, asked }: Asking,
  web: Parameters<typeof factsOf>[0],
  node: number,
  world: WorldView,
): Lacking | undefined {
  const { route, ids, bend } = factsOf(web);
  const [kind, id] = [KIND_OF[route], ids[0]];
  const { disk, id: ownId } = world.nodes[node]!;
  if (kind === undefined || id === undefined || bend !== undefined) return undefined;
  if (disk.get(kind, id) !== undefined) return undefined;
  const holders = world.cluster.filter((other) => {
    const isKnown = disk.get('node', other.id)?.fields['status'] === 'member';
    const mayBeAsked = isKnown && !silent.has(other.id) && !asked.has(other.id);
    // A copy under another one's id cannot ask it, and nobody can tell which of them he asks.
    const isOne = world.nodes.filter((node) => node.id === other.id).length === 1;
    return other.id !== ownId && isOne && mayBeAsked && other.disk.get(kind, id) !== undefined;
  });
  return { id, holders: new Set(holders.map((other) => other.id)) };
}
