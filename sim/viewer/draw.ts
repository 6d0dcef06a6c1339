// Draws the space-time diagram on a canvas: lanes, bands, messages, events, broken promises.
// What would cover what is already there is left out: of several messages between two lanes, or
// events of one kind on a lane, that fall on one pixel, one is drawn. So the work depends on the
// width of the window, not on the length of the run.
// Invariant: reads the state, changes nothing of it. Never here: what the user does.

import type { Diagram } from '../diagram.ts';
import { arrowHead, type Colours, cross, fitText, hatch, symbol } from './shapes.ts';
import { BAND_COLOURS, type Item, messageEndUs, type State } from './state.ts';
import { AXIS_PX, clockText, firstAt, GUTTER_PX, type Viewport } from './viewport.ts';

const LOUD: ReadonlySet<string> = new Set(['crash', 'stop', 'start', 'disk', 'fault']);
/** Distances of the grid that people read easily. */
const STEPS_US: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].flatMap((count) => [count, count * 1e3]),
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800].map((secs) => secs * 1e6),
  ...[1, 2, 6, 12, 24, 48, 120, 240, 480, 960].map((hours) => hours * 3.6e9),
].sort((a, b) => a - b);

export function drawPicture(
  pen: CanvasRenderingContext2D,
  size: { readonly width: number; readonly height: number },
  state: State,
  view: Viewport,
  colours: Colours,
): void {
  pen.clearRect(0, 0, size.width, size.height);
  pen.save();
  pen.beginPath();
  pen.rect(GUTTER_PX, AXIS_PX, size.width - GUTTER_PX, size.height - AXIS_PX);
  pen.clip();
  drawPhases(pen, size, state, view, colours);
  drawGrid(pen, size, view, colours);
  drawBands(pen, state, view, colours);
  drawLanes(pen, size, state, view, colours);
  drawMessages(pen, state, view, colours);
  drawEvents(pen, state, view, colours);
  drawViolations(pen, size, state, view, colours);
  for (const item of state.hits.length > 400 ? [] : state.hits)
    ring(pen, state, view, item, colours('hit'), 2);
  if (state.selected !== undefined) ring(pen, state, view, state.selected, colours('accent'), 3);
  if (state.hovered !== undefined) ring(pen, state, view, state.hovered, colours('ink'), 1.5);
  pen.restore();
  drawAxis(pen, size, view, colours);
  drawNames(pen, size, state, view, colours);
}

function drawPhases(
  pen: CanvasRenderingContext2D,
  { height }: { readonly height: number },
  { diagram }: State,
  view: Viewport,
  colours: Colours,
): void {
  const healed = diagram.phases.find(({ name }) => name === 'liveness');
  if (healed === undefined) return;
  const [from, to] = [view.x(healed.fromUs), view.x(diagram.endUs)];
  pen.fillStyle = colours('phase');
  pen.fillRect(from, AXIS_PX, to - from, height);
  pen.fillStyle = colours('good');
  pen.font = '600 11px system-ui';
  pen.textAlign = 'left';
  if (to - from > 90)
    pen.fillText('all faults are over', Math.max(from, GUTTER_PX) + 6, height - 8);
  pen.fillRect(from, AXIS_PX, 1, height);
}

function drawGrid(
  pen: CanvasRenderingContext2D,
  { height }: { readonly height: number },
  view: Viewport,
  colours: Colours,
): void {
  pen.fillStyle = colours('line');
  for (const atUs of ticks(view)) pen.fillRect(Math.round(view.x(atUs)), AXIS_PX, 1, height);
}

function ticks(view: Viewport): readonly number[] {
  const step = tickUs(view);
  const found: number[] = [];
  for (let at = Math.ceil(view.fromUs / step) * step; at <= view.toUs; at += step) found.push(at);
  return found;
}

function tickUs(view: Viewport): number {
  const least = view.usPerPx * 110;
  return (
    STEPS_US.find((step) => step >= least) ?? STEPS_US.at(-1)! * Math.ceil(least / STEPS_US.at(-1)!)
  );
}

