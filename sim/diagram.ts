// A run as a space-time diagram, as data: lanes, events, messages between lanes, faults as bands,
// times when nodes were down, and broken promises. Built while the run goes on; columns instead of
// objects and one pool of texts keep 100,000 events small enough for a page.
// Invariant: plain JSON; what does not fit is counted, never dropped in silence.
// Never here: how it looks (viewer/).

import type { Violation } from './checker.ts';
import { CLIENTS, type Endpoint, type Message } from './message.ts';
import type { Observation, ObservationKind } from './observation.ts';
import { optionsText } from './options.ts';
import { type Decision, endUs, type Plan } from './plan.ts';
import { describeDecision } from './plan-text.ts';
import type { TraceSink } from './recorder.ts';
import type { Result } from './run.ts';
import { contentText, describe } from './trace-line.ts';

export interface Diagram {
  readonly title: string;
  readonly verdict: string;
  /** Names and values to be read beside the picture. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** `n0` …, then `c0` …; an event of the world has lane -1. */
  readonly lanes: readonly string[];
  readonly nodeLanes: number;
  readonly endUs: number;
  readonly phases: readonly { readonly name: string; readonly fromUs: number }[];
  readonly kinds: readonly string[];
  readonly texts: readonly string[];
  readonly events: EventColumns;
  readonly messages: MessageColumns;
  readonly bands: readonly Band[];
  readonly outages: readonly Outage[];
  readonly violations: readonly Violation[];
  /** Events that were not kept because there were too many. */
  readonly omitted: number;
}

export interface EventColumns {
  /** Place in the trace, from 1. */
  readonly number: number[];
  readonly atUs: number[];
  readonly lane: number[];
  /** Index into `kinds`. */
  readonly kind: number[];
  /** Indexes into `texts`. */
  readonly what: number[];
  readonly details: number[];
}

export const FATES = ['under way', 'delivered', 'lost'] as const;

export interface MessageColumns {
  readonly number: number[];
  readonly from: number[];
  readonly to: number[];
  readonly sentUs: number[];
  /** -1: still under way at the end. */
  readonly endUs: number[];
  /** Index into `FATES`. */
  readonly fate: number[];
  /** 1: between nodes. */
  readonly gossip: number[];
  readonly what: number[];
  readonly why: number[];
}

export interface Band {
  readonly kind: Decision['kind'];
  readonly lanes: readonly number[];
  readonly fromUs: number;
  readonly toUs: number;
  readonly label: string;
}

export interface Outage {
  readonly lane: number;
  readonly fromUs: number;
  readonly toUs: number;
  readonly why: string;
}

/** Events kept in full; beyond it only those that tell the story. */
const MAX_EVENTS = 200_000;
const ALWAYS: ReadonlySet<ObservationKind> = new Set<ObservationKind>([
  ...(['start', 'crash', 'stop', 'disk', 'fault', 'phase', 'mark'] as const),
]);

