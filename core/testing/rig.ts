// A node in a bottle, for tests of the core: a map as database, an obedient validator, a CA that
// signs JSON, and a clock the test turns. Effects are carried out at once and in order.
// Invariant: deterministic but for the keys clients draw. Never here: HTTP, files, real X.509.

import { createPrimitives } from '../../io/crypto/primitives.ts';
import { faultOf } from '../acme/contents.ts';
import { type Identifier, readIdentifier } from '../acme/identifier.ts';
import type { IssueRequest, IssueResult } from '../acme/issuance.ts';
import type { Policy } from '../acme/policy.ts';
import type { ValidationRequest, ValidationResult } from '../acme/validation.ts';
import { fromBase64Url, fromUtf8, toBase64, toBase64Url, toHex, toUtf8 } from '../bytes.ts';
import type { GossipOptions } from '../cluster/cluster.ts';
import { issuerOf } from '../cluster/descriptor.ts';
import { columnsOf, meets, type Selection } from '../crdt/columns.ts';
import { changedFacts, replicaFrom } from '../crdt/facts.ts';
import { keyText, type Record } from '../crdt/record.ts';
import { emptyReplica, type ReplicaState } from '../crdt/replica.ts';
import { refuseRecord } from '../crdt/schema.ts';
import type { Effect, RangeQuery, WebResponse } from '../effect.ts';
import type { Command, Input, WebRequest } from '../input.ts';
import { Node, type NodeOptions } from '../node.ts';
import type { CertificateFacts, Primitives, Reading } from '../primitives.ts';
import type { Now } from '../time.ts';

export const BASE_URL = 'https://ca.test';
const DAY_MS = 86_400_000;

export const POLICY: Policy = {
  baseUrl: BASE_URL,
  cas: [
    {
      id: 'default',
      chainPem: '-----BEGIN CERTIFICATE-----\nY2hhaW4=\n-----END CERTIFICATE-----\n',
      fullChainPem: '-----BEGIN CERTIFICATE-----\nZnVsbA==\n-----END CERTIFICATE-----\n',
      rootPem: '-----BEGIN CERTIFICATE-----\ncm9vdA==\n-----END CERTIFICATE-----\n',
      keyHashes: ['ca-key'],
      keyId: 'Y2EtaWQ',
      validityMs: 90 * DAY_MS,
      crlNextUpdateMs: DAY_MS,
    },
  ],
  challengeTypes: ['http-01', 'dns-01', 'tls-alpn-01'],
  orderExpiryMs: DAY_MS,
  authorizationExpiryMs: DAY_MS,
  externalAccountRequired: false,
  eabKeys: new Map(),
  caaIdentities: [],
  renewalRetryAfterSecs: 21_600,
};

/** A CSR as this rig reads it: what a real one says, as JSON. */
export interface PlainCsr {
  readonly names: readonly Identifier[];
  readonly spkiHash: string;
}

export function encodeCsr(csr: PlainCsr): string {
  return toBase64Url(toUtf8(JSON.stringify(csr)));
}

/** Real hashing and signatures; CSRs and certificates are JSON. */
export const PRIMITIVES: Primitives = createPrimitives({
  readCsr: (der) => readPlain(der, isPlainCsr),
  readCertificate: (der) => readPlain(der, isPlainCertificate),
});

function readPlain<T>(der: Uint8Array, isOne: (value: unknown) => value is T): Reading<T> {
  try {
    const value: unknown = JSON.parse(fromUtf8(der) ?? '');
    if (isOne(value)) return { ok: true, value };
  } catch {
    // Falls through to the refusal.
  }
  return { ok: false, reason: 'this is not what the test CA reads' };
}

function isPlainCsr(value: unknown): value is PlainCsr {
  const { names, spkiHash } = (value ?? {}) as { names?: unknown; spkiHash?: unknown };
  const isSound = Array.isArray(names) && names.every((name) => readIdentifier(name).ok);
  return isSound && typeof spkiHash === 'string';
}

function isPlainCertificate(value: unknown): value is CertificateFacts {
  const { serial, spkiHash, notBeforeMs, notAfterMs } = (value ?? {}) as Partial<CertificateFacts>;
  const isTimed = Number.isSafeInteger(notBeforeMs) && Number.isSafeInteger(notAfterMs);
  return typeof serial === 'string' && typeof spkiHash === 'string' && isTimed;
}

export interface RigOptions {
  readonly policy?: Partial<Policy>;
  readonly limits?: NodeOptions['limits'];
  readonly node?: string;
  readonly gossip?: GossipOptions;
  /** The database of an earlier rig, to start from. */
  readonly database?: Map<string, Record>;
  /** Its small facts; without them only the position is guessed from the records. */
  readonly facts?: ReadonlyMap<string, string>;
  readonly loadMs?: number;
  readonly holds?: Rig['holds'];
  readonly issuer?: Rig['issuer'];
  readonly validator?: Rig['validator'];
}

type Load = Extract<Effect, { kind: 'load' }>;
export type ListOrder = Extract<Effect, { kind: 'build-crl' }>;