function drawBands(
  pen: CanvasRenderingContext2D,
  { diagram, hidden }: State,
  view: Viewport,
  colours: Colours,
): void {
  pen.font = '11px system-ui';
  pen.textAlign = 'left';
  for (const { lane, fromUs, toUs } of diagram.outages) {
    const [left, right] = [view.x(fromUs), view.x(toUs)];
    if (right < GUTTER_PX || left > 1e5) continue;
    hatch(
      pen,
      left,
      view.y(lane) - view.rowPx(lane) * 0.36,
      right,
      view.rowPx(lane) * 0.72,
      colours('crash'),
    );
  }
  const taken = new Map<number, number>();
  for (const band of diagram.bands) {
    if (hidden.has(band.kind) || band.kind === 'client') continue;
    const [left, right] = [
      view.x(band.fromUs),
      Math.max(view.x(band.toUs), view.x(band.fromUs) + 2),
    ];
    if (right < GUTTER_PX || left > pen.canvas.width) continue;
    const colour = colours(BAND_COLOURS[band.kind] ?? 'muted');
    for (const lane of band.lanes) {
      const row = view.rowPx(lane);
      const top = view.y(lane) - row * 0.42;
      pen.fillStyle = colour;
      pen.globalAlpha = band.kind === 'crash' ? 0.1 : 0.17;
      pen.fillRect(left, top, right - left, row * 0.84);
      pen.globalAlpha = 0.9;
      pen.fillRect(left, top, right - left, 3);
      const from = Math.max(left, GUTTER_PX) + 4;
      const isFree = from > (taken.get(lane) ?? 0);
      const text = fitText(pen, band.label, right - from - 4);
      if (isFree && text !== '') {
        pen.globalAlpha = 1;
        pen.fillText(text, from, top + 15);
        taken.set(lane, from + pen.measureText(text).width + 8);
      }
      pen.globalAlpha = 1;
    }
  }
}

function drawLanes(
  pen: CanvasRenderingContext2D,
  { width }: { readonly width: number },
  { diagram }: State,
  view: Viewport,
  colours: Colours,
): void {
  for (let lane = 0; lane < diagram.lanes.length; lane++) {
    const y = Math.round(view.y(lane));
    pen.fillStyle = colours('lane');
    pen.fillRect(GUTTER_PX, y, width, lane < diagram.nodeLanes ? 2 : 1);
  }
  // A node that is down has no line.
  for (const { lane, fromUs, toUs } of diagram.outages) {
    const [left, right] = [view.x(fromUs), view.x(toUs)];
    pen.fillStyle = colours('surface');
    pen.fillRect(left, Math.round(view.y(lane)) - 1, right - left, 4);
  }
}

function drawMessages(
  pen: CanvasRenderingContext2D,
  state: State,
  view: Viewport,
  colours: Colours,
): void {
  const { messages, lanes } = state.diagram;
  const last = new Map<number, number>();
  // From far away messages are a texture behind the faults; from near each one counts.
  const isFar = view.usPerPx > 200_000;
  const alpha = isFar ? 0.2 : view.usPerPx > 50_000 ? 0.32 : 0.75;
  const [fromUs, toUs] = [view.fromUs, view.toUs];
  const end = firstAt(messages.sentUs, toUs);
  for (let row = firstAt(messages.sentUs, fromUs - longestUs(state.diagram)); row < end; row++) {
    if (isHiddenMessage(state, row)) continue;
    const endUs = messageEndUs(state.diagram, row);
    if (endUs < fromUs) continue;
    const isLost = messages.fate[row] === 2;
    const x = view.x(messages.sentUs[row]!);
    const pair = (messages.from[row]! * lanes.length + messages.to[row]!) * 2 + (isLost ? 1 : 0);
    const before = last.get(pair);
    if (before !== undefined && x - before < (isLost ? 1.2 : isFar ? 7 : 2.4)) continue;
    last.set(pair, x);
    const colour = colours(isLost ? 'lost' : messages.gossip[row] === 1 ? 'gossip' : 'request');
    arrow(pen, state, view, row, colour, isLost ? Math.max(alpha, 0.55) : alpha);
  }
}

export function isHiddenMessage({ diagram, hidden }: State, row: number): boolean {
  const { messages } = diagram;
  if (hidden.has('lost') && messages.fate[row] === 2) return true;
  return hidden.has(messages.gossip[row] === 1 ? 'gossip' : 'request');
}

let longest: { readonly of: Diagram; readonly us: number } | undefined;

/** The longest a message took; so far before the window one may have been sent that ends in it. */
export function longestUs(diagram: Diagram): number {
  if (longest?.of === diagram) return longest.us;
  let us = 0;
  for (let row = 0; row < diagram.messages.sentUs.length; row++) {
    const { sentUs, endUs } = diagram.messages;
    if (endUs[row]! >= 0) us = Math.max(us, endUs[row]! - sentUs[row]!);
  }
  longest = { of: diagram, us };
  return us;
}

