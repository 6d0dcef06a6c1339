// Reads akamu.toml: text in, a whole configuration or all of its mistakes out.
// Invariant: either every value has passed its setting and every relation holds, or nothing is
// returned but errors; each error has its place in the text. Never here: files (load.ts), a
// particular setting (schema.ts).

import { parse, TomlError } from 'smol-toml';
import { checkValue, isTable, kindOf } from './check.ts';
import type { Config } from './config.ts';
import { type ConfigError, type Fault, pointAt, quote } from './config-error.ts';
import { completeConfig, type Draft } from './derived.ts';
import { checkFormat } from './format.ts';
import { indexToml, MAX_DEPTH, type Path, type Span, type TomlIndex } from './locate.ts';
import { type Limitation, NOT_YET, unavailable } from './not-yet.ts';
import { type Violation, violations } from './relations.ts';
import { SCHEMA } from './schema.ts';
import { secretSpans } from './secrets.ts';
import { fieldName, isSection, type Leaf, type Section, type SettingTable } from './setting.ts';
import { syntaxFix } from './syntax-fix.ts';
import { describeUnknownKey } from './unknown-key.ts';

/** Characters from a syntax error on by which its fix is chosen. */
const SHOWN_TO_FIX = 16;

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** `limitations` are the settings that are refused although they are right. */
export function readConfig(
  text: string,
  fileName: string,
  limitations: readonly Limitation[] = NOT_YET,
): ConfigResult {
  const index = indexToml(text);
  const secrets = secretSpans(text, index);
  const point = (span: Span, message: string, fix: string): ConfigError => {
    return { file: fileName, message, fix, ...pointAt(text, span, secrets) };
  };
  const parsed = parseToml(text);
  if (!parsed.ok) {
    const { start, message } = parsed;
    const error = point(
      { start, end: start + 1 },
      message,
      syntaxFix(message, text.slice(start, start + SHOWN_TO_FIX)),
    );
    return { ok: false, errors: [error] };
  }
  const reader = new SectionReader();
  // The walk yields a value of the right type for every key of the schema, whatever it found.
  const draft = reader.section(SCHEMA, parsed.table, [], '') as unknown as Draft;
  const config = completeConfig(draft);
  const refused = unavailable(config, limitations).map((each) => choose(each, index));
  // What is wrong within something that is refused as a whole would be mended in vain.
  const mistakes = reader.faults.filter(
    ({ path }) => !refused.some((each) => isWithin(path, each)),
  );
  const known = [...mistakes, ...refused];
  const wrong = violations(config).filter((each) => !touches(each, known));
  const faults = [...known, ...wrong.map((each) => choose(each, index))];
  if (faults.length === 0) return { ok: true, config };
  const errors = faults
    .map((fault) => ({ span: spanOf(fault, index), fault }))
    .sort((left, right) => left.span.start - right.span.start)
    .map(({ span, fault }) => point(span, fault.message, fault.fix));
  return { ok: false, errors };
}

type Parsed =
  | { readonly ok: true; readonly table: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly start: number; readonly message: string };

