// Where in a TOML text each key and value stands (TOML 1.1). The parser proper gives positions for
// syntax errors only; this scanner gives them for everything, so that any complaint can point.
// Invariant: it never throws and always ends, whatever the text; for a valid text it finds every
// key the parser finds, arrays of tables, dotted, quoted and inline keys included.
// Never here: judging the text (smol-toml does that), or knowing what a key means.

import { parse } from 'smol-toml';

/** Keys and array indexes from the root. `['ca', 0, 'key_file']` is `key_file` of the first [[ca]]. */
export type Path = readonly (string | number)[];

/** Half-open range of UTF-16 code units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Place {
  /** The key, or the bracketed part of a table's header, or an array's element. */
  readonly key: Span;
  /** Undefined for tables that only a header or a dotted key defines. */
  readonly value: Span | undefined;
}

export interface TomlIndex {
  /** Indexes may be left in for a single table that stands where an array of them could. */
  readonly find: (path: Path) => Place | undefined;
  /** Every key and element, by its path in JSON. */
  readonly places: ReadonlyMap<string, Place>;
}

/** Nesting and dotted keys beyond this have no places; the reader has the parser refuse them. */
export const MAX_DEPTH: number = 64;

/** The places of all keys of `text`. */
export function indexToml(text: string): TomlIndex {
  const places = new TomlScanner(text).scan();
  return {
    places,
    find: (path) =>
      places.get(JSON.stringify(path)) ??
      places.get(JSON.stringify(path.filter((part) => typeof part === 'string'))),
  };
}

interface Segment {
  readonly name: string;
  readonly span: Span;
}

class TomlScanner {
  readonly #text: string;
  #at = 0;
  #places: Map<string, Place> = new Map();
  /** How many `[[path]]` headers there were. */
  #counts: Map<string, number> = new Map();

  constructor(text: string) {
    this.#text = text;
  }

  scan(): ReadonlyMap<string, Place> {
    let table: Path = [];
    if (this.#text.startsWith('\uFEFF')) this.#at = 1;
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.#text.length) return this.#places;
      const before = this.#at;
      if (this.#text[this.#at] === '[') table = this.#header();
      else this.#assignment(table, 0);
      this.#skipLine();
      // A statement that consumed nothing is not TOML: step over one character and go on.
      if (this.#at === before) this.#at++;
    }
  }

  /** `[a.b]` or `[[a.b]]`; answers the path of the table it opens. */
  #header(): Path {
    const isArray = this.#text.startsWith('[[', this.#at);
    this.#at += isArray ? 2 : 1;
    const segments = this.#dottedKey();
    let path: Path = [];
    for (const [index, { name, span }] of segments.entries()) {
      path = [...path, name];
      this.#record(path, { key: span, value: undefined });
      const id = JSON.stringify(path);
      const count = this.#counts.get(id);
      if (index < segments.length - 1) {
        if (count !== undefined) path = [...path, count - 1];
      } else if (isArray) {
        path = [...path, count ?? 0];
        this.#counts.set(id, (count ?? 0) + 1);
        this.#record(path, { key: span, value: undefined });
      }
    }
    return path;
  }

  /** `a.b = value` below `table`. */
  #assignment(table: Path, depth: number): void {
    const segments = this.#dottedKey();
    const last = segments.at(-1);
    if (last === undefined) return;
    let path = table;
    for (const { name, span } of segments.slice(0, -1)) {
      path = [...path, name];
      this.#record(path, { key: span, value: undefined });
    }
    path = [...path, last.name];
    this.#skipSpace();
    if (this.#text[this.#at] !== '=') {
      this.#record(path, { key: last.span, value: undefined });
      return;
    }
    this.#at++;
    this.#skipSpace();
    const start = this.#at;
    this.#record(path, { key: last.span, value: undefined });
    this.#value(path, depth);
    this.#places.set(JSON.stringify(path), {
      key: last.span,
      value: { start, end: Math.max(start, this.#at) },
    });
  }

  #value(path: Path, depth: number): void {
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") this.#string(first);
    else if (first === '[' && depth < MAX_DEPTH) this.#array(path, depth + 1);
    else if (first === '{' && depth < MAX_DEPTH) this.#inlineTable(path, depth + 1);
    else this.#bare(depth > 0);
  }

  #array(path: Path, depth: number): void {
    this.#at++;
    for (let index = 0; ; index++) {
      this.#skipBlank();
      const start = this.#at;
      if (this.#closes(']')) return;
      const element = [...path, index];
      this.#value(element, depth);
      const span = { start, end: this.#at };
      this.#places.set(JSON.stringify(element), { key: span, value: span });
      this.#skipBlank();
      if (this.#text[this.#at] === ',') this.#at++;
      else if (this.#closes(']') || this.#at === start) return;
    }
  }

  #inlineTable(path: Path, depth: number): void {
    this.#at++;
    for (;;) {
      this.#skipBlank();
      const start = this.#at;
      if (this.#closes('}')) return;
      this.#assignment(path, depth);
      this.#skipBlank();
      if (this.#text[this.#at] === ',') this.#at++;
      else if (this.#closes('}') || this.#at === start) return;
    }
  }

  /** Steps over the closing bracket; at the end of the text everything is closed. */
  #closes(bracket: string): boolean {
    if (this.#at >= this.#text.length) return true;
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  #dottedKey(): readonly Segment[] {
    const segments: Segment[] = [];
    for (;;) {
      this.#skipSpace();
      const start = this.#at;
      const quote = this.#text[start];
      if (quote === '"' || quote === "'") this.#string(quote);
      else this.#take(/[A-Za-z0-9_-]*/y);
      if (this.#at === start) return segments;
      const span = { start, end: this.#at };
      if (segments.length < MAX_DEPTH) {
        segments.push({ name: unquote(this.#text.slice(start, this.#at)), span });
      }
      this.#skipSpace();
      if (this.#text[this.#at] !== '.') return segments;
      this.#at++;
    }
  }

  /** A string of any of the four kinds; an unfinished one ends with its line, or with the text. */
  #string(quote: '"' | "'"): void {
    const many = this.#text.startsWith(quote.repeat(3), this.#at);
    if (!many) this.#take(quote === '"' ? /"(?:[^"\\\r\n]|\\[^\r\n])*"?/y : /'[^'\r\n]*'?/y);
    else if (quote === '"') this.#take(/"""(?:[^"\\]|\\[\s\S]|"(?!""))*(?:"{3,5})?/y);
    else this.#take(/'''(?:[^']|'(?!''))*(?:'{3,5})?/y);
  }

  #bare(nested: boolean): void {
    const start = this.#at;
    this.#take(nested ? /[^,\]}#\r\n]*/y : /[^#\r\n]*/y);
    const length = this.#text.slice(start, this.#at).trimEnd().length;
    this.#at = start + length;
  }

  #skipSpace(): void {
    this.#take(/[ \t]*/y);
  }

  #skipBlank(): void {
    this.#take(/(?:[ \t\r\n]+|#[^\n]*)*/y);
  }

  #skipLine(): void {
    this.#take(/[^\n]*/y);
  }

  #take(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex;
  }

  /** The first place wins, and a value's place is filled in by its assignment. */
  #record(path: Path, place: Place): void {
    const id = JSON.stringify(path);
    if (!this.#places.has(id)) this.#places.set(id, place);
  }
}

/** A quoted key's text, by the parser's own rules; as it stands when they refuse it. */
function unquote(raw: string): string {
  if (!raw.startsWith('"') && !raw.startsWith("'")) return raw;
  try {
    return String(parse(`key = ${raw}`)['key']);
  } catch {
    return raw;
  }
}
