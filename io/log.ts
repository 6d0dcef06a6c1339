// The log: one line an event, on standard error, in the form operators know:
// `INFO gossip: first-contact merge complete peer="http://node2…" accounts=142`.
// Invariant: an event is exactly one line whatever its values hold (control characters are
// escaped, lengths bounded), so nothing a client sends can forge another line.
// Never here: deciding what is worth saying, and secrets: callers redact them first.

import { LOG_LEVELS, type LogFormat, type LogLevel } from './config/config.ts';

export type LogValue = string | number | bigint | boolean | undefined;
/** Written in the order given; undefined values are left out. */
export type LogFields = Readonly<Record<string, LogValue>>;

/** `target` is the part of the program that speaks: `gossip`, `acme`, `store`. */
export type LogMethod = (target: string, message: string, fields?: LogFields) => void;

export interface Log extends Readonly<Record<LogLevel, LogMethod>> {
  /** For a reload of the configuration. */
  readonly setLevel: (level: LogLevel) => void;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Whether text lines begin with the time; JSON lines always have it. */
  readonly timestamps: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Takes a line with its line break. */
  readonly write: (line: string) => void;
}

interface Event {
  readonly level: LogLevel;
  readonly target: string;
  readonly message: string;
  readonly fields: LogFields;
  readonly timeMs: number;
}

const MAX_VALUE_CHARACTERS = 2000;
const MAX_FIELDS = 64;
const OWN_MEMBERS: ReadonlySet<string> = new Set(['time', 'level', 'target', 'message']);
/** What JSON leaves as it is but a terminal or a pager obeys: C1, line separators, reordering. */
const OBEYED = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function createLog(options: LogOptions): Log {
  let threshold = LOG_LEVELS.indexOf(options.level);
  const method =
    (level: LogLevel): LogMethod =>
    (target, message, fields = {}) => {
      if (LOG_LEVELS.indexOf(level) > threshold) return;
      const event = { level, target, message, fields, timeMs: options.now() };
      options.write(`${options.format === 'json' ? jsonLine(event) : textLine(event, options)}\n`);
    };
  return {
    error: method('error'),
    warn: method('warn'),
    info: method('info'),
    debug: method('debug'),
    setLevel: (level) => {
      threshold = LOG_LEVELS.indexOf(level);
    },
  };
}

/** The log of the process. Under systemd the journal has the time, so lines go without. */
export function createProcessLog(
  config: { readonly level: LogLevel; readonly format: LogFormat },
  environment: Readonly<Record<string, string | undefined>>,
  write: (line: string) => void,
): Log {
  return createLog({
    ...config,
    timestamps: environment['JOURNAL_STREAM'] === undefined,
    now: Date.now,
    write,
  });
}

/** What stands in the log in place of a secret. Its length and content leave no trace. */
export function redact(_secret: string): string {
  return '[redacted]';
}

/** A URL without its password; other text as it is. */
export function redactUrl(text: string): string {
  return text.replace(/(:\/\/[^\s:@/]*:)\S*@/, `$1${redact('')}@`);
}

function textLine(event: Event, { timestamps }: LogOptions): string {
  const time = timestamps ? `${new Date(event.timeMs).toISOString()} ` : '';
  const fields = entries(event.fields).map(([name, value]) => ` ${name}=${textValue(value)}`);
  const message = escaped(event.message).slice(1, -1).replaceAll('\\"', '"');
  return `${time}${event.level.toUpperCase()} ${event.target}: ${message}${fields.join('')}`;
}

function jsonLine({ level, target, message, fields, timeMs }: Event): string {
  const members = [
    `"time":"${new Date(timeMs).toISOString()}"`,
    `"level":"${level}"`,
    `"target":${escaped(target)}`,
    `"message":${escaped(message)}`,
    ...entries(fields).map(([name, value]) => `"${name}":${jsonValue(value)}`),
  ];
  return `{${members.join(',')}}`;
}

function entries(fields: LogFields): readonly (readonly [string, Exclude<LogValue, undefined>])[] {
  return Object.entries(fields)
    .slice(0, MAX_FIELDS)
    .flatMap(([name, value]) => (value === undefined ? [] : [[fieldName(name), value] as const]));
}

/** A name that every reader of the line takes for one. */
function fieldName(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_.]/g, '_');
  return OWN_MEMBERS.has(plain) ? `${plain}_` : plain;
}

function textValue(value: Exclude<LogValue, undefined>): string {
  return typeof value === 'string' ? escaped(value) : String(value);
}

function jsonValue(value: Exclude<LogValue, undefined>): string {
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
  return String(value);
}

/** JSON text in quotes, with everything escaped that is not plainly visible. */
function escaped(text: string): string {
  const bounded =
    text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}…` : text;
  return JSON.stringify(bounded).replace(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
