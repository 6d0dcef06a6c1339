// The strip below the picture: the whole run at a glance, how much happened when, what broke, and
// which part of it is in view. Invariant: reads the state only. Never here: what the user does.

import type { Colours } from './shapes.ts';
import { BAND_COLOURS, type State } from './state.ts';
import type { Viewport } from './viewport.ts';

const MARGIN_PX = 10;

/** The moment at a place of the strip. */
export function overviewUs(x: number, width: number, endUs: number): number {
  return ((x - MARGIN_PX) / Math.max(1, width - 2 * MARGIN_PX)) * endUs;
}

export function drawOverview(
  pen: CanvasRenderingContext2D,
  { width, height }: { readonly width: number; readonly height: number },
  { diagram, hits }: State,
  view: Viewport,
  colours: Colours,
): void {
  const inner = width - 2 * MARGIN_PX;
  const x = (atUs: number): number => MARGIN_PX + (atUs / Math.max(1, diagram.endUs)) * inner;
  pen.clearRect(0, 0, width, height);
  for (const { kind, fromUs, toUs, lanes } of diagram.bands) {
    if (lanes.length === 0) continue;
    pen.globalAlpha = 0.5;
    pen.fillStyle = colours(BAND_COLOURS[kind] ?? 'muted');
    pen.fillRect(x(fromUs), 5, Math.max(1.5, x(toUs) - x(fromUs)), 5);
  }
  pen.globalAlpha = 1;
  drawDensity(pen, diagram.events.atUs, diagram.endUs, inner, height, colours('step'));
  for (const item of hits) {
    const at = item.kind === 'event' ? diagram.events.atUs : diagram.messages.sentUs;
    pen.fillStyle = colours('hit');
    pen.fillRect(x(at[item.row]!) - 0.5, 12, 1.5, height - 16);
  }
  for (const { atUs } of diagram.violations) {
    pen.fillStyle = colours('bad');
    pen.fillRect(x(atUs) - 1, 2, 2.5, height - 4);
  }
  const [left, right] = [Math.max(2, x(view.fromUs)), Math.min(width - 2, x(view.toUs))];
  pen.fillStyle = colours('shade');
  pen.fillRect(left, 1, Math.max(3, right - left), height - 2);
  pen.strokeStyle = colours('accent');
  pen.lineWidth = 1.5;
  pen.strokeRect(left, 1, Math.max(3, right - left), height - 2);
}

function drawDensity(
  pen: CanvasRenderingContext2D,
  times: readonly number[],
  endUs: number,
  width: number,
  height: number,
  colour: string,
): void {
  const columns = Math.max(1, Math.floor(width / 3));
  const counts = new Float64Array(columns);
  for (const atUs of times) {
    counts[Math.min(columns - 1, Math.floor((atUs / Math.max(1, endUs)) * columns))]! += 1;
  }
  const most = counts.reduce((top, count) => Math.max(top, Math.sqrt(count)), 1);
  pen.fillStyle = colour;
  pen.globalAlpha = 0.55;
  for (const [column, count] of counts.entries()) {
    const tall = (Math.sqrt(count) / most) * (height - 20);
    pen.fillRect(MARGIN_PX + (column * width) / columns, height - 5 - tall, 2, tall);
  }
  pen.globalAlpha = 1;
}
