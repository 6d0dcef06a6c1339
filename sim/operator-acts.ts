// What operators want of the CA in a world: which certificate, account or external account key an
// act is about, and whether it makes sense to say it again.
// Invariant: an operator knows what some node has on its disk, and may ask any other node for it.
// Never here: asking, waiting, judging answers (model-command.ts).

import type { Json, Record } from '../core/crdt/record.ts';
import type { CaCommand } from '../core/input.ts';
import type { Options } from './options.ts';
import type { OperatorDecision } from './plan.ts';
import { type Draws, stream } from './prng.ts';
import type { WorldView } from './world.ts';

const OF = stream('operator.of');
const PICK = stream('operator.pick');
const REASON = stream('operator.reason');
const MOST_PICKS = 1000;
/** What an operator looks through. */
const MOST_FOUND = 500;
const REASONS = [0, 1, 4, 5, 9] as const;

/** External account keys in the configuration of every node of a world with operators. */
export const EAB_KEYS: ReadonlyMap<string, Uint8Array> = new Map(
  ['kid-0', 'kid-1', 'kid-2'].map((kid, index) => [kid, new Uint8Array(32).fill(index + 1)]),
);
const KIDS = [...EAB_KEYS.keys()];

/** The kinds of acts, with the kind of record and the status on which they make sense. */
const ACTS = {
  revoke: { record: 'certificate', state: 'valid' },
  deactivate: { record: 'account', state: 'valid' },
  'revoke-eab': { record: 'eab', state: 'active' },
} as const;

export function isAct(operation: string): operation is CaCommand['kind'] {
  return Object.hasOwn(ACTS, operation);
}

/** `of`: whose disk the operator knows; `pick`: the how-manieth thing on it. */
export function drawAct(
  draws: Draws,
  { nodes }: Options,
  act: CaCommand['kind'],
  count: number,
): OperatorDecision['with'] {
  const pick = draws.below(MOST_PICKS, PICK, 0, count);
  if (act === 'revoke-eab') return { pick };
  const of = draws.below(nodes, OF, 0, count);
  if (act === 'deactivate') return { of, pick };
  return { of, pick, reason: REASONS[draws.below(REASONS.length, REASON, 0, count)]! };
}

/** The command of an act; undefined when there is nothing to do it to. */
export function commandOf(
  { nodes }: WorldView,
  kind: CaCommand['kind'],
  what: OperatorDecision['with'],
): CaCommand | undefined {
  const { of = 0, pick = 0, reason = 0 } = what as { readonly [name: string]: Json };
  if (kind === 'revoke-eab') return { kind, kid: KIDS[Number(pick) % KIDS.length]! };
  const { record, state } = ACTS[kind];
  const disk = nodes[Number(of)]!.disk;
  const found = disk.select({ kind: record, state, limit: MOST_FOUND });
  const one = found[Number(pick) % found.length];
  if (one === undefined) return undefined;
  if (kind === 'deactivate') return { kind, account: one.id };
  return { kind, serial: one.id, reason: Number(reason) };
}

/** True while a node of the cluster could still carry it out. */
export function isPossible({ cluster }: WorldView, command: CaCommand): boolean {
  return cluster.some(({ disk }) => aboutOf(disk, command) !== undefined);
}

/** What a command is about, as the id of a record. */
export function idOf(command: CaCommand): string {
  switch (command.kind) {
    case 'revoke':
      return command.serial;
    case 'deactivate':
      return command.account;
    case 'revoke-eab':
      return command.kid;
  }
}

/** The record a command is about. */
export function aboutOf(
  shelf: { get(kind: string, id: string): Record | undefined },
  command: CaCommand,
): Record | undefined {
  return shelf.get(ACTS[command.kind].record, idOf(command));
}
