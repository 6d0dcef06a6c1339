// Seeded mutation of texts and JSON, for fuzzing. The generator is Marsaglia's xorshift32, so a seed
// gives the same mutations on every machine. Invariant: nothing here is asked for randomness but
// the generator. Never here: what is fuzzed.

export type Draw = (below: number) => number;

/** A generator of integers in [0, below). */
export function generator(seed: number): Draw {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export function pick<T>(draw: Draw, from: readonly T[]): T {
  return from[draw(from.length)]!;
}

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'length',
  'type',
  'value',
  'status',
  'url',
  '',
];
const TEXTS = [
  '',
  ' ',
  'deactivated',
  'valid',
  'a.example.com',
  '*.example.com',
  '::1',
  '\u212A\u0130\ud83d\ude00',
  '\\u0000"\'<>&',
  '../..',
  '2027-01-16T00:00:00Z',
  '9999-99-99T99:99:99Z',
  'mailto:a@example.com',
  'AAAA',
  '====',
  '%00',
  'null',
];
const NUMBERS = [0, -0, 1, -1, 1.5, 7, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, 5e-324, Number.NaN];

/** Any JSON value: of every type, sometimes huge, sometimes deep. */
export function randomJson(draw: Draw, depth = 3): unknown {
  switch (draw(depth > 0 ? 10 : 6)) {
    case 0:
      return null;
    case 1:
      return draw(2) === 0;
    case 2:
      return pick(draw, NUMBERS);
    case 3:
      return String.fromCharCode(...Array.from({ length: draw(12) }, () => draw(0x3000)));
    case 4:
      return draw(100) === 0 ? pick(draw, ['a', '.', '[', 'é']).repeat(draw(30_000)) : 'x';
    case 5:
      return pick(draw, TEXTS);
    case 6:
      return Array.from({ length: draw(5) }, () => randomJson(draw, depth - 1));
    case 7:
      return draw(50) === 0 ? deep(draw(40)) : [];
    default: {
      const entries = Array.from({ length: draw(4) }, () => [
        pick(draw, NAMES),
        randomJson(draw, depth - 1),
      ]);
      return Object.fromEntries(entries);
    }
  }
}

/** The value with one to three of its parts replaced, removed, doubled or added. */
export function mutateJson(draw: Draw, value: unknown): unknown {
  let mutated = value;
  for (let left = 1 + draw(3); left > 0; left--) mutated = mutateOnce(draw, mutated);
  return mutated;
}

/** The text with one to four of its characters changed, removed, doubled or moved. */
export function mutateText(draw: Draw, text: string): string {
  let mutated = text;
  for (let left = 1 + draw(4); left > 0; left--) {
    const at = draw(mutated.length + 1);
    const end = at + draw(3);
    const middle = pick(draw, [
      '',
      String.fromCharCode(draw(128)),
      String.fromCharCode(draw(0x10000)),
      mutated.slice(at, end).repeat(2),
      pick(draw, ['{', '}', '"', '/', '?', '%2e', '..', '\\', ':', ',']),
    ]);
    mutated = mutated.slice(0, at) + middle + mutated.slice(end);
  }
  return mutated;
}

function mutateOnce(draw: Draw, value: unknown): unknown {
  if (typeof value === 'string' && draw(2) === 0) return mutateText(draw, value);
  if (typeof value !== 'object' || value === null || draw(6) === 0) return randomJson(draw);
  const entries = Object.entries(value);
  const index = draw(entries.length + 1);
  const [name, part] = entries[index] ?? [pick(draw, NAMES), undefined];
  const isGone = draw(5) === 0;
  const changed: [string, unknown][] = isGone ? [] : [[name, mutateOnce(draw, part)]];
  const mutated = [...entries.slice(0, index), ...changed, ...entries.slice(index + 1)];
  if (Array.isArray(value)) return mutated.map(([, entry]) => entry);
  return Object.fromEntries(mutated);
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