function arrow(
  pen: CanvasRenderingContext2D,
  { diagram }: State,
  view: Viewport,
  row: number,
  colour: string,
  alpha: number,
): void {
  const { messages } = diagram;
  const isLost = messages.fate[row] === 2;
  const [x1, y1] = [view.x(messages.sentUs[row]!), view.y(messages.from[row]!)];
  let [x2, y2] = [view.x(messageEndUs(diagram, row)), view.y(messages.to[row]!)];
  if (isLost) {
    // It never gets there: the line ends short of the other lane.
    const share = 0.62;
    [x2, y2] = [x1 + (x2 - x1) * share, y1 + (y2 - y1) * share];
  }
  pen.globalAlpha = alpha;
  pen.strokeStyle = colour;
  pen.lineWidth = isLost ? 1.4 : 1.1;
  pen.setLineDash(isLost || messages.fate[row] === 0 ? [4, 3] : []);
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 1;
  if (isLost) cross(pen, x2, y2, 3.5, colour);
  else if (Math.hypot(x2 - x1, y2 - y1) > 14 && alpha > 0.5) arrowHead(pen, x1, y1, x2, y2, colour);
}

function drawEvents(
  pen: CanvasRenderingContext2D,
  { diagram, hidden }: State,
  view: Viewport,
  colours: Colours,
): void {
  const { events, kinds } = diagram;
  const end = firstAt(events.atUs, view.toUs);
  const last = new Map<number, number>();
  for (let row = firstAt(events.atUs, view.fromUs); row < end; row++) {
    const lane = events.lane[row]!;
    const kind = kinds[events.kind[row]!]!;
    if (lane < 0 || hidden.has(kind)) continue;
    const x = view.x(events.atUs[row]!);
    const key = lane * 32 + events.kind[row]!;
    const isFar = view.usPerPx > 50_000;
    const apartPx = LOUD.has(kind) ? 0 : isFar && kind !== 'step' ? 7 : 2;
    if (x - (last.get(key) ?? -99) < apartPx) continue;
    last.set(key, x);
    symbol(pen, kind, x, view.y(lane), colours, isFar);
  }
}

function drawViolations(
  pen: CanvasRenderingContext2D,
  { height }: { readonly height: number },
  { diagram }: State,
  view: Viewport,
  colours: Colours,
): void {
  const colour = colours('bad');
  for (const { atUs, nodes } of diagram.violations) {
    const x = view.x(atUs);
    pen.fillStyle = colour;
    pen.globalAlpha = 0.85;
    pen.fillRect(x - 1, AXIS_PX, 2, height);
    pen.globalAlpha = 0.22;
    for (const node of nodes) {
      pen.beginPath();
      pen.arc(x, view.y(node), 20, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1;
    for (const node of nodes) {
      pen.strokeStyle = colour;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, view.y(node), 11, 0, 2 * Math.PI);
      pen.stroke();
    }
  }
}

function ring(
  pen: CanvasRenderingContext2D,
  state: State,
  view: Viewport,
  item: Item,
  colour: string,
  width: number,
): void {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  if (item.kind === 'message') {
    arrow(pen, state, view, item.row, colour, 1);
    return;
  }
  const lane = state.diagram.events.lane[item.row]!;
  const x = view.x(state.diagram.events.atUs[item.row]!);
  pen.beginPath();
  if (lane < 0) pen.rect(x - 2, AXIS_PX + 2, 4, 14);
  else pen.arc(x, view.y(lane), 8, 0, 2 * Math.PI);
  pen.stroke();
}

function drawAxis(
  pen: CanvasRenderingContext2D,
  { width }: { readonly width: number },
  view: Viewport,
  colours: Colours,
): void {
  pen.fillStyle = colours('page');
  pen.fillRect(0, 0, width, AXIS_PX);
  pen.fillStyle = colours('line');
  pen.fillRect(0, AXIS_PX - 1, width, 1);
  pen.fillStyle = colours('muted');
  pen.font = '11px system-ui';
  pen.textAlign = 'center';
  const step = tickUs(view);
  for (const atUs of ticks(view)) {
    const x = view.x(atUs);
    if (x > GUTTER_PX + 20) pen.fillText(clockText(atUs, step), x, AXIS_PX - 12);
  }
}

function drawNames(
  pen: CanvasRenderingContext2D,
  { height }: { readonly height: number },
  { diagram }: State,
  view: Viewport,
  colours: Colours,
): void {
  pen.fillStyle = colours('surface');
  pen.fillRect(0, AXIS_PX, GUTTER_PX, height);
  pen.fillStyle = colours('line');
  pen.fillRect(GUTTER_PX - 1, AXIS_PX, 1, height);
  pen.textAlign = 'right';
  for (const [lane, name] of diagram.lanes.entries()) {
    const y = view.y(lane);
    if (y < AXIS_PX + 6) continue;
    const isNode = lane < diagram.nodeLanes;
    pen.font = isNode ? '650 14px system-ui' : '12px system-ui';
    pen.fillStyle = colours(isNode ? 'ink' : 'muted');
    pen.fillText(name, GUTTER_PX - 14, y + 5);
  }
}
