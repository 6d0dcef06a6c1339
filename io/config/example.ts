// Writes akamu.example.toml, which is also what `akamu init` writes: every setting with its words,
// its bounds and its default.
// Invariant: as written it parses to the defaults; with the `#` of every commented setting removed
// it parses too. Settings are commented as `#key`, words as `# word`. Never here: any setting.

import { NOT_YET } from './not-yet.ts';
import { SCHEMA } from './schema.ts';
import {
  isSection,
  type Leaf,
  type LeafValue,
  type Section,
  type Setting,
  type SettingTable,
  type Words,
} from './setting.ts';

const WIDTH = 100;

export function exampleConfig(): string {
  const head = comment(
    'The configuration of Akamu. Every setting is here with its default; the lines that begin ' +
      'with "#" and a name show settings that have none. Check a file with: akamu config check',
  );
  return `${[...head, '', ...settings(SCHEMA, [], true)].join('\n').trimEnd()}\n`;
}

/** A section's own keys come before its tables, as TOML needs it. */
function settings(keys: SettingTable, path: readonly string[], active: boolean): string[] {
  const rank = (setting: Setting): number =>
    isSection(setting) ? 2 : setting.type === 'text-map' ? 1 : 0;
  return Object.entries(keys)
    .sort(([, left], [, right]) => rank(left) - rank(right))
    .flatMap(([key, setting]) =>
      isSection(setting)
        ? section(setting, [...path, key], active)
        : [
            ...words(setting, [...facts(setting), ...notYet([...path, key])]),
            ...leaf(setting, path, key, active),
            '',
          ],
    );
}

function section(setting: Section, path: readonly string[], active: boolean): string[] {
  const named = setting.type === 'section-map' ? [...path, setting.exampleName] : path;
  const name = named.join('.');
  const written =
    active &&
    (setting.type === 'section'
      ? setting.optional !== true
      : setting.type === 'sections' && setting.min > 0);
  const header = setting.type === 'sections' ? `[[${name}]]` : `[${name}]`;
  // A section whose only content is a table of tables needs no header of its own.
  const bare = Object.values(setting.keys).every(isSection);
  const headerLines = bare ? [] : [mark(header, written), ''];
  return [
    ...words(setting, notYet(path)),
    ...headerLines,
    ...settings(setting.keys, named, written),
  ];
}

function leaf(setting: Leaf, path: readonly string[], key: string, active: boolean): string[] {
  const { default: fallback, example } = setting;
  if (setting.type === 'text-map') {
    const entries = Object.entries((example ?? {}) as Readonly<Record<string, string>>);
    const header = `[${[...path, key].join('.')}]`;
    const lines = entries.map(([name, text]) => `${JSON.stringify(name)} = ${toml(text)}`);
    return [header, ...lines].map((line) => mark(line, false));
  }
  if (active && fallback !== undefined) return assign(key, fallback, true);
  const empty = Array.isArray(fallback) && fallback.length === 0;
  return assign(key, (empty ? example : fallback) ?? example ?? '', false);
}

function assign(key: string, value: LeafValue, active: boolean): string[] {
  const line = `${key} = ${toml(value)}`;
  if (line.length < WIDTH || !Array.isArray(value)) return [mark(line, active)];
  const elements = value.map((element) => mark(`  ${toml(element)},`, active));
  return [mark(`${key} = [`, active), ...elements, mark(']', active)];
}

function toml(value: LeafValue): string {
  return Array.isArray(value) ? `[${value.map(toml).join(', ')}]` : JSON.stringify(value);
}

function mark(line: string, active: boolean): string {
  return active ? line : `#${line}`;
}

function words({ doc, breaks }: Words, more: readonly string[]): string[] {
  return [doc, breaks, ...more].flatMap(comment);
}

/** The default, bounds and choices, as far as the line below does not show them. */
function facts(setting: Leaf): readonly string[] {
  const { derived, default: fallback, example } = setting;
  const found: string[] = [];
  if (derived !== undefined) found.push(`Default: ${derived}.`);
  if (fallback !== undefined && setting.type !== 'text-map') {
    found.push(`Default: ${toml(fallback)}.`);
  }
  if (setting.type === 'integer') {
    const unit = setting.unit === 'count' || setting.unit === 'port' ? '' : ` ${setting.unit}`;
    found.push(`From ${setting.min} to ${setting.max}${unit}.`);
  }
  if ('values' in setting) found.push(`Choices: ${setting.values.map(toml).join(', ')}.`);
  const shown = fallback !== undefined && example !== undefined && setting.type !== 'text-map';
  if (shown) found.push(`Example: ${toml(example)}`);
  return found.length === 0 ? [] : [found.join(' ')];
}

function notYet(path: readonly string[]): readonly string[] {
  const name = path.join('.');
  const isRefused = NOT_YET.some((limitation) => limitation.path.join('.') === name);
  return isRefused
    ? ['Not available in this version: it is refused unless it stays as it is here.']
    : [];
}

function comment(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
