// What the viewer knows besides the diagram: what is chosen, found, hidden, pointed at.
// Invariant: plain values; whoever changes one asks for a redraw. Never here: the document.

import type { Diagram } from '../diagram.ts';

/** An event or a message, by its row. */
export type Item =
  | { readonly kind: 'event'; readonly row: number }
  | { readonly kind: 'message'; readonly row: number };

export interface State {
  readonly diagram: Diagram;
  /** Names of legend entries that are switched off. */
  readonly hidden: Set<string>;
  selected: Item | undefined;
  hovered: Item | undefined;
  /** Rows of events that the search found, by time; the same for messages. */
  hits: readonly Item[];
  hit: number;
}

export const SHAPES = {
  step: 'step',
  durable: 'durable',
  visible: 'note',
  crash: 'crash',
  stop: 'crash',
  start: 'start',
  disk: 'disk',
  mark: 'mark',
  note: 'note',
  call: 'request',
  reply: 'request',
  fault: 'cut',
  phase: 'good',
} as const;

/** Legend entries that are off until somebody wants them. */
export const QUIET: readonly string[] = ['visible', 'note'];

/** The colour variable of each kind of band. */
export const BAND_COLOURS: { readonly [kind: string]: string } = {
  crash: 'crash',
  pause: 'pause',
  clock: 'clock',
  disk: 'slow',
  restore: 'disk',
  empty: 'disk',
  clone: 'disk',
  partition: 'cut',
  link: 'link',
  reload: 'reload',
  client: 'request',
  operator: 'accent',
};

export function timeOf({ diagram }: State, { kind, row }: Item): number {
  return kind === 'event' ? diagram.events.atUs[row]! : diagram.messages.sentUs[row]!;
}

export function numberOf({ diagram }: State, { kind, row }: Item): number {
  return kind === 'event' ? diagram.events.number[row]! : diagram.messages.number[row]!;
}

/** Where a message ends; the edge of the run while it is under way. */
export function messageEndUs({ messages, endUs }: Diagram, row: number): number {
  const end = messages.endUs[row]!;
  return end < 0 ? endUs : end;
}

/** An item in words: who, kind, what, details. */
export function wordsOf(
  { diagram }: State,
  { kind, row }: Item,
): {
  readonly who: string;
  readonly kind: string;
  readonly what: string;
  readonly details: string;
} {
  const { texts, lanes, events, messages, kinds } = diagram;
  if (kind === 'event') {
    return {
      who: lanes[events.lane[row]!] ?? '',
      kind: kinds[events.kind[row]!]!,
      what: texts[events.what[row]!]!,
      details: texts[events.details[row]!]!,
    };
  }
  const fate = (['under way', 'delivered', 'lost'] as const)[messages.fate[row]!]!;
  const why = texts[messages.why[row]!]!;
  return {
    who: lanes[messages.from[row]!]!,
    kind: 'message',
    what: `${lanes[messages.from[row]!]} → ${lanes[messages.to[row]!]}  ${texts[messages.what[row]!]}`,
    details: why === '' ? fate : `${fate}: ${why}`,
  };
}
