// The viewer's beginning: reads the diagram out of the page, and ties the pointer, the wheel, the
// keys and the search box to what is shown.
// Invariant: at most one redraw for each frame. Never here: drawing, finding.

import type { Diagram } from '../diagram.ts';
import { drawPicture } from './draw.ts';
import { itemAt, search } from './find.ts';
import { drawOverview, overviewUs } from './overview.ts';
import {
  byId,
  element,
  type PanelHost,
  quietKinds,
  showFacts,
  showLegend,
  showSelected,
  showViolations,
} from './panel.ts';
import { type Item, type State, timeOf, wordsOf } from './state.ts';
import { AXIS_PX, clockText, Viewport } from './viewport.ts';

const diagram = JSON.parse(byId('diagram').textContent!) as Diagram;
const state: State = {
  diagram,
  hidden: quietKinds(),
  selected: undefined,
  hovered: undefined,
  hits: [],
  hit: -1,
};
const view = new Viewport(diagram);
const picture = byId<HTMLCanvasElement>('picture');
const overview = byId<HTMLCanvasElement>('overview');
const tip = byId('tip');
const colourCache = new Map<string, string>();
let isDrawPlanned = false;

/** A colour of the page's style. */
function colours(name: string): string {
  let colour = colourCache.get(name);
  if (colour === undefined) {
    colour = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    colourCache.set(name, colour);
  }
  return colour;
}

function redraw(): void {
  if (isDrawPlanned) return;
  isDrawPlanned = true;
  requestAnimationFrame(() => {
    isDrawPlanned = false;
    paint(picture, (pen, size) => {
      view.resize(size.width, size.height);
      drawPicture(pen, size, state, view, colours);
    });
    paint(overview, (pen, size) => drawOverview(pen, size, state, view, colours));
  });
}

/** Draws in CSS pixels on a canvas as fine as the screen. */
function paint(
  canvas: HTMLCanvasElement,
  draw: (pen: CanvasRenderingContext2D, size: { width: number; height: number }) => void,
): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio || 1;
  const [wide, tall] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== tall) [canvas.width, canvas.height] = [wide, tall];
  const pen = canvas.getContext('2d')!;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  draw(pen, { width, height });
}

const host: PanelHost = {
  choose: (item) => {
    choose(item);
    const atUs = timeOf(state, item);
    if (atUs < view.fromUs || atUs > view.toUs) view.goTo(atUs);
  },
  goTo: (atUs) => {
    view.goTo(atUs, Math.min(view.toUs - view.fromUs, Math.max(2_000_000, diagram.endUs / 50)));
    redraw();
  },
  redraw,
};

function choose(item: Item | undefined): void {
  state.selected = item;
  showSelected(state, host);
  redraw();
}

