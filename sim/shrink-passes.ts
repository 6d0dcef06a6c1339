// The ways in which a plan can become smaller, boldest first. Each tries its candidates on a search
// and goes on from what was taken.
// Invariant: every candidate is a valid plan of the same seed. Never here: what counts as failing.

import { unreachable } from '../core/assert.ts';
import type { Json } from '../core/crdt/record.ts';
import { SECOND } from './clock.ts';
import { CLIENTS } from './message.ts';
import { OPTION_NAMES, type OptionName, type Options, optionSpec } from './options.ts';
import { type Decision, endUs, happens, type OperatorDecision, type Plan } from './plan.ts';
import type { Search } from './shrink.ts';

type Pass = (search: Search) => void;

export const PASSES: readonly Pass[] = [
  endSooner,
  dropKinds,
  dropDecisions,
  dropNodes,
  dropClients,
  calmOptions,
  squeezeTime,
  shortenFaults,
  simplifyContents,
];

/** Options that say how big or how long a world is, and are shrunk by passes of their own. */
const SIZES: ReadonlySet<OptionName> = new Set(['nodes', 'clients', 'safetySecs', 'livenessSecs']);
/** Rates and lengths that only matter while a seed is planned. */
const PLANNED = /PerHour$|^faultSecs$/;
const SHORTEST_FAULT_US = 1000;

/** Nothing that comes after the break is needed. */
function endSooner(search: Search): void {
  const { plan, outcome } = search;
  const safetySecs = Math.max(1, Math.ceil(outcome.brokenAtUs / SECOND));
  if (safetySecs < plan.options.safetySecs) search.try(ending(plan, safetySecs));
  const lastUs = plan.decisions.reduce((last, decision) => Math.max(last, endUs(decision)), 0);
  for (const secs of [Math.ceil(lastUs / SECOND) + 1, halved(search.plan.options.safetySecs)]) {
    if (secs < search.plan.options.safetySecs) search.try(ending(search.plan, secs));
  }
}

function dropKinds(search: Search): void {
  const kinds = new Set(search.plan.decisions.map(nameOf));
  for (const kind of kinds) {
    search.try(keeping(search.plan, (decision) => nameOf(decision) !== kind));
  }
}

/** Takes out ever smaller runs of decisions, as long as it fails without them. */
function dropDecisions(search: Search): void {
  let size = Math.ceil(search.plan.decisions.length / 2);
  while (size >= 1 && !search.isOver) {
    let from = search.plan.decisions.length - size;
    for (; from > -size && !search.isOver; from -= size) {
      const [low, high] = [Math.max(0, from), from + size];
      search.try(keeping(search.plan, (_, index) => index < low || index >= high));
    }
    size = size === 1 ? 0 : Math.ceil(size / 2);
  }
}

function dropNodes(search: Search): void {
  for (let node = search.plan.options.nodes - 1; node >= 0 && !search.isOver; node--) {
    if (search.plan.options.nodes > 1) search.try(withoutNode(search.plan, node));
  }
}

function dropClients(search: Search): void {
  const used = search.plan.decisions.flatMap((one) => (one.kind === 'client' ? [one.client] : []));
  const clients = Math.max(0, ...used.map((client) => client + 1));
  search.try(withOptions(search.plan, { clients }));
  for (let client = search.plan.options.clients - 1; client >= 0 && !search.isOver; client--) {
    search.try(withoutClient(search.plan, client));
  }
}

/** Sets options back to their defaults: all at once, or one by one. */
function calmOptions(search: Search): void {
  const planned = changed(search.plan).filter((name) => PLANNED.test(name));
  search.try(withOptions(search.plan, defaultsOf(planned)));
  const rest = changed(search.plan).filter((name) => !SIZES.has(name));
  if (rest.length > 0 && search.try(withOptions(search.plan, defaultsOf(rest)))) return;
  for (const name of rest) search.try(withOptions(search.plan, defaultsOf([name])));
  // Fewer rounds are fewer steps.
  for (const gossipIntervalMs of [60_000, 15_000, 5000]) {
    const isLonger = gossipIntervalMs > search.plan.options.gossipIntervalMs;
    if (isLonger && search.try(withOptions(search.plan, { gossipIntervalMs }))) return;
  }
}

