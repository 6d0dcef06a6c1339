// A scenario file: a plan written down, why it exists, and what must come of it. TOML in and out.
//
//   why = "…"                      one sentence or more: what would be lost without this scenario
//   seed = 7                       what the decisions leave open is keyed by it
//   expect = "pass"                or: violates = "the promise that breaks"
//   shows = ["n0 crash", "…"]      texts that lines of the trace must hold, in this order
//   [options]                      those that differ from their defaults
//   [golden] hash, kinds, lines    the trace as it was when somebody last looked
//   [[decisions]]                  at, do, and the members of the verb (scenario-verbs.ts)
//
// Invariant: reading what was written gives the same scenario; nothing unknown is let through.
// Never here: files, running.

import { parse, TomlError } from 'smol-toml';
import { unreachable } from '../core/assert.ts';
import { SECOND } from './clock.ts';
import type { ObservationKind } from './observation.ts';
import { OPTION_NAMES, type Options, optionSpec, quiet, refuseOptions } from './options.ts';
import { type Decision, happens, type Plan, sorted } from './plan.ts';
import { durationText } from './plan-text.ts';
import { isTable, suggestion, type TomlValue } from './scenario-notation.ts';
import { readDecision, writeDecision } from './scenario-verbs.ts';

export type Expectation =
  | { readonly kind: 'pass' }
  | { readonly kind: 'violates'; readonly promise: string };

/** The trace as it was; `--rewrite` renews it. */
export interface Golden {
  readonly hash?: string;
  readonly lines?: { readonly kinds: readonly string[]; readonly text: string };
}

export interface Scenario {
  readonly why: string;
  readonly plan: Plan;
  readonly expectation: Expectation;
  readonly shows: readonly string[];
  readonly golden?: Golden;
}

/** A scenario file that cannot be used: where, what, and what would be right. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

/** Kinds of observations, for `golden.kinds`. */
const KINDS: { readonly [K in ObservationKind]: true } = {
  start: true,
  step: true,
  durable: true,
  visible: true,
  crash: true,
  stop: true,
  disk: true,
  sent: true,
  delivered: true,
  dropped: true,
  call: true,
  reply: true,
  fault: true,
  phase: true,
  mark: true,
  note: true,
};

const TOP = ['why', 'seed', 'expect', 'violates', 'shows', 'options', 'golden', 'decisions'];
const GOLDEN = ['hash', 'kinds', 'lines'];

/** Reads a file; throws ScenarioError. `file` is its name in messages. */
export function readScenario(text: string, file: string): Scenario {
  const fail = (path: string, message: string): never => {
    throw new ScenarioError(`${file}:${lineOfKey(text, path)}: ${path} ${message}`);
  };
  const top = parseToml(text, file);
  refuseUnknown(top, TOP, '', fail);
  const why = top['why'];
  if (typeof why !== 'string' || why.trim() === '') {
    return fail('why', 'is missing; say in a sentence what this scenario shows');
  }
  const seed = top['seed'] ?? 1;
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) {
    return fail('seed', 'must be a whole number from 0 on');
  }
  const options = readOptions(top['options'] ?? {}, fail);
  const decisions = listOf(top['decisions'] ?? [], 'decisions', fail).map((table, index) => {
    const path = `decisions[${index}]`;
    if (!isTable(table)) return fail(path, 'must be a table; write [[decisions]] above it');
    const failAt: Fail = (name, message) => fail(`${path}.${name}`, message);
    const decision = readDecision(table, options, failAt);
    return happens(decision, options) ? decision : refuseLate(decision, options, failAt);
  });
  const golden = readGolden(top['golden'], fail);
  return {
    why,
    plan: { seed: seed as number, options, decisions: sorted(decisions) },
    expectation: readExpectation(top, fail),
    shows: listOf(top['shows'] ?? [], 'shows', fail).map((text) => textOf(text, 'shows', fail)),
    ...(golden !== undefined && { golden }),
  };
}

