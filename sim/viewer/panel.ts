// The column beside the picture: broken promises with their stories, what is chosen, what happened
// around it, the legend with its switches, and facts of the run.
// Invariant: texts of the run are set as text, never as mark-up. Never here: the picture.

import { near } from './find.ts';
import {
  BAND_COLOURS,
  type Item,
  numberOf,
  QUIET,
  SHAPES,
  type State,
  timeOf,
  wordsOf,
} from './state.ts';
import { clockText } from './viewport.ts';

const AROUND = 14;

/** What the column asks of the page. */
export interface PanelHost {
  choose(item: Item): void;
  goTo(atUs: number): void;
  redraw(): void;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = '',
  className = '',
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}

export function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export function showViolations({ diagram }: State, host: PanelHost): void {
  const section = byId('violations');
  const { violations, verdict } = diagram;
  if (violations.length === 0) {
    const text = verdict === 'pass' ? 'No promise was broken.' : `The run ended in: ${verdict}.`;
    section.replaceChildren(element('p', text, verdict === 'pass' ? 'fine' : ''));
    return;
  }
  section.replaceChildren(element('h2', 'Broken promises'));
  for (const { promise, checker, nodes, atUs, story } of violations) {
    const card = element('button', '', 'violation');
    card.type = 'button';
    const where = nodes.map((node) => `n${node}`).join(', ');
    card.append(
      element('b', promise),
      element('small', `${clockText(atUs, 1)}${where === '' ? '' : ` at ${where}`}, by ${checker}`),
    );
    const list = element('ol');
    list.append(...story.map((line) => element('li', line)));
    card.append(list);
    card.addEventListener('click', () => host.goTo(atUs));
    section.append(card);
  }
}

export function showSelected(state: State, host: PanelHost): void {
  const { selected } = state;
  const [section, nearby] = [byId('selected'), byId('nearby')];
  if (selected === undefined) {
    section.replaceChildren();
    nearby.replaceChildren();
    return;
  }
  const { who, kind, what, details } = wordsOf(state, selected);
  const list = element('dl');
  const rows: [string, string][] = [
    ['time', clockText(timeOf(state, selected), 1)],
    ['event', String(numberOf(state, selected))],
    ['who', who === '' ? 'the world' : who],
    ['kind', kind],
    ['what', what],
    ['details', details],
  ];
  if (selected.kind === 'message') {
    const endUs = state.diagram.messages.endUs[selected.row]!;
    if (endUs >= 0) rows.splice(1, 0, ['until', clockText(endUs, 1)]);
  }
  for (const [name, value] of rows) {
    if (value !== '') list.append(element('dt', name), element('dd', value));
  }
  section.replaceChildren(element('h2', 'Chosen'), list);
  showNearby(state, host, selected, nearby);
}

function showNearby(state: State, host: PanelHost, selected: Item, section: HTMLElement): void {
  const lines = element('ol');
  for (const item of near(state, selected, AROUND)) {
    const { who, kind, what, details } = wordsOf(state, item);
    const isHere = item.kind === selected.kind && item.row === selected.row;
    const line = element('li', '', isHere ? 'here' : '');
    const offsetUs = timeOf(state, item) - timeOf(state, selected);
    const text = [kind === 'message' ? '' : kind, what, details].filter((part) => part !== '');
    line.append(
      element('span', isHere ? 'here' : offsetText(offsetUs)),
      element('span', kind === 'message' ? '↗' : who),
      element('span', text.join(' · ')),
    );
    line.title = text.join(' · ');
    line.addEventListener('click', () => host.choose(item));
    lines.append(line);
  }
  section.replaceChildren(element('h2', 'Before and after'), lines);
}

/** A distance in time with three digits that mean something. */
function offsetText(us: number): string {
  const sign = us < 0 ? '−' : '+';
  const size = Math.abs(us);
  if (size < 1000) return `${sign}${size} µs`;
  if (size < 1_000_000) return `${sign}${(size / 1000).toFixed(size < 100_000 ? 1 : 0)} ms`;
  return `${sign}${(size / 1_000_000).toFixed(size < 100_000_000 ? 1 : 0)} s`;
}

