// Histories made by hand, to show a checker: a world of disks without machines, in which a test
// says what happens, bad things included. Invariant: observations reach the checker in the order
// told.
// Never here: judging.

import { keyedHash } from '../../core/crdt/digest.ts';
import type { Record, RecordKey } from '../../core/crdt/record.ts';
import type { Effect, WebResponse } from '../../core/effect.ts';
import type { Input, WebRequest } from '../../core/input.ts';
import type { Checker, Finding } from '../checker.ts';
import { EPOCH_MS } from '../clock.ts';
import { cheapCrypto } from '../crypto.ts';
import { Disk } from '../disk.ts';
import type { Observation } from '../observation.ts';
import { quiet } from '../options.ts';
import type { WorldView } from '../world.ts';

export class History {
  readonly disks: Disk[];
  readonly findings: Finding[] = [];
  readonly world: WorldView;
  readonly #checker: Checker;
  readonly #seen: Observation[] = [];
  #atUs = 0;
  #calls = 0;

  constructor(checker: Checker, nodes: number = 2) {
    this.#checker = checker;
    this.disks = Array.from({ length: nodes }, () => new Disk());
    const told = this;
    this.world = {
      options: quiet({ nodes, nonceWindow: 64 }),
      seed: 1,
      get nowUs(): number {
        return told.#atUs;
      },
      phase: 'safety',
      get nodes(): WorldView['nodes'] {
        return told.disks.map((disk, index) => told.#view(disk, index));
      },
      get cluster(): WorldView['nodes'] {
        return this.nodes;
      },
      hash: keyedHash([1, 2, 3, 4], cheapCrypto().primitives.sha256),
      recent: (isWanted, limit) => told.#seen.filter(isWanted).slice(-limit),
    };
    for (let node = 0; node < nodes; node++) {
      this.facts(node, { 'replica/origin': `n${node}.1` });
      this.start(node);
    }
  }

  #view(disk: Disk, index: number): WorldView['nodes'][number] {
    const now = { wallMs: EPOCH_MS, monoMs: 1 };
    const state = { isUp: true, isPaused: false, boot: 1, now: () => now };
    return { index, id: `n${index}`, disk, policy: undefined as never, ...state };
  }

  get promises(): readonly string[] {
    return this.findings.map(({ promise }) => promise);
  }

  end(): readonly Finding[] {
    return this.#checker.atEnd(this.world);
  }

  unsettled(): string | undefined {
    return this.#checker.unsettled?.(this.world);
  }

  pass(us: number): void {
    this.#atUs += us;
  }

  see(observation: Observation): void {
    this.#seen.push(observation);
    if (!this.#checker.watches.includes(observation.kind)) return;
    const finding = this.#checker.observe(observation, this.world);
    if (finding !== undefined) this.findings.push(finding);
  }

  start(node: number): void {
    const disk = this.disks[node]!;
    this.see({ kind: 'start', atUs: this.#atUs, node, boot: 1, id: `n${node}`, disk });
  }

  /** Facts that are on the disk without anybody having seen them come. */
  facts(node: number, facts: { readonly [name: string]: string }): void {
    const map = new Map(Object.entries(facts));
    this.disks[node]!.apply({ records: [], forget: [], facts: map });
  }

  /** A commit that is on the disk. */
  commit(
    node: number,
    records: readonly Record[],
    facts: { readonly [name: string]: string } = {},
    forget: readonly RecordKey[] = [],
  ): void {
    const own = records.filter(({ dot }) => dot.origin === `n${node}.1`);
    const seq = own.length === 0 ? {} : { 'replica/seq': String(own.at(-1)!.dot.seq) };
    const changes = { records, forget, facts: new Map(Object.entries({ ...seq, ...facts })) };
    this.disks[node]!.apply(changes);
    this.see({ kind: 'durable', atUs: ++this.#atUs, node, changes: [changes] });
  }

  /** The disk is another from now on. */
  exchange(node: number, records: readonly Record[] = []): void {
    const disk = new Disk();
    const origin = new Map([['replica/origin', `n${node}.1`]]);
    disk.apply({ records, forget: [], facts: origin });
    this.disks[node] = disk;
    const atUs = ++this.#atUs;
    this.see({ kind: 'disk', atUs, node, how: 'restored', disk, ofUs: 0 });
  }

  step(node: number, input: Input, effects: readonly Effect[] = [], monoMs: number = 1): void {
    const now = { wallMs: EPOCH_MS + Math.floor(this.#atUs / 1000), monoMs };
    this.see({ kind: 'step', atUs: ++this.#atUs, node, now, input, effects });
  }

  /** A step that persists these at a moment of the node's own clock. */
  writes(node: number, records: readonly Record[], monoMs: number): void {
    const effect: Effect = { kind: 'persist', records, forget: [], facts: new Map() };
    this.step(node, { kind: 'tick' }, [effect], monoMs);
  }

  visible(node: number, effect: Effect): void {
    this.see({ kind: 'visible', atUs: ++this.#atUs, node, effect });
  }

  /** Asks without getting an answer yet. */
  call(node: number, web: WebRequest): number {
    const call = ++this.#calls;
    this.see({ kind: 'call', atUs: ++this.#atUs, node, client: 0, call, web });
    return call;
  }

  reply(node: number, call: number, response: WebResponse): void {
    const reply = { kind: 'response', response } as const;
    this.see({ kind: 'reply', atUs: ++this.#atUs, node, client: 0, call, reply });
  }

  /** Asks and is answered. */
  exchangeOf(node: number, web: WebRequest, response: WebResponse): void {
    this.reply(node, this.call(node, web), response);
  }
}

/** A record of an origin's event. */
export function record(
  key: string,
  fields: Record['fields'],
  origin: string = 'n0.1',
  seq: number = 1,
): Record {
  const [kind = '', id = ''] = key.split('/');
  return { kind, id, fields, dot: { origin, seq } };
}

/** The same with the status alone. */
export function status(key: string, rung: string, origin?: string, seq?: number): Record {
  return record(key, { status: rung }, origin, seq);
}

export function response(
  route: string,
  code: number,
  body: unknown = {},
  headers: readonly (readonly [string, string])[] = [],
): WebResponse {
  const text = body instanceof Uint8Array ? body : JSON.stringify(body);
  return { status: code, headers, body: text, route };
}

export function refusal(route: string, code: number, type: string): WebResponse {
  const body = { type: `urn:ietf:params:acme:error:${type}`, detail: 'no', status: code };
  return response(route, code, body, [
    ['Content-Type', 'application/problem+json'],
    ['Replay-Nonce', `n${type}`],
    ['Cache-Control', 'no-store'],
  ]);
}
