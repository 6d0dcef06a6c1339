// Visits every state of a small world, breadth first, so the first counterexample is a shortest
// one. In each state: what a vector covers is held (whoever's vector covers an event holds at least
// that event's content), no dot is used twice, nothing goes back; and from each state, if everything
// under way were lost and nothing more went wrong, all nodes would come to hold the same, and all
// that was written.
// Invariant: equal states are visited once; the result is a function of the world and the engine.
// Never here: what can happen (exhaustive-world.ts).

import { sameJson } from '../core/crdt/canonical.ts';
import { leqFields } from '../core/crdt/merge.ts';
import { keyText } from '../core/crdt/record.ts';
import { vectorOf } from '../core/crdt/replica.ts';
import { isDeletable, isTombstone } from '../core/crdt/schema.ts';
import { covers, sameVector } from '../core/crdt/version-vector.ts';
import { type Engine, Nodes, type SmallNode, SOUND } from './exhaustive-node.ts';
import {
  type Action,
  actionsOf,
  type Budget,
  type Event,
  firstWorld,
  type SmallWorld,
  type SmallWrite,
  worldText,
} from './exhaustive-world.ts';

export interface Small {
  /** What it is about, as a sentence. */
  readonly name: string;
  readonly nodes: number;
  readonly pageRecords: number;
  readonly writes: readonly SmallWrite[];
  readonly budget: Budget;
}

export interface Explored {
  /** Distinct states visited. */
  readonly states: number;
  /** Steps taken, also those that led to a state already visited. */
  readonly steps: number;
  /** The longest of the shortest ways to a state. */
  readonly depth: number;
  /** False when the bound on states ended it. */
  readonly isWhole: boolean;
  readonly broken?: { readonly promise: string; readonly story: readonly string[] };
}

/** Rounds of everybody with everybody in which a healed world has to settle. */
const CLOSING_ROUNDS = 8;
/** Pages of one exchange of a healed world. */
const CLOSING_PAGES = 60;

/** `parent` and `name` tell how a state was come to. */
interface Visit {
  readonly parent: Visit | undefined;
  readonly name: string;
}

export function explore(small: Small, mostStates: number, engine: Engine = SOUND): Explored {
  const search = new Search(small, engine);
  return search.run(mostStates);
}

class Search {
  readonly #small: Small;
  readonly #nodes: Nodes;
  readonly #visited = new Set<string>();
  /** Ends of healed worlds by what they began with. */
  readonly #closed = new Map<string, readonly SmallNode[] | string>();

  constructor(small: Small, engine: Engine) {
    this.#small = small;
    this.#nodes = new Nodes(engine, small.pageRecords);
  }