export function showLegend({ diagram, hidden }: State, host: PanelHost): void {
  const section = byId('legend');
  const list = element('ul');
  const entries: (readonly [name: string, shape: string, colour: string])[] = [
    ['request', 'arrow', 'request'],
    ['gossip', 'arrow', 'gossip'],
    ['lost', 'lost', 'lost'],
    ...diagram.kinds.flatMap((kind) => {
      return kind === 'phase' ? [] : [[kind, kind, SHAPES[kind as keyof typeof SHAPES]] as const];
    }),
  ];
  const bands = new Set(diagram.bands.map(({ kind }) => kind).filter((kind) => kind !== 'client'));
  for (const kind of bands) entries.push([kind, 'band', BAND_COLOURS[kind] ?? 'muted']);
  const seen = new Set<string>();
  for (const [name, shape, colour] of entries) {
    if (seen.has(name)) continue;
    seen.add(name);
    const label = element('label');
    const box = element('input');
    box.type = 'checkbox';
    box.checked = !hidden.has(name);
    box.addEventListener('change', () => {
      if (box.checked) hidden.delete(name);
      else hidden.add(name);
      host.redraw();
    });
    label.append(box, sample(shape, colour), element('span', name));
    const item = element('li');
    item.append(label);
    list.append(item);
  }
  const help = element('p');
  help.append(
    'Drag or ',
    element('kbd', '←'),
    ' ',
    element('kbd', '→'),
    ' to move, wheel to zoom, ',
  );
  help.append(
    element('kbd', 'Shift'),
    '+wheel to scroll, ',
    element('kbd', '0'),
    ' for everything, ',
  );
  help.append(element('kbd', 'N'), ' to the next broken promise.');
  section.replaceChildren(element('h2', 'Legend'), list, help);
}

export function showFacts({ diagram }: State): void {
  const list = element('dl');
  for (const [name, value] of diagram.facts) list.append(element('dt', name), element('dd', value));
  if (diagram.omitted > 0) {
    list.append(element('dt', 'left out'), element('dd', `${diagram.omitted} later events`));
  }
  byId('facts').replaceChildren(element('h2', 'Run'), list);
}

/** What is switched off at first. */
export function quietKinds(): Set<string> {
  return new Set(QUIET);
}

const PATHS: { readonly [shape: string]: string } = {
  arrow: 'M1 12 L20 4 M20 4 L13 3.5 M20 4 L16 9',
  lost: 'M1 12 L14 6 M13 2 L20 9 M20 2 L13 9',
  crash: 'M8 2 L18 12 M18 2 L8 12',
  stop: 'M8 2 L18 12 M18 2 L8 12',
  start: 'M9 1 L20 7 L9 13 Z',
  disk: 'M13 1 L19 7 L13 13 L7 7 Z',
  mark: 'M13 2 L17 7 L13 12 L9 7 Z',
  fault: 'M8 3 L18 3 L13 11 Z',
  durable: 'M10 4 H16 V10 H10 Z',
  call: 'M11.5 2 H14.5 V12 H11.5 Z',
  reply: 'M11.5 2 H14.5 V12 H11.5 Z',
  band: 'M2 1 H24 V13 H2 Z',
};
const LINES: ReadonlySet<string> = new Set(['arrow', 'lost', 'crash', 'stop']);

function sample(shape: string, colour: string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 26 14');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', PATHS[shape] ?? 'M13 4 a3 3 0 1 0 .01 0 Z');
  const isLine = LINES.has(shape);
  path.style.fill = isLine ? 'none' : `var(--${colour})`;
  path.style.stroke = isLine ? `var(--${colour})` : 'none';
  path.style.strokeWidth = '1.8';
  if (shape === 'band') path.style.fillOpacity = '0.35';
  svg.append(path);
  return svg;
}