/** Lets everything happen sooner: all of it, or what follows a wait. */
function squeezeTime(search: Search): void {
  while (search.try(scaled(search.plan, 2)));
  for (let index = 0; index < search.plan.decisions.length && !search.isOver; index++) {
    const { decisions } = search.plan;
    const gapUs = decisions[index]!.atUs - (decisions[index - 1]?.atUs ?? 0);
    for (const keptUs of [0, SECOND, 10 * SECOND]) {
      if (gapUs > keptUs && search.try(sooner(search.plan, index, gapUs - keptUs))) break;
    }
  }
}

function shortenFaults(search: Search): void {
  for (let index = 0; index < search.plan.decisions.length; index++) {
    for (const divisor of [64, 8, 2]) {
      while (!search.isOver) {
        const shorter = shortened(search.plan.decisions[index]!, divisor);
        if (shorter === undefined || !search.try(replacing(search.plan, index, shorter))) break;
      }
    }
  }
}

/** Fewer names in an order, plainer members of a decision. */
function simplifyContents(search: Search): void {
  for (let index = 0; index < search.plan.decisions.length && !search.isOver; index++) {
    for (const simpler of simplerOnes(search.plan.decisions[index]!)) {
      search.try(replacing(search.plan, index, simpler));
    }
  }
}

function simplerOnes(decision: Decision): readonly Decision[] {
  switch (decision.kind) {
    case 'crash':
      return [
        ...(decision.boundary === 0 ? [] : [{ ...decision, boundary: 0 }]),
        ...(decision.unsynced === true ? [{ ...decision, unsynced: false }] : []),
      ];
    case 'client':
    case 'operator':
      return Object.entries(decision.with).flatMap(([name, value]) => {
        const plainer = plainerOf(value);
        if (plainer === undefined) return [];
        return [{ ...decision, with: { ...decision.with, [name]: plainer } }];
      });
    case 'partition':
      return decision.bothWays ? [] : [{ ...decision, bothWays: true }];
    case 'pause':
      return decision.suspend ? [{ ...decision, suspend: false }] : [];
    case 'link':
    case 'clock':
    case 'disk':
    case 'restore':
    case 'empty':
    case 'clone':
    case 'reload':
    case 'join':
    case 'return':
      return [];
    default:
      return unreachable(decision);
  }
}

/** What an actor understands as well, but says less; nothing is left out, since it may be needed. */
function plainerOf(value: Json): Json | undefined {
  if (value === true) return false;
  if (typeof value === 'number' && value !== 0) return 0;
  return Array.isArray(value) && value.length > 1 ? value.slice(0, 1) : undefined;
}

function shortened(decision: Decision, divisor: number): Decision | undefined {
  const shorter = (us: number): number => Math.max(SHORTEST_FAULT_US, Math.floor(us / divisor));
  if ('forUs' in decision) {
    const forUs = shorter(decision.forUs);
    return forUs < decision.forUs ? { ...decision, forUs } : undefined;
  }
  if (!('downUs' in decision)) return undefined;
  const downUs = shorter(decision.downUs);
  return downUs < decision.downUs ? { ...decision, downUs } : undefined;
}

/** Flows of one client, or faults of one kind. */
function nameOf(decision: Decision): string {
  if (decision.kind === 'client') return `client ${decision.client} ${decision.operation}`;
  return decision.kind;
}

function keeping(plan: Plan, isKept: (decision: Decision, index: number) => boolean): Plan {
  return { ...plan, decisions: plan.decisions.filter(isKept) };
}

function replacing(plan: Plan, index: number, by: Decision): Plan {
  return { ...plan, decisions: plan.decisions.with(index, by) };
}

function withOptions(plan: Plan, options: Partial<Options>): Plan {
  return { ...plan, options: { ...plan.options, ...options } };
}

function ending(plan: Plan, safetySecs: number): Plan {
  const kept = keeping(plan, (decision) => happens(decision, { safetySecs }));
  return withOptions(kept, { safetySecs });
}

function halved(count: number): number {
  return Math.max(1, Math.ceil(count / 2));
}

function changed({ options }: Plan): readonly OptionName[] {
  return OPTION_NAMES.filter((name) => options[name] !== optionSpec(name).default);
}