/** The text of a file. */
export function writeScenario({ why, plan, expectation, shows, golden }: Scenario): string {
  const head = [`why = ${tomlText(why)}`, `seed = ${plan.seed}`, expectationText(expectation)];
  if (shows.length > 0) head.push('shows = [', ...shows.map((text) => `  ${tomlText(text)},`), ']');
  const changed = OPTION_NAMES.filter((name) => plan.options[name] !== optionSpec(name).default);
  const blocks = [head];
  if (changed.length > 0) {
    blocks.push(['[options]', ...changed.map((name) => `${name} = ${plan.options[name]}`)]);
  }
  for (const decision of plan.decisions) {
    const members = Object.entries(writeDecision(decision));
    const lines = members.map(([name, value]) => `${name} = ${tomlValue(value)}`);
    blocks.push(['[[decisions]]', ...lines]);
  }
  if (golden !== undefined) blocks.push(goldenLines(golden));
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`;
}

/** The text of a file with its `[golden]` renewed and everything else, comments too, as it was. */
export function writeGolden(text: string, golden: Golden): string {
  const block = goldenLines(golden).join('\n');
  const at = text.search(/^\[golden\]$/m);
  if (at < 0) return `${text.trimEnd()}\n\n${block}\n`;
  const rest = text.slice(at);
  const literalEnd = /'''\n[\s\S]*?'''\n?/.exec(rest);
  const from = literalEnd === null ? 1 : literalEnd.index + literalEnd[0].length;
  const next = rest.slice(from).search(/^\[/m);
  const after = next < 0 ? '' : `\n${rest.slice(from + next)}`;
  return `${text.slice(0, at)}${block}\n${after}`;
}

type Fail = (path: string, message: string) => never;

function parseToml(text: string, file: string): { readonly [name: string]: unknown } {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason = 'is no TOML'] = error.message.split('\n');
    throw new ScenarioError(`${file}:${error.line}:${error.column}: ${reason}\n${error.codeblock}`);
  }
}

function readOptions(value: unknown, fail: Fail): Options {
  if (!isTable(value)) return fail('options', 'must be a table');
  for (const [name, entry] of Object.entries(value)) {
    const refusal = refuseOptions({ [name]: entry } as Partial<Options>);
    if (refusal !== undefined) fail(`options.${name}`, `cannot be used: ${refusal}`);
  }
  return quiet(value as Partial<Options>);
}

function refuseLate({ atUs }: Decision, { safetySecs }: Options, fail: Fail): never {
  const least = Math.floor(atUs / SECOND) + 1;
  return fail(
    'at',
    `is ${durationText(atUs)}, but from safetySecs = ${safetySecs} on nothing is done any more; ` +
      `raise options.safetySecs to ${least} at least, or let it happen sooner`,
  );
}

function readExpectation(top: { readonly [name: string]: unknown }, fail: Fail): Expectation {
  const { expect, violates } = top;
  if (expect !== undefined && violates !== undefined) {
    return fail('violates', 'cannot stand beside expect; keep one of them');
  }
  if (expect === 'pass') return { kind: 'pass' };
  if (expect !== undefined) return fail('expect', 'must be "pass"; a broken promise is `violates`');
  if (violates === undefined) return fail('expect', 'is missing; write expect = "pass"');
  return { kind: 'violates', promise: textOf(violates, 'violates', fail) };
}

function readGolden(value: unknown, fail: Fail): Golden | undefined {
  if (value === undefined) return undefined;
  if (!isTable(value)) return fail('golden', 'must be a table');
  refuseUnknown(value, GOLDEN, 'golden.', fail);
  const { hash, kinds, lines } = value;
  if ((kinds === undefined) !== (lines === undefined)) {
    return fail('golden.kinds', 'and golden.lines belong together; write lines = "" and --rewrite');
  }
  const known = listOf(kinds ?? [], 'golden.kinds', fail).map((kind) => {
    const name = textOf(kind, 'golden.kinds', fail);
    if (Object.hasOwn(KINDS, name)) return name;
    return fail('golden.kinds', `holds ${name}; there is ${Object.keys(KINDS).join(', ')}`);
  });
  return {
    ...(hash !== undefined && { hash: textOf(hash, 'golden.hash', fail) }),
    ...(kinds !== undefined && {
      lines: { kinds: known, text: textOf(lines, 'golden.lines', fail) },
    }),
  };
}

function refuseUnknown(
  table: { readonly [name: string]: unknown },
  known: readonly string[],
  prefix: string,
  fail: Fail,
): void {
  const unknown = Object.keys(table).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const close = suggestion(unknown, known);
  fail(prefix + unknown, `is unknown; there is ${known.join(', ')}${close}`);
}

function listOf(value: unknown, path: string, fail: Fail): readonly unknown[] {
  return Array.isArray(value) ? value : fail(path, 'must be a list');
}

function textOf(value: unknown, path: string, fail: Fail): string {
  return typeof value === 'string' ? value : fail(path, 'must be a text in quotes');
}

/** The line on which a key such as `decisions[2].node` (or what it is in) stands, or the nearest above it; from 1. */
function lineOfKey(text: string, path: string): number {
  const lines = text.split('\n');
  const [, table = '', index, name] = /^(\w+)(?:\[(\d+)\])?(?:\.(\w+))?/.exec(path) ?? [];
  const isHeader = (line: string): boolean =>
    line.trim() === (index ? `[[${table}]]` : `[${table}]`);
  const headers = lines.flatMap((line, at) => (isHeader(line) ? [at] : []));
  const header = headers[Number(index ?? 0)];
  const [from, key] = header === undefined ? [0, name ?? table] : [header, name];
  const found = lines.findIndex(
    (line, at) => at >= from && line.match(/^\s*(\w+)\s*=/)?.[1] === key,
  );
  return (found >= 0 ? found : from) + 1;
}

function expectationText(expectation: Expectation): string {
  switch (expectation.kind) {
    case 'pass':
      return 'expect = "pass"';
    case 'violates':
      return `violates = ${tomlText(expectation.promise)}`;
    default:
      return unreachable(expectation);
  }
}

function goldenLines({ hash, lines }: Golden): string[] {
  const block = ['[golden]'];
  if (hash !== undefined) block.push(`hash = ${tomlText(hash)}`);
  if (lines === undefined) return block;
  block.push(`kinds = ${tomlValue(lines.kinds)}`);
  // A literal text shows the columns as they are; what it cannot hold is escaped.
  const isPlain = !lines.text.includes("'''") && !/[^\P{Cc}\n]/u.test(lines.text);
  block.push(`lines = ${isPlain ? `'''\n${lines.text}'''` : tomlText(lines.text)}`);
  return block;
}

function tomlValue(value: TomlValue): string {
  if (typeof value === 'string') return tomlText(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  const members = Object.entries(value).map(([name, entry]) => {
    const key = /^[\w-]+$/.test(name) ? name : tomlText(name);
    return `${key} = ${tomlValue(entry as TomlValue)}`;
  });
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

/** A basic string; TOML shares JSON's escapes but wants DEL escaped as well. */
function tomlText(text: string): string {
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f');
}