function parseToml(text: string): Parsed {
  try {
    return { ok: true, table: parse(text, { maxDepth: MAX_DEPTH }) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = error.message.split('\n')[0] ?? '';
    let start = 0;
    for (let line = 1; line < error.line; line++) start = text.indexOf('\n', start) + 1;
    start += error.column - 1;
    return { ok: false, start, message: message.replace(/^Invalid TOML document: /, '') };
  }
}

/** Walks the parsed text along the schema. Its one mutable thing is the list of faults. */
class SectionReader {
  readonly faults: Fault[] = [];

  /** `label` is how messages call the section: `[server]`, or empty at the top. */
  section(
    keys: SettingTable,
    table: Readonly<Record<string, unknown>>,
    path: Path,
    label: string,
  ): Readonly<Record<string, unknown>> {
    for (const key of Object.keys(table)) {
      if (Object.hasOwn(keys, key)) continue;
      this.#fault([...path, key], 'key', describeUnknownKey(key, keys, label));
    }
    const fields: Record<string, unknown> = {};
    for (const [key, setting] of Object.entries(keys)) {
      const value = Object.hasOwn(table, key) ? table[key] : undefined;
      const at = [...path, key];
      fields[fieldName(key)] = isSection(setting)
        ? this.#subsection(key, setting, value, at)
        : this.#leaf(key, setting, value, at, label);
    }
    return fields;
  }

  #leaf(key: string, setting: Leaf, value: unknown, path: Path, label: string): unknown {
    if (value === undefined) {
      if (setting.required === true) {
        const message = `${label} has no ${key}`;
        const fix = `add ${key} = ${JSON.stringify(setting.example)}`;
        this.#fault(path.slice(0, -1), 'key', { message, fix });
      }
      return internal(setting, setting.default ?? (setting.required ? setting.example : undefined));
    }
    const faults = checkValue(key, setting, value);
    for (const { within, at, message, fix } of faults) {
      this.#fault([...path, ...within], at ?? 'value', { message, fix });
    }
    return internal(setting, faults.length === 0 ? value : (setting.default ?? setting.example));
  }

  #subsection(key: string, setting: Section, value: unknown, path: Path): unknown {
    const label = `[${path.filter((part) => typeof part === 'string').join('.')}]`;
    if (setting.type === 'sections') return this.#sections(key, setting, value, path, label);
    if (value !== undefined && !isTable(value)) {
      const message = `${key} must be a section, not ${kindOf(value)}`;
      this.#fault(path, 'value', { message, fix: `write ${label} on a line of its own` });
    }
    const table = isTable(value) ? value : undefined;
    if (setting.type === 'section-map') return this.#sectionMap(setting, table ?? {}, path);
    if (table === undefined && setting.optional === true) return undefined;
    return this.section(setting.keys, table ?? {}, path, label);
  }

  /** A single table counts as an array of one, as operators of one CA write it. */
  #sections(
    key: string,
    setting: Extract<Section, { type: 'sections' }>,
    value: unknown,
    path: Path,
    label: string,
  ): readonly unknown[] {
    if (isTable(value)) return [this.section(setting.keys, value, path, label)];
    const tables: readonly unknown[] = Array.isArray(value) ? value : [];
    const count = tables.length;
    const absent = value === undefined;
    if ((!absent && !Array.isArray(value)) || tables.some((table) => !isTable(table))) {
      const message = `${key} must be sections, not ${kindOf(value)}`;
      this.#fault(path, 'value', { message, fix: `write [${label}] on a line of its own` });
    } else if (!absent && (count < setting.min || count > setting.max)) {
      const message = `there are ${count} of [${label}]`;
      this.#fault(path, 'value', { message, fix: `write ${setting.min} to ${setting.max}` });
    }
    const found = tables.filter(isTable).slice(0, setting.max);
    if (found.length === 0 && setting.min > 0) {
      return [this.section(setting.keys, {}, path, `[${label}]`)];
    }
    return found.map((table, index) =>
      this.section(setting.keys, table, [...path, index], `[${label}]`),
    );
  }

  #sectionMap(
    setting: Extract<Section, { type: 'section-map' }>,
    table: Readonly<Record<string, unknown>>,
    path: Path,
  ): ReadonlyMap<string, unknown> {
    const sections = new Map<string, unknown>();
    for (const [name, value] of Object.entries(table)) {
      const at = [...path, name];
      const complaint = checkFormat(setting.nameFormat, name);
      if (complaint !== undefined) {
        this.#fault(at, 'key', { ...complaint, message: `${quote(name)} ${complaint.message}` });
      } else if (sections.size >= setting.max) {
        const message = `there are too many of [${path.join('.')}]`;
        this.#fault(at, 'key', { message, fix: `write at most ${setting.max}` });
      } else if (!isTable(value)) {
        const message = `${quote(name)} must be a section, not ${kindOf(value)}`;
        this.#fault(at, 'value', { message, fix: `write [${at.join('.')}] on a line of its own` });
      } else {
        sections.set(name, this.section(setting.keys, value, at, `[${at.join('.')}]`));
      }
    }
    return sections;
  }

  #fault(path: Path, at: 'key' | 'value', { message, fix }: Omit<Fault, 'path' | 'at'>): void {
    this.faults.push({ path, at, message, fix });
  }
}

/** A leaf's value as the configuration carries it: maps are maps, so no name is special. */
function internal(setting: Leaf, value: unknown): unknown {
  return setting.type === 'text-map' && isTable(value) ? new Map(Object.entries(value)) : value;
}

/** A relation says nothing new when one of its settings is wrong already. */
function touches({ paths }: Violation, faults: readonly Fault[]): boolean {
  return faults.some((fault) => paths.some((path) => isWithin(path, fault)));
}

/** Whether a path is that of a fault, or leads further. */
function isWithin(path: Path, fault: Fault): boolean {
  const names = (parts: Path): Path => parts.filter((part) => typeof part === 'string');
  return names(fault.path).every((part, index) => part === names(path)[index]);
}

function choose({ paths, message, fix }: Violation, index: TomlIndex): Fault {
  const path = paths.find((candidate) => index.find(candidate) !== undefined) ?? paths[0] ?? [];
  return { path, at: 'value', message, fix };
}

/** The nearest place in the text: what is absent is pointed at through its section. */
function spanOf(fault: Fault, index: TomlIndex): Span {
  for (let length = fault.path.length; length > 0; length--) {
    const place = index.find(fault.path.slice(0, length));
    if (place === undefined) continue;
    const exact = length === fault.path.length && fault.at === 'value';
    return exact && place.value !== undefined ? place.value : place.key;
  }
  return { start: 0, end: 1 };
}
