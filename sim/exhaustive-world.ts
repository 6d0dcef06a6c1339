// A small world as a value: two or three nodes, the messages between them, what was written, and
// how much may still go wrong. `actionsOf` gives everything that can happen next.
// Invariant: what an action leads to is a function of the world and the action. Never here: in
// which order worlds are visited (exhaustive.ts), which worlds there are (exhaustive-table.ts).

import { leqFields } from '../core/crdt/merge.ts';
import { keyText, type Record } from '../core/crdt/record.ts';
import { dotText } from '../core/crdt/version-vector.ts';
import type { Letter, Nodes, SmallNode, Taken } from './exhaustive-node.ts';

/** What remains to be done to a world: it ends when everything is zero. */
export interface Budget {
  /** Rounds: asks that any node may begin. */
  readonly asks: number;
  readonly losses: number;
  /** Messages that arrive a second time. */
  readonly copies: number;
  readonly restarts: number;
  /** Backups that are put back; each node has the one it began with, or took before its writes. */
  readonly restores: number;
  readonly purges: number;
}

/** A write of a client or an operator at one node. */
export interface SmallWrite {
  readonly node: number;
  readonly kind: string;
  readonly id: string;
  /** The fields after it; undefined while it cannot be done. */
  readonly fields: (before: Record | undefined) => Record['fields'] | undefined;
}

/** An event as everybody must know it. */
export interface Event {
  readonly record: Record;
  /** False once a restore has taken it from the only node that had it. */
  readonly mustLast: boolean;
}

export interface SmallWorld {
  readonly nodes: readonly SmallNode[];
  readonly letters: readonly Letter[];
  readonly events: ReadonlyMap<string, Event>;
  /** By write, whether it was done. */
  readonly done: readonly boolean[];
  /** By node, its processes so far. */
  readonly starts: readonly number[];
  readonly budget: Budget;
}

/** A step that leads to another world. */
export interface Action {
  readonly name: string;
  readonly to: SmallWorld;
  /** The node it changed, if any. */
  readonly at?: number;
  readonly wrong?: string;
}

export function firstWorld(
  nodes: Nodes,
  count: number,
  writes: number,
  budget: Budget,
): SmallWorld {
  const indexes = Array.from({ length: count }, (_, index) => index);
  return {
    nodes: indexes.map((index) => nodes.fresh(index)),
    letters: [],
    events: new Map(),
    done: Array.from({ length: writes }, () => false),
    starts: indexes.map(() => 0),
    budget,
  };
}

/** Everything that can happen next. */
export function actionsOf(
  nodes: Nodes,
  writes: readonly SmallWrite[],
  world: SmallWorld,
): readonly Action[] {
  return [
    ...writes.flatMap((write, at) => writing(nodes, world, write, at)),
    ...world.letters.flatMap((letter, at) => travelling(nodes, world, letter, at)),
    ...asking(nodes, world),
    ...world.nodes.flatMap((_, at) => mishaps(nodes, world, at)),
  ];
}

/** Names a world: equal names, equal worlds. */
export function worldText({ nodes, letters, events, done, starts, budget }: SmallWorld): string {
  const known = [...events].map(([dot, { record, mustLast }]) => {
    return `${dot}${mustLast ? '' : '?'}${JSON.stringify(record.fields)}`;
  });
  return [
    nodes.map(({ id }) => id).join(),
    letters.map(({ id }) => id).join(),
    known.sort().join(),
    done.map(Number).join(''),
    starts.join(),
    Object.values(budget).join(),
  ].join(' ');
}

function writing(
  nodes: Nodes,
  world: SmallWorld,
  { node: at, kind, id, fields }: SmallWrite,
  index: number,
): readonly Action[] {
  if (world.done[index]) return [];
  const before = world.nodes[at]!.records.get(keyText({ kind, id }));
  const wanted = fields(before);
  if (wanted === undefined) return [];
  const taken = nodes.write(world.nodes[at]!, { kind, id, before, fields: wanted });
  const done = world.done.with(index, true);
  return [stepped(`n${at} writes ${kind}/${id} (write ${index})`, { ...world, done }, at, taken)];
}

function travelling(
  nodes: Nodes,
  world: SmallWorld,
  letter: Letter,
  index: number,
): readonly Action[] {
  const { budget } = world;
  const without = { ...world, letters: world.letters.toSpliced(index, 1) };
  const actions = [arrival(nodes, without, letter, 'reaches')];
  if (budget.copies > 0) {
    const again = { ...world, budget: { ...budget, copies: budget.copies - 1 } };
    actions.push(arrival(nodes, again, letter, 'reaches, not for the last time,'));
  }
  if (budget.losses > 0) {
    const to = { ...without, budget: { ...budget, losses: budget.losses - 1 } };
    actions.push({ name: `the ${letterName(letter)} is lost`, to });
  }
  return actions;
}