function point(event: PointerEvent): void {
  const item =
    event.offsetY < AXIS_PX ? undefined : itemAt(state, view, event.offsetX, event.offsetY);
  state.hovered = item;
  tip.hidden = item === undefined;
  if (item !== undefined) {
    const { who, kind, what, details } = wordsOf(state, item);
    const title = element('div');
    title.append(element('b', `${who} ${kind}`.trim()), ` ${what}`);
    tip.replaceChildren(
      title,
      element('div', details),
      element('small', clockText(timeOf(state, item), 1)),
    );
    const left = Math.min(event.offsetX + 14, picture.clientWidth - tip.offsetWidth - 8);
    const isLow = event.offsetY + tip.offsetHeight + 30 > picture.clientHeight;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${isLow ? event.offsetY - tip.offsetHeight - 12 : event.offsetY + 16}px`;
  }
  redraw();
}

function listenToPicture(): void {
  let drag: { x: number; y: number; isMoved: boolean } | undefined;
  picture.addEventListener('pointerdown', (event) => {
    drag = { x: event.clientX, y: event.clientY, isMoved: false };
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener('pointermove', (event) => {
    if (drag === undefined) return point(event);
    const [byX, byY] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.isMoved && Math.hypot(byX, byY) < 4) return;
    drag = { x: event.clientX, y: event.clientY, isMoved: true };
    picture.classList.add('dragging');
    tip.hidden = true;
    view.pan(-byX);
    view.scroll(-byY);
    redraw();
  });
  picture.addEventListener('pointerup', (event) => {
    picture.classList.remove('dragging');
    if (drag !== undefined && !drag.isMoved)
      choose(itemAt(state, view, event.offsetX, event.offsetY));
    drag = undefined;
  });
  picture.addEventListener('pointerleave', () => {
    tip.hidden = true;
    state.hovered = undefined;
    redraw();
  });
  picture.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      if (event.shiftKey) view.scroll(event.deltaY || event.deltaX);
      else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) view.pan(event.deltaX);
      else view.zoom(1.0016 ** event.deltaY, event.offsetX);
      redraw();
    },
    { passive: false },
  );
}

function listenToOverview(): void {
  const move = (event: PointerEvent): void => {
    if (event.buttons === 0) return;
    view.goTo(overviewUs(event.offsetX, overview.clientWidth, diagram.endUs));
    redraw();
  };
  overview.addEventListener('pointerdown', move);
  overview.addEventListener('pointermove', move);
}

function zoomBy(factor: number): void {
  view.zoom(factor, picture.clientWidth / 2);
  redraw();
}

function fit(): void {
  view.fit();
  redraw();
}

function nextViolation(): void {
  const { violations } = diagram;
  if (violations.length === 0) return;
  const middle = (view.fromUs + view.toUs) / 2;
  host.goTo((violations.find(({ atUs }) => atUs > middle + 1) ?? violations[0]!).atUs);
}

function listenToKeys(): void {
  const keys: { readonly [key: string]: () => void } = {
    ArrowLeft: () => view.pan(-120),
    ArrowRight: () => view.pan(120),
    ArrowUp: () => view.scroll(-60),
    ArrowDown: () => view.scroll(60),
    '+': () => zoomBy(0.6),
    '=': () => zoomBy(0.6),
    '-': () => zoomBy(1 / 0.6),
    '0': fit,
    n: nextViolation,
    '/': () => byId('query').focus(),
    Escape: () => choose(undefined),
  };
  document.addEventListener('keydown', (event) => {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type === 'search';
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
    if (action === undefined) return;
    event.preventDefault();
    action();
    redraw();
  });
}

function step(by: number): void {
  if (state.hits.length === 0) return;
  state.hit = (state.hit + by + state.hits.length) % state.hits.length;
  const item = state.hits[state.hit]!;
  view.goTo(timeOf(state, item), Math.min(view.toUs - view.fromUs, diagram.endUs / 20));
  choose(item);
  byId('hits').textContent = `${state.hit + 1} of ${state.hits.length}`;
}

function look(query: string): void {
  state.hits = search(state, query);
  state.hit = -1;
  byId('hits').textContent = query.trim() === '' ? '' : `${state.hits.length} found`;
  redraw();
}

function listenToSearch(): void {
  const query = byId<HTMLInputElement>('query');
  query.addEventListener('input', () => look(query.value));
  query.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !event.shiftKey) return;
    event.preventDefault();
    step(-1);
  });
  byId('previous').addEventListener('click', () => step(-1));
  byId('search').addEventListener('submit', (event) => {
    event.preventDefault();
    step(1);
  });
}

function listenToTheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const recolour = (): void => {
    colourCache.clear();
    redraw();
  };
  dark.addEventListener('change', recolour);
  byId('theme').addEventListener('click', () => {
    const root = document.documentElement;
    const isDark = (root.dataset['theme'] ?? (dark.matches ? 'dark' : 'light')) === 'dark';
    root.dataset['theme'] = isDark ? 'light' : 'dark';
    recolour();
  });
}

/** `#t=12.5` shows that second, `#q=crash` searches, `#dark` and `#light` choose the colours. */
function followAddress(): void {
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    if (name === 't') view.goTo(Number(value) * 1_000_000, diagram.endUs / 100);
    if (name === 'span') view.goTo((view.fromUs + view.toUs) / 2, Number(value) * 1_000_000);
    if (name === 'dark' || name === 'light') document.documentElement.dataset['theme'] = name;
    if (name !== 'q') continue;
    byId<HTMLInputElement>('query').value = value;
    look(value);
    step(1);
  }
}

byId('title').textContent = diagram.title;
byId('verdict').textContent = diagram.verdict;
byId('verdict').className = diagram.verdict === 'pass' ? '' : 'bad';
showViolations(state, host);
showLegend(state, host);
showFacts(state);
listenToPicture();
listenToOverview();
listenToKeys();
listenToSearch();
listenToTheme();
byId('zoom-in').addEventListener('click', () => zoomBy(0.6));
byId('zoom-out').addEventListener('click', () => zoomBy(1 / 0.6));
byId('fit').addEventListener('click', fit);
followAddress();
new ResizeObserver(redraw).observe(picture);
redraw();