export class Rig {
  now: Now = { wallMs: 1_800_000_000_000, monoMs: 5_000 };
  policy: Policy;
  readonly database: Map<string, Record>;
  readonly facts: Map<string, string> = new Map();
  readonly logs: Extract<Effect, { kind: 'log' }>[] = [];
  readonly effects: Effect[] = [];
  /** Messages to peers, in order; a test takes them out. */
  readonly outbox: Extract<Effect, { kind: 'ask' | 'tell' | 'introduce' | 'redeem' }>[] = [];
  /** SQL reads a real database would have done. */
  loads = 0;
  /** Writes it would have done. */
  persists = 0;
  /** Milliseconds that pass on both clocks while a load is under way. */
  loadMs = 0;
  /** Which loads keep back what they read until `releaseLoads`: a slow database. */
  holds: (effect: Load) => boolean = () => false;
  /** Asked for each probe; undefined keeps it under way until `conclude`. */
  validator: (request: ValidationRequest) => ValidationResult | undefined = () => ({ ok: true });
  issuer: (request: IssueRequest) => IssueResult | undefined = plainIssue;
  readonly probes: Extract<Effect, { kind: 'validate' }>[] = [];
  /** Asked for each revocation list; undefined keeps it under way. */
  lister: (effect: ListOrder) => Uint8Array | undefined = () => this.#plainList();
  readonly listOrders: ListOrder[] = [];
  /** Called when a request is not answered at once: lets the rest of a cluster do its part. */
  settle: (isAnswered: () => boolean) => void = () => {};
  readonly node: Node;
  readonly #heldLoads: { readonly effect: Load; readonly input: Input }[] = [];
  readonly #responses = new Map<number, WebResponse>();
  #requests = 0;

  constructor(options: RigOptions = {}) {
    this.policy = { ...POLICY, ...options.policy };
    this.database = options.database ?? new Map();
    this.loadMs = options.loadMs ?? 0;
    this.holds = options.holds ?? this.holds;
    this.issuer = options.issuer ?? this.issuer;
    this.validator = options.validator ?? this.validator;
    const { node = 'node-a' } = options;
    for (const fact of options.facts ?? []) this.facts.set(...fact);
    this.node = new Node({
      node,
      replica: this.#replicaOf(options, node),
      ...(options.gossip !== undefined && { gossip: options.gossip }),
      nonces: { issuer: issuerOf(node), boot: bootOf(this.database), key: new Uint8Array(32) },
      sealingKey: new Uint8Array(32).fill(9),
      policy: this.policy,
      primitives: PRIMITIVES,
      ...(options.limits !== undefined && { limits: options.limits }),
    });
    this.submit({ kind: 'boot' });
  }

