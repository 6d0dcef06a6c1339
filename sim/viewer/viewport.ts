// What of the diagram is in view: the mapping between virtual time and pixels, and between lanes and
// rows. Invariant: the window lies within the run and is never empty. Never here: drawing.

import type { Diagram } from '../diagram.ts';

export const GUTTER_PX = 64;
export const AXIS_PX = 34;
const NODE_ROW_PX = 84;
const CLIENT_ROW_PX = 36;
const SMALLEST_WINDOW_US = 20;

export class Viewport {
  readonly #diagram: Diagram;
  #width = 1;
  #height = 1;
  #top = 0;
  fromUs = 0;
  toUs = 1;

  constructor(diagram: Diagram) {
    this.#diagram = diagram;
    this.fit();
  }

  resize(width: number, height: number): void {
    this.#width = Math.max(1, width - GUTTER_PX);
    this.#height = Math.max(1, height);
    this.scroll(0);
  }

  fit(): void {
    const marginUs = this.#diagram.endUs * 0.01 + SMALLEST_WINDOW_US;
    this.fromUs = -marginUs;
    this.toUs = this.#diagram.endUs + marginUs;
  }

  /** Microseconds of one pixel. */
  get usPerPx(): number {
    return (this.toUs - this.fromUs) / this.#width;
  }

  x(atUs: number): number {
    return GUTTER_PX + (atUs - this.fromUs) / this.usPerPx;
  }

  us(x: number): number {
    return this.fromUs + (x - GUTTER_PX) * this.usPerPx;
  }

  /** Middle of a lane. */
  y(lane: number): number {
    const { nodeLanes } = this.#diagram;
    const stretch = this.#stretch();
    const nodes = Math.min(lane, nodeLanes) * NODE_ROW_PX;
    const clients = Math.max(0, lane - nodeLanes) * CLIENT_ROW_PX;
    const half = (lane < nodeLanes ? NODE_ROW_PX : CLIENT_ROW_PX) / 2;
    return AXIS_PX - this.#top + (nodes + clients + half) * stretch;
  }

  rowPx(lane: number): number {
    return (lane < this.#diagram.nodeLanes ? NODE_ROW_PX : CLIENT_ROW_PX) * this.#stretch();
  }

  zoom(factor: number, aroundX: number): void {
    const atUs = this.us(aroundX);
    const longest = this.#diagram.endUs * 1.04 + 2 * SMALLEST_WINDOW_US;
    const span = Math.min(
      longest,
      Math.max(SMALLEST_WINDOW_US, (this.toUs - this.fromUs) * factor),
    );
    const share = (atUs - this.fromUs) / (this.toUs - this.fromUs);
    this.#show(atUs - share * span, span);
  }

  pan(byPx: number): void {
    this.#show(this.fromUs + byPx * this.usPerPx, this.toUs - this.fromUs);
  }

  scroll(byPx: number): void {
    const most = Math.max(0, this.#contentPx() * this.#stretch() - this.#height + AXIS_PX);
    this.#top = Math.min(most, Math.max(0, this.#top + byPx));
  }

  /** Brings a moment into the middle, near enough to see what is around it. */
  goTo(atUs: number, spanUs: number = this.toUs - this.fromUs): void {
    this.#show(atUs - spanUs / 2, Math.max(SMALLEST_WINDOW_US, spanUs));
  }

  #show(fromUs: number, span: number): void {
    const marginUs = Math.max(this.#diagram.endUs * 0.02, span * 0.5);
    const first = -marginUs;
    const last = this.#diagram.endUs + marginUs - span;
    this.fromUs = Math.min(Math.max(fromUs, first), Math.max(first, last));
    this.toUs = this.fromUs + span;
  }

  #contentPx(): number {
    const { nodeLanes, lanes } = this.#diagram;
    return nodeLanes * NODE_ROW_PX + (lanes.length - nodeLanes) * CLIENT_ROW_PX;
  }

  /** Few lanes fill the height; many are scrolled. */
  #stretch(): number {
    const stretch = (this.#height - AXIS_PX - 8) / Math.max(1, this.#contentPx());
    return Math.min(2.2, Math.max(1, stretch));
  }
}

/** Index of the first value that is not less. */
export function firstAt(values: ArrayLike<number>, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A moment as text, as fine as the zoom asks for. */
export function clockText(atUs: number, stepUs: number): string {
  const sign = atUs < 0 ? '-' : '';
  const us = Math.abs(Math.round(atUs));
  const secs = Math.floor(us / 1_000_000);
  const pad = (value: number, width: number): string => String(value).padStart(width, '0');
  const base = `${sign}${Math.floor(secs / 3600)}:${pad(Math.floor(secs / 60) % 60, 2)}:${pad(secs % 60, 2)}`;
  if (stepUs >= 1_000_000) return base;
  const digits = stepUs >= 100_000 ? 1 : stepUs >= 1000 ? 3 : 6;
  return `${base}.${pad(us % 1_000_000, 6).slice(0, digits)}`;
}