function defaultsOf(names: readonly OptionName[]): Partial<Options> {
  return Object.fromEntries(names.map((name) => [name, optionSpec(name).default]));
}

/** Every moment and the end come `divisor` times sooner; what is done keeps its length. */
function scaled(plan: Plan, divisor: number): Plan {
  const decisions = plan.decisions.map((decision) => {
    return at(decision, Math.floor(decision.atUs / divisor), (us) => Math.floor(us / divisor));
  });
  const safetySecs = Math.max(1, Math.ceil(plan.options.safetySecs / divisor));
  return withOptions({ ...plan, decisions }, { safetySecs });
}

/** From this decision on, everything comes sooner. */
function sooner(plan: Plan, index: number, byUs: number): Plan {
  const fromUs = plan.decisions[index]!.atUs;
  const shift = (us: number): number => (us >= fromUs ? us - byUs : us);
  const decisions = plan.decisions.map((decision, place) => {
    return place < index ? decision : at(decision, decision.atUs - byUs, shift);
  });
  const safetySecs = Math.max(1, plan.options.safetySecs - Math.floor(byUs / SECOND));
  return withOptions({ ...plan, decisions }, { safetySecs });
}

/** The decision at another moment; the moment of a backup moves as `move` says. */
function at(decision: Decision, atUs: number, move: (us: number) => number): Decision {
  if (decision.kind !== 'restore') return { ...decision, atUs };
  return { ...decision, atUs, backupUs: Math.min(atUs, move(decision.backupUs)) };
}

/** The plan without one client; those above it move down. */
function withoutClient(plan: Plan, gone: number): Plan {
  const decisions = plan.decisions.flatMap((decision): Decision[] => {
    if (decision.kind !== 'client') return endsWithout(decision, CLIENTS + gone);
    if (decision.client === gone) return [];
    return [{ ...decision, client: below(decision.client, gone) }];
  });
  return withOptions({ ...plan, decisions }, { clients: plan.options.clients - 1 });
}

/** The plan without one node; those above it move down. */
function withoutNode(plan: Plan, gone: number): Plan {
  const decisions = plan.decisions.flatMap((decision): Decision[] => {
    if (!('node' in decision)) return endsWithout(decision, gone);
    if (decision.node === gone) return [];
    const node = below(decision.node, gone);
    if (decision.kind === 'operator') {
      return wantsWithout({ ...decision, node }, gone, plan.options.nodes - 1);
    }
    if (decision.kind !== 'clone') return [{ ...decision, node }];
    if (decision.source === gone) return [];
    return [{ ...decision, node, source: below(decision.source, gone) }];
  });
  return withOptions({ ...plan, decisions }, { nodes: plan.options.nodes - 1 });
}

/** What an operator wants, without one node; nothing when it is about that one. */
function wantsWithout(decision: OperatorDecision, gone: number, left: number): Decision[] {
  if (decision.operation === 'remove' && left < 2) return [];
  const indexes = Object.entries(decision.with).filter(
    ([name]) => name === 'node' || name === 'of',
  );
  if (indexes.some(([, index]) => index === gone)) return [];
  const lower = indexes.map(([name, index]) => [name, below(Number(index), gone)] as const);
  return [{ ...decision, with: { ...decision.with, ...Object.fromEntries(lower) } }];
}

/** A cut or a link without one of its ends; none when nothing is left to cut. */
function endsWithout(decision: Decision, gone: number): Decision[] {
  if (decision.kind === 'link') {
    const { from, to } = decision;
    if (from === gone || to === gone) return [];
    return [{ ...decision, from: belowEnd(from, gone), to: belowEnd(to, gone) }];
  }
  if (decision.kind !== 'partition') return [decision];
  const rest = (ends: readonly number[]): readonly number[] => {
    return ends.filter((end) => end !== gone).map((end) => belowEnd(end, gone));
  };
  const [from, to] = [rest(decision.from), rest(decision.to)];
  return from.length === 0 || to.length === 0 ? [] : [{ ...decision, from, to }];
}

/** Nodes and clients are numbered apart. */
function belowEnd(end: number, gone: number): number {
  return end >= CLIENTS === gone >= CLIENTS ? below(end, gone) : end;
}

function below(index: number, gone: number): number {
  return index > gone ? index - 1 : index;
}