function arrival(nodes: Nodes, world: SmallWorld, letter: Letter, how: string): Action {
  const { to: at } = letter;
  const name = `the ${letterName(letter)} ${how} n${at}`;
  if (letter.kind === 'page') return stepped(name, world, at, nodes.take(world.nodes[at]!, letter));
  const answer = nodes.answer(world.nodes[at]!, letter);
  return { name, to: { ...world, letters: withLetter(world.letters, answer) } };
}

/** A node may ask a peer when nothing between them is under way. */
function asking(nodes: Nodes, world: SmallWorld): readonly Action[] {
  const { budget } = world;
  if (budget.asks === 0) return [];
  return world.nodes.flatMap((node, from) => {
    return world.nodes.flatMap((_, to): Action[] => {
      const isUnderWay = world.letters.some((letter) => {
        return letter.kind === 'ask'
          ? letter.from === from && letter.to === to
          : letter.from === to && letter.to === from;
      });
      if (from === to || isUnderWay) return [];
      const letters = withLetter(world.letters, nodes.ask(node, from, to));
      const next = { ...world, letters, budget: { ...budget, asks: budget.asks - 1 } };
      return [{ name: `n${from} asks n${to}`, to: next }];
    });
  });
}

function mishaps(nodes: Nodes, world: SmallWorld, at: number): readonly Action[] {
  const { budget } = world;
  const node = world.nodes[at]!;
  const actions: Action[] = [];
  if (budget.restarts > 0) {
    const next = { ...world, budget: { ...budget, restarts: budget.restarts - 1 } };
    actions.push({ name: `n${at} restarts`, to: restarted(nodes, next, at, node), at });
  }
  if (budget.restores > 0) {
    const next = { ...world, budget: { ...budget, restores: budget.restores - 1 } };
    const to = forgotten(restarted(nodes, next, at, nodes.fresh(at)), at);
    actions.push({ name: `n${at} comes back empty`, to, at });
  }
  const purged = budget.purges > 0 ? nodes.purge(node) : node;
  if (purged !== node) {
    const next = { ...world, budget: { ...budget, purges: budget.purges - 1 } };
    const to = { ...next, nodes: world.nodes.with(at, purged) };
    actions.push({ name: `n${at} purges its tombstones`, to, at });
  }
  return actions;
}

/** Another process, on what is given to it; answers to the one before it reach nobody. */
function restarted(nodes: Nodes, world: SmallWorld, at: number, on: SmallNode): SmallWorld {
  const start = world.starts[at]! + 1;
  return {
    ...world,
    starts: world.starts.with(at, start),
    nodes: world.nodes.with(at, nodes.restart(on, at, start)),
    letters: world.letters.filter(({ kind, from, to }) => {
      return kind === 'page' ? to !== at : from !== at;
    }),
  };
}

/** After a restore: what nobody else holds need not last. */
function forgotten(world: SmallWorld, at: number): SmallWorld {
  const others = world.nodes.filter((_, index) => index !== at);
  const events = new Map(world.events);
  for (const [dot, { record }] of world.events) {
    const isHeld = others.some(({ records }) => {
      const held = records.get(keyText(record));
      return held !== undefined && leqFields(record.kind, record.fields, held.fields);
    });
    if (!isHeld) events.set(dot, { record, mustLast: false });
  }
  return { ...world, events };
}

function stepped(
  name: string,
  world: SmallWorld,
  at: number,
  { node, events, wrong }: Taken,
): Action {
  const known = events.length === 0 ? world.events : new Map(world.events);
  let reused: string | undefined;
  for (const record of events) {
    const dot = dotText(record.dot);
    if (known.has(dot)) reused = `the dot ${dot} is used twice`;
    (known as Map<string, Event>).set(dot, { record, mustLast: true });
  }
  const to = { ...world, nodes: world.nodes.with(at, node), events: known };
  const why = wrong ?? reused;
  return { name, to, at, ...(why !== undefined && { wrong: why }) };
}

function withLetter(letters: readonly Letter[], letter: Letter): readonly Letter[] {
  return [...letters, letter].sort((a, b) => a.id - b.id);
}

function letterName({ kind, from, to }: Letter): string {
  return kind === 'ask' ? `ask of n${from}` : `page of n${from} for n${to}`;
}
