// The text of a capsule: a recording of everything that went through the door of one core node, as
// lines of JSON. The first line says what the node was made of; then an input and what came of it
// take a line each, so that the input of a step that never ended is there too.
// Invariant: no key is written but that of the digest, which opens nothing and without which nothing
// could be compared. What the node computed with keys (MACs) is written, so that the recording can be
// replayed without them. Never here: files, replaying.

import { createHash } from 'node:crypto';
import type { Effect } from '../../core/effect.ts';
import type { Input } from '../../core/input.ts';
import type { NodeOptions } from '../../core/node.ts';
import type { Now } from '../../core/time.ts';

/** Changes whenever old capsules cannot be replayed any more. */
export const CAPSULE_FORMAT = 1;

/** What a node is made of, but for the functions; keys are empty. */
export type Making = Omit<NodeOptions, 'primitives'>;

export type CapsuleLine =
  | { readonly line: 'node'; readonly format: number; readonly making: Making }
  | { readonly line: 'input'; readonly now: Now; readonly input: Input }
  | {
      readonly line: 'done';
      /** Results of keyed functions during this step, in the order of the calls. */
      readonly keyed: readonly Uint8Array[];
      readonly effects: number;
      /** `digestEffects` of them. */
      readonly digest: string;
    }
  /** The core threw. */
  | { readonly line: 'threw'; readonly keyed: readonly Uint8Array[]; readonly reason: string }
  /** The recording had grown to its bound; the node went on. */
  | { readonly line: 'full' };

/** One line, with its end. */
export function capsuleText(line: CapsuleLine): string {
  return `${JSON.stringify(pack(line))}\n`;
}

/** A line as `capsuleText` wrote it. Throws an Error that says what is wrong. */
export function readCapsuleLine(text: string): CapsuleLine {
  const line = unpack(JSON.parse(text)) as CapsuleLine;
  if (line.line === 'node' && line.format !== CAPSULE_FORMAT) {
    throw new Error(`the capsule has format ${line.format}; this version reads ${CAPSULE_FORMAT}`);
  }
  return line;
}

/** The options of a node without its keys; their names and lengths stay. */
export function withoutKeys({ nonces, policy, ...rest }: Making): Making {
  return {
    ...rest,
    nonces: { ...nonces, key: new Uint8Array() },
    sealingKey: new Uint8Array(),
    policy: withoutSecrets(policy),
  };
}

/** An input without secrets: only a configuration has any. */
export function inputWithoutKeys(input: Input): Input {
  if (input.kind !== 'configure') return input;
  return { ...input, policy: withoutSecrets(input.policy) };
}

/** 16 hexadecimal digits over effects, in their order. */
export function digestEffects(effects: readonly Effect[]): string {
  const hash = createHash('sha256');
  for (const effect of effects) hash.update(JSON.stringify(pack(effect))).update('\n');
  return hash.digest('hex').slice(0, 16);
}

function withoutSecrets<P extends Making['policy']>(policy: P): P {
  const eabKeys = new Map([...policy.eabKeys.keys()].map((kid) => [kid, new Uint8Array()]));
  return { ...policy, eabKeys };
}

/** Plain data as JSON: what JSON lacks becomes an object with one member that begins with `$`. */
function pack(value: unknown): unknown {
  if (value === undefined) return { $undefined: true };
  if (typeof value === 'bigint') return { $int: value.toString() };
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(pack);
  if (value instanceof Map) return { $map: [...value].map(pack) };
  if (value instanceof Set) return { $set: [...value].map(pack) };
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const packed = members.map(([name, member]) => [name, pack(member)] as const);
  const isPlain = packed.every(([name]) => !name.startsWith('$') && name !== '__proto__');
  return isPlain ? Object.fromEntries(packed) : { $object: packed };
}

function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unpack);
  const entries = Object.entries(value);
  const [name, content] = entries[0] ?? [''];
  if (entries.length !== 1 || !name.startsWith('$')) {
    return Object.fromEntries(entries.map(([member, inner]) => [member, unpack(inner)]));
  }
  switch (name) {
    case '$undefined':
      return undefined;
    case '$int':
      return BigInt(content as string);
    case '$number':
      return Number(content);
    case '$bytes':
      return new Uint8Array(Buffer.from(content as string, 'base64'));
    case '$map':
      return new Map(unpack(content) as [unknown, unknown][]);
    case '$set':
      return new Set(unpack(content) as unknown[]);
    case '$object':
      return Object.fromEntries(unpack(content) as [string, unknown][]);
    default:
      throw new Error(`the capsule has an unknown form ${name}`);
  }
}