  run(mostStates: number): Explored {
    const { nodes, writes, budget } = this.#small;
    const first = firstWorld(this.#nodes, nodes, writes.length, budget);
    let level: { readonly world: SmallWorld; readonly visit: Visit }[] = [
      { world: first, visit: { parent: undefined, name: 'the beginning' } },
    ];
    this.#visited.add(worldText(first));
    let steps = 0;
    let depth = 0;
    for (; level.length > 0; depth++) {
      const next: typeof level = [];
      for (const { world, visit } of level) {
        for (const action of actionsOf(this.#nodes, writes, world)) {
          steps++;
          const reached = { parent: visit, name: action.name };
          const promise = this.#judge(action);
          if (promise !== undefined) {
            const states = this.#visited.size;
            const broken = { promise, story: storyOf(reached) };
            return { states, steps, depth: depth + 1, isWhole: false, broken };
          }
          const key = worldText(action.to);
          if (this.#visited.has(key)) continue;
          this.#visited.add(key);
          next.push({ world: action.to, visit: reached });
        }
        if (this.#visited.size >= mostStates) {
          return { states: this.#visited.size, steps, depth: depth + 1, isWhole: false };
        }
      }
      level = next;
    }
    return { states: this.#visited.size, steps, depth: depth - 1, isWhole: true };
  }

  /** The promise that a step breaks. */
  #judge({ to, at, wrong }: Action): string | undefined {
    if (wrong !== undefined) return wrong;
    if (at === undefined) return undefined;
    const uncovered = uncoveredBy(to.nodes[at]!, to.events);
    if (uncovered !== undefined) return `n${at} has seen ${uncovered} and does not hold it`;
    const end = this.#end(to);
    return typeof end === 'string' ? end : lost(end, to.events);
  }

  /** The nodes when everything that goes wrong is over, or why they do not settle. */
  #end(world: SmallWorld): readonly SmallNode[] | string {
    const key = world.nodes.map(({ id }) => id).join();
    let end = this.#closed.get(key);
    if (end === undefined) this.#closed.set(key, (end = this.#close(world.nodes)));
    return end;
  }

  #close(began: readonly SmallNode[]): readonly SmallNode[] | string {
    let nodes = began;
    for (let round = 0; round < CLOSING_ROUNDS; round++) {
      if (isSettled(nodes)) return sameContents(nodes) ?? nodes;
      for (let from = 0; from < nodes.length; from++) {
        for (let to = 0; to < nodes.length; to++) {
          if (from === to) continue;
          const fetched = this.#fetch(nodes, from, to);
          if (typeof fetched === 'string') return fetched;
          nodes = fetched;
        }
      }
      if (round >= 1) nodes = nodes.map((node) => this.#nodes.settle(node).node);
    }
    return isSettled(nodes) ? (sameContents(nodes) ?? nodes) : 'the nodes do not settle';
  }

  /** One node asks another until it has everything. */
  #fetch(nodes: readonly SmallNode[], from: number, to: number): readonly SmallNode[] | string {
    let node = nodes[from]!;
    for (let page = 0; page < CLOSING_PAGES; page++) {
      const answer = this.#nodes.answer(nodes[to]!, this.#nodes.ask(node, from, to));
      const taken = this.#nodes.take(node, answer);
      if (taken.wrong !== undefined) return taken.wrong;
      const isOver = taken.node === node || taken.node.replica.pulls.size === 0;
      node = taken.node;
      if (isOver) break;
    }
    return nodes.with(from, node);
  }
}

/** The first event that the node's vector covers and whose content it lacks. */
function uncoveredBy(
  { replica, records }: SmallNode,
  events: ReadonlyMap<string, Event>,
): string | undefined {
  const vector = vectorOf(replica);
  for (const [dot, { record }] of events) {
    if (!covers(vector, record.dot)) continue;
    const held = records.get(keyText(record));
    if (held === undefined && isDeletable(record.kind)) continue;
    if (held === undefined || !leqFields(record.kind, record.fields, held.fields)) return dot;
  }
  return undefined;
}

function isSettled(nodes: readonly SmallNode[]): boolean {
  const first = vectorOf(nodes[0]!.replica);
  return nodes.every(({ replica }) => {
    return replica.ahead.size === 0 && sameVector(first, vectorOf(replica));
  });
}

/** Why settled nodes are not the same. */
function sameContents(nodes: readonly SmallNode[]): string | undefined {
  for (const a of nodes) {
    for (const b of nodes) {
      for (const record of a.records.values()) {
        const other = b.records.get(keyText(record));
        if (other === undefined && isTombstone(record)) continue;
        if (other !== undefined && sameJson(record.fields, other.fields)) continue;
        return `settled nodes differ in ${keyText(record)}`;
      }
    }
  }
  return undefined;
}

/** What was written and is not there in the end. */
function lost(nodes: readonly SmallNode[], events: ReadonlyMap<string, Event>): string | undefined {
  const deleted = new Set<string>();
  for (const { record, mustLast } of events.values()) {
    if (mustLast && isTombstone(record)) deleted.add(keyText(record));
  }
  for (const { record, mustLast } of events.values()) {
    const key = keyText(record);
    const held = nodes[0]!.records.get(key);
    if (deleted.has(key)) {
      if (held !== undefined && !isTombstone(held)) return `${key} was deleted and comes back`;
      continue;
    }
    if (!mustLast) continue;
    if (held === undefined) return `${key} is lost`;
    if (!leqFields(record.kind, record.fields, held.fields)) return `a write of ${key} is lost`;
  }
  return undefined;
}

function storyOf(visit: Visit): readonly string[] {
  const story: string[] = [];
  for (let at: Visit | undefined = visit; at?.parent !== undefined; at = at.parent) {
    story.unshift(at.name);
  }
  return story;
}
