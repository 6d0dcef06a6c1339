// The flight recorder: writes what goes through the door of a core node into a capsule, so that the
// simulator can replay it bit for bit.
// Invariant: recording changes nothing of what the node does, and when it fails the node goes on
// without it. A line is with the operating system before the step it tells of goes on, so that a
// process that dies leaves the input that killed it. Never here: the form of a capsule.

import { closeSync, mkdirSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Effect } from '../../core/effect.ts';
import type { Input } from '../../core/input.ts';
import { Node, type NodeOptions } from '../../core/node.ts';
import type { Primitives } from '../../core/primitives.ts';
import type { Now } from '../../core/time.ts';
import {
  CAPSULE_FORMAT,
  type CapsuleLine,
  capsuleText,
  digestEffects,
  inputWithoutKeys,
  withoutKeys,
} from './capsule.ts';

export interface RecorderOptions {
  readonly dir: string;
  /** Names this process among all: part of the file's name. */
  readonly name: string;
  /** A capsule ends when it has so many octets. */
  readonly maxOctets?: number;
  readonly log: (message: string, fields: { readonly [name: string]: string }) => void;
}

const MAX_OCTETS = 256 * 1024 * 1024;
/** Capsules kept in a directory, the new one included; the oldest are removed. */
const MAX_CAPSULES = 8;
const NAME = /^\d{8}T\d{6}Z-[0-9a-f]+\.capsule$/;

/** What the driver needs of a node. */
export type Door = Pick<Node, 'step'>;

/** Makes a node whose every step is recorded, and the door to it. */
export function recordedNode(
  options: NodeOptions,
  recorder: RecorderOptions,
  nowMs: number,
): { readonly node: Node; readonly door: Door } {
  const file = open(recorder, nowMs);
  if (file === undefined) {
    const node = new Node(options);
    return { node, door: node };
  }
  const keyed: Uint8Array[] = [];
  const node = new Node({ ...options, primitives: listening(options.primitives, keyed) });
  const { primitives: _, ...making } = options;
  file.write({ line: 'node', format: CAPSULE_FORMAT, making: withoutKeys(making) });
  return { node, door: { step: (now, input) => record(file, node, keyed, now, input) } };
}

function record(
  file: CapsuleFile,
  node: Node,
  keyed: Uint8Array[],
  now: Now,
  input: Input,
): readonly Effect[] {
  keyed.length = 0;
  file.write({ line: 'input', now, input: inputWithoutKeys(input) });
  try {
    const effects = node.step(now, input);
    const digest = file.isOpen ? digestEffects(effects) : '';
    file.write({ line: 'done', keyed, effects: effects.length, digest });
    return effects;
  } catch (error) {
    file.write({ line: 'threw', keyed, reason: String(error) });
    throw error;
  }
}

/** The same functions; what those with a key come to is noted. */
function listening(primitives: Primitives, keyed: Uint8Array[]): Primitives {
  return {
    ...primitives,
    hmac: (hash, key, data) => {
      const mac = primitives.hmac(hash, key, data);
      keyed.push(mac);
      return mac;
    },
    seal: (key, context, content) => {
      const sealed = primitives.seal(key, context, content);
      keyed.push(sealed);
      return sealed;
    },
    // Only that there was something: it is a secret, and of use only as the key of a MAC.
    unseal: (key, context, sealed) => {
      const content = primitives.unseal(key, context, sealed);
      keyed.push(Uint8Array.of(content === undefined ? 0 : 1));
      return content;
    },
  };
}

function open(options: RecorderOptions, nowMs: number): CapsuleFile | undefined {
  const { dir, name, log, maxOctets = MAX_OCTETS } = options;
  const moment = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const path = join(dir, `${moment}-${name}.capsule`);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const old of capsulesIn(dir).slice(0, 1 - MAX_CAPSULES)) unlinkSync(join(dir, old));
    const file = new CapsuleFile(openSync(path, 'wx', 0o600), maxOctets, (reason) => {
      log('recording ended', { file: path, reason });
    });
    log('recording', { file: path });
    return file;
  } catch (error) {
    log('cannot record', { file: path, reason: String(error) });
    return undefined;
  }
}

/** Names of capsules, oldest first. */
function capsulesIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => NAME.test(name))
    .sort();
}

class CapsuleFile {
  readonly #maxOctets: number;
  readonly #ended: (reason: string) => void;
  #descriptor: number | undefined;
  #octets = 0;

  constructor(descriptor: number, maxOctets: number, ended: (reason: string) => void) {
    this.#descriptor = descriptor;
    this.#maxOctets = maxOctets;
    this.#ended = ended;
  }

  get isOpen(): boolean {
    return this.#descriptor !== undefined;
  }

  write(line: CapsuleLine): void {
    if (this.#descriptor === undefined) return;
    try {
      this.#octets += writeSync(this.#descriptor, capsuleText(line));
      if (this.#octets < this.#maxOctets || line.line === 'input') return;
      writeSync(this.#descriptor, capsuleText({ line: 'full' }));
      this.#end('the capsule has reached its greatest size');
    } catch (error) {
      this.#end(String(error));
    }
  }

  #end(reason: string): void {
    closeSync(this.#descriptor!);
    this.#descriptor = undefined;
    this.#ended(reason);
  }
}
