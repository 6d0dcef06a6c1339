// The command line of the simulator: flags, and every option of options.ts by its name in
// kebab-case. Invariant: what is not understood is refused with a sentence, never ignored.
// Never here: files, running anything.

import {
  OPTION_NAMES,
  type OptionName,
  type Options,
  optionSpec,
  refuseOptions,
} from '../options.ts';

/** Flags with a value, and flags without one. */
const VALUED = [
  'seed',
  'seeds',
  'from',
  'max-events',
  'html',
  'replay',
  'out',
  'seeds-per',
  'only',
  'capsule',
] as const;
const BARE = [
  'check',
  'trace',
  'shrink',
  'mutants',
  'exhaustive',
  'rewrite',
  'plan',
  'quiet',
  'help',
] as const;

type Valued = (typeof VALUED)[number];
type Bare = (typeof BARE)[number];

export interface Arguments {
  readonly values: { readonly [name in Valued]?: string };
  readonly flags: ReadonlySet<Bare>;
  /** Options given by name; all others are the seed's. */
  readonly overrides: Partial<Options>;
}

export const USAGE: readonly string[] = [
  'npm run sim -- --seed 42 --nodes 5      one world; same seed, same trace hash',
  '  --seeds 200 [--from 1]                one world for each of so many seeds',
  '  --check                               runs each twice and names the first difference',
  '  --trace                               one line for each event',
  '  --plan                                prints the decisions of the seed and runs nothing',
  '  --max-events 5000                     stops there',
  '  --html FILE                           writes a space-time diagram',
  '  --shrink [--out FILE]                 reduces a failing run to a scenario file',
  '  --replay FILE                         runs a scenario file',
  '  --capsule FILE                        replays what a server recorded ([debug] record_dir)',
  '  --mutants [--seeds-per 20]            proves that seeded defects are found',
  '            [--only NAME]               only those with this in their name',
  '  --mutants --shrink                    how small the runs become in which they are found',
  '  --exhaustive [--only NAME]            visits every state of some small worlds',
  'Options (without them the seed decides; 0 switches a fault off):',
  ...OPTION_NAMES.map((name) => {
    const { about, min, max } = optionSpec(name);
    return `  --${kebab(name)} ${min}…${max}`.padEnd(40) + about;
  }),
  'Exit codes: 0 pass, 1 usage, 2 crash, 3 safety, 4 liveness, 5 not deterministic.',
];

/** The arguments, or a sentence that says what is wrong with them. */
export function readArguments(argv: readonly string[]): Arguments | string {
  const values: { [name in Valued]?: string } = {};
  const flags = new Set<Bare>();
  const overrides: { [name in OptionName]?: number } = {};
  for (let at = 0; at < argv.length; at++) {
    const [name, inline] = splitFlag(argv[at]!);
    if (name === undefined) return `not a flag: ${argv[at]}`;
    const option = OPTION_NAMES.find((candidate) => kebab(candidate) === name);
    if ((BARE as readonly string[]).includes(name) && inline === undefined) {
      flags.add(name as Bare);
      continue;
    }
    const next = argv[at + 1];
    const isSwitch = option !== undefined && optionSpec(option).max === 1;
    const isBareSwitch = isSwitch && inline === undefined && (next ?? '--').startsWith('--');
    const value = inline ?? (isBareSwitch ? '1' : next);
    if (inline === undefined && !isBareSwitch) at++;
    if (value === undefined) return `--${name} needs a value`;
    if (option !== undefined) overrides[option] = value.trim() === '' ? Number.NaN : Number(value);
    else if ((VALUED as readonly string[]).includes(name)) values[name as Valued] = value;
    else return `there is no flag --${name}`;
  }
  return refuseOptions(overrides) ?? refuseNumbers(values) ?? { values, flags, overrides };
}

/** The flags that give these options again. */
export function overridesText(overrides: Partial<Options>): string {
  return Object.entries(overrides)
    .map(([name, value]) => ` --${kebab(name)} ${value}`)
    .join('');
}

function refuseNumbers(values: { readonly [name in Valued]?: string }): string | undefined {
  for (const name of ['seed', 'seeds', 'from', 'max-events', 'seeds-per'] as const) {
    const text = values[name];
    if (text === undefined) continue;
    const isGood = /^\d+$/.test(text) && Number.isSafeInteger(Number(text));
    if (!isGood) return `--${name} must be a whole number, not ${text}`;
  }
  return undefined;
}

function splitFlag(text: string): readonly [name: string | undefined, inline?: string] {
  const match = /^--([a-z][a-z-]*)(?:=(.*))?$/.exec(text);
  if (match === null) return [undefined];
  return match[2] === undefined ? [match[1]] : [match[1], match[2]];
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