export class DiagramBuilder {
  readonly #plan: Plan;
  readonly #kinds: ObservationKind[] = [];
  readonly #texts = new Map<string, number>();
  readonly #events: EventColumns = {
    ...{ number: [], atUs: [], lane: [] },
    ...{ kind: [], what: [], details: [] },
  };
  readonly #messages: MessageColumns = {
    ...{ number: [], from: [], to: [], sentUs: [], endUs: [] },
    ...{ fate: [], gossip: [], what: [], why: [] },
  };
  readonly #rows = new Map<number, number>();
  readonly #bands: Band[] = [];
  readonly #outages: Outage[] = [];
  readonly #downSince = new Map<number, { readonly atUs: number; readonly why: string }>();
  readonly #phases: { readonly name: string; readonly fromUs: number }[] = [];
  #omitted = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** What the recorder of a run shows every event to. */
  get sink(): TraceSink {
    return (seen, index) => this.#observe(seen, index + 1);
  }

  /** The diagram of a run that is over. */
  finish(result: Result): Diagram {
    const { options, seed } = this.#plan;
    const end = result.virtualUs;
    for (const [lane, { atUs, why }] of this.#downSince) {
      this.#outages.push({ lane, fromUs: atUs, toUs: end, why });
    }
    return {
      title: `seed ${seed}`,
      verdict: result.verdict,
      facts: [
        ['events', String(result.events)],
        ['virtual time', `${Math.round(end / 1_000_000)} s`],
        ['trace hash', result.traceHash],
        ['options', optionsText(options)],
        ...(result.failure === undefined ? [] : [['failure', result.failure] as const]),
      ],
      lanes: [...names('n', options.nodes), ...names('c', options.clients)],
      nodeLanes: options.nodes,
      endUs: end,
      phases: this.#phases,
      kinds: this.#kinds,
      texts: [...this.#texts.keys()],
      events: this.#events,
      messages: byNumber(this.#messages),
      bands: this.#bands.map((band) => ({ ...band, toUs: Math.min(band.toUs, end) })),
      outages: this.#outages,
      violations: result.violations,
      omitted: this.#omitted,
    };
  }

  #observe(seen: Observation, number: number): void {
    if (number > MAX_EVENTS && !ALWAYS.has(seen.kind)) {
      this.#omitted++;
      return;
    }
    switch (seen.kind) {
      case 'sent':
        this.#send(seen.message, seen.atUs, number);
        return;
      case 'delivered':
        this.#arrive(seen.message, seen.atUs, 'delivered', '');
        return;
      case 'dropped':
        this.#arrive(seen.message, seen.atUs, 'lost', seen.why);
        return;
      case 'crash':
      case 'stop':
        this.#downSince.set(seen.node, { atUs: seen.atUs, why: describe(seen).what });
        break;
      case 'start':
        this.#endOutage(seen.node, seen.atUs);
        break;
      case 'phase':
        this.#phases.push({ name: seen.phase, fromUs: seen.atUs });
        if (seen.phase === 'liveness') this.#endBands(seen.atUs);
        break;
      case 'fault':
        if (!seen.isOver) this.#begin(seen.decision);
        break;
      default:
    }
    this.#add(seen, number);
  }

  #add(seen: Observation, number: number): void {
    const { what, details } = describe(seen);
    const events = this.#events;
    events.number.push(number);
    events.atUs.push(seen.atUs);
    events.lane.push(this.#laneOf(seen));
    events.kind.push(this.#kind(seen.kind));
    events.what.push(this.#text(what));
    events.details.push(this.#text(details));
  }

  #send({ id, from, to, content }: Message, atUs: number, number: number): void {
    const row = this.#messages;
    this.#rows.set(id, row.number.length);
    row.number.push(number);
    row.from.push(this.#laneOfEndpoint(from));
    row.to.push(this.#laneOfEndpoint(to));
    row.sentUs.push(atUs);
    row.endUs.push(-1);
    row.fate.push(FATES.indexOf('under way'));
    row.gossip.push(from < CLIENTS && to < CLIENTS ? 1 : 0);
    row.what.push(this.#text(`m${id} ${contentText(content)}`));
    row.why.push(this.#text(''));
  }

  /** A copy that arrives later is a message of its own. */
  #arrive(message: Message, atUs: number, fate: (typeof FATES)[number], why: string): void {
    let at = this.#rows.get(message.id);
    if (at === undefined) return;
    const row = this.#messages;
    if (row.endUs[at] !== -1) {
      const [sentUs, number] = [row.sentUs[at]!, row.number[at]!];
      this.#send(message, sentUs, number);
      at = row.number.length - 1;
    }
    row.endUs[at] = atUs;
    row.fate[at] = FATES.indexOf(fate);
    row.why[at] = this.#text(why);
  }

  #begin(decision: Decision): void {
    const { what, details } = describeDecision(decision);
    const lanes =
      decision.kind === 'partition'
        ? [...decision.from, ...decision.to]
        : decision.kind === 'link'
          ? [decision.from, decision.to]
          : 'node' in decision
            ? [decision.node]
            : [];
    this.#bands.push({
      kind: decision.kind,
      lanes: lanes.map((end) => this.#laneOfEndpoint(end)),
      fromUs: decision.atUs,
      toUs: endUs(decision),
      label: `${what} ${details}`,
    });
  }

  /** Healing ends every fault, whatever its length was to be. */
  #endBands(atUs: number): void {
    for (const [index, band] of this.#bands.entries()) {
      if (band.toUs > atUs) this.#bands[index] = { ...band, toUs: Math.max(band.fromUs, atUs) };
    }
  }

  #endOutage(lane: number, toUs: number): void {
    const since = this.#downSince.get(lane);
    if (since === undefined) return;
    this.#downSince.delete(lane);
    this.#outages.push({ lane, fromUs: since.atUs, toUs, why: since.why });
  }

  #laneOf(seen: Observation): number {
    if ('client' in seen && seen.client >= 0) return this.#laneOfEndpoint(CLIENTS + seen.client);
    if ('node' in seen) return seen.node;
    if (seen.kind !== 'fault') return -1;
    return 'node' in seen.decision ? seen.decision.node : -1;
  }

  #laneOfEndpoint(end: Endpoint): number {
    return end >= CLIENTS ? this.#plan.options.nodes + end - CLIENTS : end;
  }

  #kind(kind: ObservationKind): number {
    const known = this.#kinds.indexOf(kind);
    return known >= 0 ? known : this.#kinds.push(kind) - 1;
  }

  #text(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, this.#texts.size);
    return this.#texts.size - 1;
  }
}

/** Copies were added when they arrived; everything else is by the time it was sent. */
function byNumber(columns: MessageColumns): MessageColumns {
  const order = columns.number.map((number, row) => ({ number, row }));
  order.sort((a, b) => a.number - b.number || a.row - b.row);
  const pairs = Object.entries(columns).map(([name, values]: [string, readonly number[]]) => {
    return [name, order.map(({ row }) => values[row])];
  });
  return Object.fromEntries(pairs) as MessageColumns;
}

function names(letter: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => letter + index);
}
