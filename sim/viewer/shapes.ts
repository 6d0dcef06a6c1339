// The small shapes of the diagram: marks of events, arrow heads, crosses, hatching.
// Invariant: each draws around the point it is given and nothing else. Never here: where and when.

import { SHAPES } from './state.ts';
import { GUTTER_PX } from './viewport.ts';

export type Colours = (name: string) => string;

/** The mark of a kind of event, around a point. */
export function symbol(
  pen: CanvasRenderingContext2D,
  kind: string,
  x: number,
  y: number,
  colours: Colours,
  isFar: boolean,
): void {
  const colour = colours((SHAPES as { readonly [kind: string]: string })[kind] ?? 'muted');
  pen.fillStyle = colour;
  pen.strokeStyle = colours('surface');
  pen.lineWidth = 1;
  switch (kind) {
    case 'crash':
    case 'stop':
      cross(pen, x, y, 6, colours('surface'));
      cross(pen, x, y, 5, colour);
      return;
    case 'durable':
      pen.fillRect(x - 2, y + 5, 4, 4);
      return;
    case 'start':
      polygon(pen, [x - 4, y - 6, x + 7, y, x - 4, y + 6]);
      return;
    case 'disk':
      polygon(pen, [x, y - 7, x + 7, y, x, y + 7, x - 7, y]);
      return;
    case 'mark':
      polygon(pen, [x, y - 14, x + 4, y - 9, x, y - 4, x - 4, y - 9]);
      return;
    case 'fault':
      polygon(pen, [x - 4, y - 18, x + 4, y - 18, x, y - 11]);
      return;
    case 'call':
    case 'reply':
      pen.fillRect(x - 1.5, y - 4, 3, 8);
      return;
    default:
      pen.beginPath();
      pen.arc(x, y, kind !== 'step' || isFar ? 1.8 : 3, 0, 2 * Math.PI);
      pen.fill();
  }
}

export function arrowHead(
  pen: CanvasRenderingContext2D,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: string,
): void {
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [along, across] = [(x2 - x1) / length, (y2 - y1) / length];
  pen.fillStyle = colour;
  pen.beginPath();
  pen.moveTo(x2, y2);
  for (const side of [3.2, -3.2]) {
    pen.lineTo(x2 - 7.5 * along - side * across, y2 - 7.5 * across + side * along);
  }
  pen.fill();
}

export function cross(
  pen: CanvasRenderingContext2D,
  x: number,
  y: number,
  r: number,
  colour: string,
): void {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.8;
  pen.beginPath();
  for (const side of [1, -1]) {
    pen.moveTo(x - r, y - r * side);
    pen.lineTo(x + r, y + r * side);
  }
  pen.stroke();
}

export function hatch(
  pen: CanvasRenderingContext2D,
  left: number,
  top: number,
  right: number,
  height: number,
  colour: string,
): void {
  const [from, to] = [Math.max(left, GUTTER_PX - 20), Math.min(right, pen.canvas.width)];
  pen.save();
  pen.beginPath();
  pen.rect(from, top, Math.max(1, to - from), height);
  pen.clip();
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.3;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let x = from - height - (from % 8); x < to; x += 8) {
    pen.moveTo(x, top + height);
    pen.lineTo(x + height, top);
  }
  pen.stroke();
  pen.restore();
}

export function fitText(pen: CanvasRenderingContext2D, text: string, width: number): string {
  if (width < 34) return '';
  if (pen.measureText(text).width <= width) return text;
  const kept = Math.floor((text.length * width) / pen.measureText(text).width) - 2;
  return kept < 4 ? '' : `${text.slice(0, kept)}…`;
}

function polygon(pen: CanvasRenderingContext2D, points: readonly number[]): void {
  pen.beginPath();
  for (let i = 0; i < points.length; i += 2) pen.lineTo(points[i]!, points[i + 1]!);
  pen.closePath();
  pen.fill();
  pen.stroke();
}
