// Finding things: what lies under the pointer, what a search means, what is near in time.
// Invariant: answers are items in the order of time. Never here: drawing, the document.

import { isHiddenMessage, longestUs } from './draw.ts';
import { type Item, messageEndUs, numberOf, type State, timeOf, wordsOf } from './state.ts';
import { firstAt, type Viewport } from './viewport.ts';

const REACH_PX = 9;
const MOST_HITS = 20_000;

/** What is drawn nearest to a point: an event, or else a message. */
export function itemAt(state: State, view: Viewport, x: number, y: number): Item | undefined {
  return eventAt(state, view, x, y) ?? messageAt(state, view, x, y);
}

function eventAt(state: State, view: Viewport, x: number, y: number): Item | undefined {
  const { events, kinds } = state.diagram;
  let best: { readonly row: number; readonly distance: number } | undefined;
  const end = firstAt(events.atUs, view.us(x + REACH_PX));
  for (let row = firstAt(events.atUs, view.us(x - REACH_PX)); row < end; row++) {
    const lane = events.lane[row]!;
    if (lane < 0 || state.hidden.has(kinds[events.kind[row]!]!)) continue;
    const distance = Math.hypot(view.x(events.atUs[row]!) - x, (view.y(lane) - y) * 0.6);
    if (distance < (best?.distance ?? REACH_PX)) best = { row, distance };
  }
  return best && { kind: 'event', row: best.row };
}

function messageAt(state: State, view: Viewport, x: number, y: number): Item | undefined {
  const { diagram } = state;
  const { messages } = diagram;
  let best: { readonly row: number; readonly distance: number } | undefined;
  const end = firstAt(messages.sentUs, view.us(x + REACH_PX));
  const fromUs = view.us(x - REACH_PX);
  for (let row = firstAt(messages.sentUs, fromUs - longestUs(diagram)); row < end; row++) {
    const endUs = messageEndUs(diagram, row);
    if (endUs < fromUs || isHiddenMessage(state, row)) continue;
    const [x1, y1] = [view.x(messages.sentUs[row]!), view.y(messages.from[row]!)];
    const [x2, y2] = [view.x(endUs), view.y(messages.to[row]!)];
    const along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2);
    const share = Math.min(1, Math.max(0, along));
    const distance = Math.hypot(x1 + share * (x2 - x1) - x, y1 + share * (y2 - y1) - y);
    if (distance < (best?.distance ?? 6)) best = { row, distance };
  }
  return best && { kind: 'message', row: best.row };
}

/** Everything that holds all words of the query, by time. */
export function search(state: State, query: string): readonly Item[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return [];
  const found: Item[] = [];
  for (const item of allItems(state)) {
    const { who, kind, what, details } = wordsOf(state, item);
    const text = `${who} ${kind} ${what} ${details}`.toLowerCase();
    if (words.every((word) => text.includes(word))) found.push(item);
    if (found.length >= MOST_HITS) break;
  }
  return found;
}

/** The events and messages around a moment, so many at most, by their place in the trace. */
export function near(state: State, item: Item, count: number): readonly Item[] {
  const { events, messages } = state.diagram;
  const number = numberOf(state, item);
  const rows = (kind: Item['kind'], numbers: readonly number[]): Item[] => {
    const from = Math.max(0, firstAt(numbers, number) - count);
    return numbers.slice(from, from + 2 * count).map((_, at) => ({ kind, row: from + at }));
  };
  const all = [...rows('event', events.number), ...rows('message', messages.number)];
  all.sort((a, b) => numberOf(state, a) - numberOf(state, b));
  const here = all.findIndex((other) => other.kind === item.kind && other.row === item.row);
  return all.slice(Math.max(0, here - count), here + count + 1);
}

function allItems(state: State): readonly Item[] {
  const { events, messages } = state.diagram;
  const items: Item[] = [
    ...events.number.map((_, row) => ({ kind: 'event', row }) as const),
    ...messages.number.map((_, row) => ({ kind: 'message', row }) as const),
  ];
  return items.sort((a, b) => timeOf(state, a) - timeOf(state, b));
}