  #replicaOf(options: RigOptions, node: string): ReplicaState {
    const known = replicaFrom(this.facts, `boot${this.database.size}`);
    if (known !== undefined && 'origin' in known) return known;
    const seqs = [...(options.database ?? new Map()).values()].map(({ dot }) => dot.seq);
    const fresh = { ...emptyReplica(`${node}.1`, 'boot'), seq: Math.max(0, ...seqs) };
    for (const [name, value] of changedFacts(undefined, fresh)) this.facts.set(name, value!);
    return fresh;
  }

  /** Sends a request; undefined while it waits. */
  request(web: WebRequest): { readonly id: number; readonly response: WebResponse | undefined } {
    const id = ++this.#requests;
    const entropy = new Uint8Array(32);
    new DataView(entropy.buffer).setUint32(0, id);
    new DataView(entropy.buffer).setFloat64(8, this.now.wallMs + this.database.size);
    this.submit({ kind: 'request', request: id, web, entropy });
    if (!this.#responses.has(id)) this.settle(() => this.#responses.has(id));
    return { id, response: this.#responses.get(id) };
  }

  /** Carries out a command of an operator; undefined while it waits. */
  administer(command: Command): WebResponse | undefined {
    const id = ++this.#requests;
    this.submit({ kind: 'administer', request: id, command });
    if (!this.#responses.has(id)) this.settle(() => this.#responses.has(id));
    return this.#responses.get(id);
  }

  response(id: number): WebResponse | undefined {
    return this.#responses.get(id);
  }

  /** Turns both clocks and lets the node notice. */
  advance(ms: number): void {
    this.now = later(this.now, ms);
    this.submit({ kind: 'tick' });
  }

  /** Delivers what `holds` kept back, oldest first, and keeps nothing back any more. */
  releaseLoads(isDue: (effect: Load) => boolean = () => true): void {
    this.holds = () => false;
    const due = this.#heldLoads.filter(({ effect }) => isDue(effect));
    for (const held of due) {
      this.#heldLoads.splice(this.#heldLoads.indexOf(held), 1);
      this.submit(held.input);
    }
  }

  /** How many loads are kept back. */
  get held(): number {
    return this.#heldLoads.length;
  }

  /** Delivers one load that was kept back, counted from the oldest. */
  deliverLoad(index: number): void {
    const [held] = this.#heldLoads.splice(index, 1);
    if (held !== undefined) this.submit(held.input);
  }

  submit(input: Input): void {
    const queue: Input[] = [input];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const effect of this.node.step(this.now, next)) {
        this.effects.push(effect);
        const result = this.#carryOut(effect);
        if (result !== undefined) queue.push(result);
      }
    }
  }

  #carryOut(effect: Effect): Input | undefined {
    switch (effect.kind) {
      case 'persist':
        this.persists++;
        for (const record of effect.records) requireSound(record);
        for (const record of effect.records) this.database.set(keyText(record), record);
        for (const key of effect.forget) this.database.delete(keyText(key));
        for (const [name, value] of effect.facts) {
          if (value === null) this.facts.delete(name);
          else this.facts.set(name, value);
        }
        return undefined;
      case 'respond':
        this.#responses.set(effect.request, effect.response);
        return undefined;
      case 'load': {
        this.loads++;
        const records = effect.keys.map((key) => this.database.get(keyText(key)));
        const selections = effect.selections.map((selection) => this.select(selection));
        const ranges = effect.ranges.map((range) => this.range(range));
        const loaded = { records, selections, ranges };
        const input: Input = { kind: 'loaded', load: effect.load, loaded };
        this.now = later(this.now, this.loadMs);
        if (!this.holds(effect)) return input;
        this.#heldLoads.push({ effect, input });
        return undefined;
      }
      case 'validate': {
        const { authorization, request } = effect;
        const result = this.validator(request);
        if (result !== undefined) {
          return { kind: 'validated', authorization, type: request.type, result };
        }
        this.probes.push(effect);
        return undefined;
      }
      case 'issue': {
        const { order, csr } = effect.request;
        const result = this.issuer(effect.request);
        return result && { kind: 'issued', order, csr, result };
      }
      case 'build-crl': {
        this.listOrders.push(effect);
        const der = this.lister(effect);
        return der && { kind: 'crl-built', ca: effect.ca, number: effect.number, der };
      }
      case 'log':
        this.logs.push(effect);
        return undefined;
      case 'ask':
      case 'tell':
      case 'introduce':
      case 'redeem':
        this.outbox.push(effect);
        return undefined;
      case 'members':
      case 'mark':
      case 'wake':
        return undefined;
    }
  }

  select(selection: Selection): readonly Record[] {
    const found = [...this.database.values()].filter((record) => meets(record, selection));
    found.sort((a, b) => (a.id < b.id ? -1 : 1));
    const rest = found.filter(({ id }) => id > (selection.afterId ?? ''));
    return rest.slice(0, selection.limit);
  }

  /** A revocation list as this rig makes it: the revoked serials as JSON. */
  #plainList(): Uint8Array {
    const revoked = this.select({ kind: 'certificate', state: 'revoked', limit: 1000 });
    return toUtf8(JSON.stringify(revoked.map(({ id }) => id)));
  }

  range({ origin, afterSeq, limit }: RangeQuery): readonly Record[] {
    const found = [...this.database.values()].filter(({ dot }) => {
      return dot.origin === origin && dot.seq > afterSeq;
    });
    return found.sort((a, b) => a.dot.seq - b.dot.seq).slice(0, limit);
  }

  /** One record of the database, which must be there. */
  record(kind: string, id: string): Record {
    const record = this.database.get(`${kind}/${id}`);
    if (record === undefined) throw new Error(`no ${kind} ${id}`);
    return record;
  }

  columns(kind: string, id: string): ReturnType<typeof columnsOf> {
    return columnsOf(this.record(kind, id));
  }
}

/** Peers refuse a page for one unsound record: no node may ever write one, whatever it was told. */
function requireSound(record: Record): void {
  const { kind, id, fields } = record;
  const fault = refuseRecord(kind, id, fields) ?? faultOf(record);
  if (fault === undefined) return;
  throw new Error(`a record that peers refuse was written: ${fault} of ${JSON.stringify(record)}`);
}

function later({ wallMs, monoMs }: Now, ms: number): Now {
  return { wallMs: wallMs + ms, monoMs: monoMs + ms };
}

/** Each start has its own boot id, as production draws one. */
let boots = 0;
function bootOf(database: Map<string, Record>): Uint8Array {
  boots = (boots + 1 + database.size) & 0xffff;
  return Uint8Array.of(0, 0, boots >> 8, boots & 0xff);
}

/** Issues a certificate that is JSON of its request. */
export function plainIssue(request: IssueRequest): IssueResult {
  const csr = JSON.parse(fromUtf8(fromBase64Url(request.csr)!)!) as PlainCsr;
  const serial = toHex(PRIMITIVES.sha256(`${request.order} ${request.csr}`).subarray(0, 8));
  const notAfterMs = request.notAfterMs ?? request.notBeforeMs + 90 * DAY_MS;
  const { notBeforeMs } = request;
  const facts = { serial, notBeforeMs, notAfterMs, spkiHash: csr.spkiHash };
  const der = toBase64(toUtf8(JSON.stringify({ ...request, ...facts })));
  return { ok: true, certificate: { ...facts, der } };
}
