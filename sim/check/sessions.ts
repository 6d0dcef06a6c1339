// Does a client that goes on at another node find there what it has just been told was written? The
// nonce that came with the answer names its issuer, and whoever accepts it has to know by then what
// that answer acknowledged.
// Sees: an accepted nonce of another node without the records that its answer came with, or with
// less of them. Cannot see: what other answers acknowledged. Excuses: a node that has waited for the
// records for as long as it may; a disk that somebody exchanged; what has expired.

import type { Record } from '../../core/crdt/record.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Checker, Finding } from '../checker.ts';
import { factsOf, headerOf, problemOf } from '../exchange-facts.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { lowered, mayBeSwept } from './content.ts';
import { originOf, recordText, storyOf } from './story.ts';

const PROMISE = 'whoever takes a nonce knows what came with it';

/** What an answer acknowledged that a nonce came with. */
interface Acknowledged {
  readonly node: number;
  readonly records: readonly Record[];
}

/** A request with another node's nonce. */
interface Open {
  readonly nonce: string;
  readonly monoMs: number;
}

export function sessions(): Checker {
  const acknowledged = new Map<string, Acknowledged>();
  /** By node, the requests of its process. */
  const open: Map<number, Open>[] = [];
  return {
    name: 'sessions',
    watches: ['start', 'step', 'visible'],
    believesPeers: true,
    observe: (observation, world) => {
      switch (observation.kind) {
        case 'start':
          open[observation.node] = new Map();
          return undefined;
        case 'step':
          take(open[observation.node]!, acknowledged, observation);
          issue(acknowledged, observation, world);
          return undefined;
        case 'visible':
          return judge(open[observation.node]!, acknowledged, observation, world);
        default:
          return undefined;
      }
    },
    atEnd: () => [],
  };
}

/** Notes requests that bring a nonce of another node. */
function take(
  open: Map<number, Open>,
  acknowledged: ReadonlyMap<string, Acknowledged>,
  { node, input, now }: Extract<Observation, { kind: 'step' }>,
): void {
  if (input.kind === 'abandon') open.delete(input.request);
  if (input.kind !== 'request' || input.web.method !== 'POST') return;
  const { nonce = '', bend } = factsOf(input.web);
  const came = acknowledged.get(nonce);
  if (came === undefined || came.node === node || bend !== undefined) return;
  open.set(input.request, { nonce, monoMs: now.monoMs });
}

/** Notes what an answer acknowledges that was written in the step which answers. */
function issue(
  acknowledged: Map<string, Acknowledged>,
  { node, effects }: Extract<Observation, { kind: 'step' }>,
  { nodes }: WorldView,
): void {
  const responses = effects.flatMap((effect) => (effect.kind === 'respond' ? [effect] : []));
  if (responses.length !== 1 || responses[0]!.response.from !== undefined) return;
  const nonce = headerOf(responses[0]!.response, 'Replay-Nonce');
  const origin = originOf(nodes[node]!.disk);
  // What comes behind it in the same step is of other requests, which the same input has woken.
  const before = effects.slice(0, effects.indexOf(responses[0]!));
  const records = before.flatMap((effect) => (effect.kind === 'persist' ? effect.records : []));
  const own = records.filter(({ dot }) => dot.origin === origin);
  if (nonce !== undefined && own.length > 0) acknowledged.set(nonce, { node, records: own });
}

function judge(
  open: Map<number, Open>,
  acknowledged: Map<string, Acknowledged>,
  { node, effect }: Extract<Observation, { kind: 'visible' }>,
  world: WorldView,
): Finding | undefined {
  if (effect.kind !== 'respond') return undefined;
  const request = open.get(effect.request);
  open.delete(effect.request);
  // What another node has answered need not be here.
  if (request === undefined || effect.response.from !== undefined) return undefined;
  const { disk } = world.nodes[node]!;
  const problem = problemOf(effect.response);
  // Others may be refused before anybody looks at their nonce.
  const isTaken = effect.response.status < 300 || problem === 'accountDoesNotExist';
  const isLate = world.nodes[node]!.now().monoMs - request.monoMs >= LIMITS.coverageMs;
  const came = acknowledged.get(request.nonce);
  if (!isTaken || isLate || came === undefined) return undefined;
  acknowledged.delete(request.nonce);
  for (const record of came.records) {
    const held = disk.get(record.kind, record.id);
    if (held === record || mayBeSwept(record, world.nowUs)) continue;
    if (held !== undefined && lowered(record.kind, record.fields, held.fields) === undefined)
      continue;
    const has = held === undefined ? 'nothing of it' : recordText(held);
    const end = `n${node} takes a nonce that n${came.node} gave with ${recordText(record)}, and has ${has}`;
    return { promise: PROMISE, nodes: [node, came.node], story: storyOf(world, record.id, end) };
  }
  return undefined;
}
