// Does what clients are shown ever go back? What a node has shown of an object it shows from then
// on, or more; and what it has on disk when a client asks it shows as well. And what it has once done
// for an operator it does not do again.
// Sees: statuses that step back between two answers of one node, answers that are behind the disk.
// Cannot see: another node that has not heard of it yet, which may be behind. Excuses: a disk that
// somebody exchanged; parts of a status that follow from clocks; where a member lies, records of
// kinds that can be deleted.

import type { Record } from '../../core/crdt/record.ts';
import type { CaCommand } from '../../core/input.ts';
import type { Checker, Finding } from '../checker.ts';
import { bodyOf, factsOf, saidIn } from '../exchange-facts.ts';
import type { Observation } from '../observation.ts';
import { idOf, isAct } from '../operator-acts.ts';
import type { WorldView } from '../world.ts';
import { CommandAnswers, type Told } from './command-answers.ts';
import { hidesRung, type Shown, shownBy } from './seen.ts';
import { storyOf } from './story.ts';

const KIND_OF: { readonly [route: string]: string } = {
  account: 'account',
  order: 'order',
  finalize: 'order',
  authz: 'authorization',
};

/** What has to be shown at least: what the node had shown or had on disk when it was asked. */
interface Least {
  readonly object: string;
  readonly rank: number;
  readonly why: string;
  /** Exchanges of the node's disk until then. */
  readonly disks: number;
}

const STORED: { readonly [status: string]: number } = {
  'account/deactivated': 1,
  'account/revoked': 2,
  'order/processing': 1,
  'order/valid': 2,
  'authorization/valid': 1,
  'authorization/invalid': 2,
  'authorization/deactivated': 3,
  'authorization/revoked': 4,
};

export function monotonicitySeen(): Checker {
  /** By node, the highest rung shown of each object. */
  const best: Map<string, Shown>[] = [];
  const disks: number[] = [];
  /** By node, what it has done for operators. */
  const did: Set<string>[] = [];
  const operators = new CommandAnswers();
  const open = new Map<number, Least>();
  return {
    name: 'monotonicity-seen',
    watches: ['start', 'step', 'visible', 'call', 'reply', 'disk'],
    observe: (observation, world) => {
      const told = operators.see(observation);
      const { node } = observation as Extract<Observation, { kind: 'call' }>;
      const own = (best[node] ??= new Map());
      if (told !== undefined) return doneAgain((did[node] ??= new Set()), told, node, world);
      switch (observation.kind) {
        case 'disk':
          own.clear();
          did[node]?.clear();
          disks[node] = (disks[node] ?? 0) + 1;
          return undefined;
        case 'call': {
          const least = leastOf(observation, own, world, disks[node] ?? 0);
          if (least !== undefined) open.set(observation.call, least);
          return undefined;
        }
        case 'visible':
          for (const answer of saidIn(observation.effect)) note(own, shownBy(answer));
          return undefined;
        case 'reply': {
          const least = open.get(observation.call);
          open.delete(observation.call);
          if (observation.reply.kind !== 'response') return undefined;
          const { response } = observation.reply;
          const shown = shownBy(response);
          if (shown === undefined) return undefined;
          // Another node's answer must not be behind this one, and was noted as that one's word.
          if (response.from === undefined) note(own, shown);
          const isBound = least?.object === shown.object && least.disks === (disks[node] ?? 0);
          return isBound ? judge(world, node, least, shown) : undefined;
        }
        default:
          return undefined;
      }
    },
    atEnd: () => [],
  };
}

function note(best: Map<string, Shown>, shown: Shown | undefined): void {
  if (shown === undefined || (best.get(shown.object)?.rank ?? -1) >= shown.rank) return;
  best.set(shown.object, shown);
}

/** To be told twice that something was changed means that it went back meanwhile. */
function doneAgain(
  did: Set<string>,
  { command, response }: Told,
  node: number,
  world: WorldView,
): Finding | undefined {
  if (!isAct(command.kind) || bodyOf(response)['changed'] === undefined) return undefined;
  const id = idOf(command as CaCommand);
  const act = `${command.kind} ${id}`;
  const isAgain = did.has(act) && bodyOf(response)['changed'] === true;
  did.add(act);
  if (!isAgain) return undefined;
  const end = `n${node} has done ${act} once more, but it had told so before`;
  return { promise: 'nothing goes back', nodes: [node], story: storyOf(world, id, end) };
}

function leastOf(
  { web, node }: Extract<Observation, { kind: 'call' }>,
  best: ReadonlyMap<string, Shown>,
  world: WorldView,
  disks: number,
): Least | undefined {
  const { route, ids } = factsOf(web);
  const kind = KIND_OF[route];
  if (kind === undefined) return undefined;
  const object = `${kind}/${ids[0]}`;
  const shown = best.get(object);
  const stored = storedRank(kind, world.nodes[node]!.disk.get(kind, ids[0]!));
  if (shown === undefined && stored === 0) return undefined;
  if (shown !== undefined && shown.rank >= stored) {
    return { object, rank: shown.rank, why: `had shown it as ${shown.status}`, disks };
  }
  return { object, rank: stored, why: 'had more on disk', disks };
}

function storedRank(kind: string, record: Record | undefined): number {
  return STORED[`${kind}/${String(record?.fields['status'])}`] ?? 0;
}

function judge(world: WorldView, node: number, least: Least, shown: Shown): Finding | undefined {
  if (shown.rank >= least.rank) return undefined;
  if (hidesRung(shown) && least.rank <= 1) return undefined;
  const end = `n${node} shows ${shown.object} as ${shown.status}, but it ${least.why}`;
  return { promise: 'nothing goes back', nodes: [node], story: storyOf(world, shown.id, end) };
}
