// A node in a bottle, for tests of the core: a map as database, an obedient validator, a CA that
// signs JSON, and a clock the test turns. Effects are carried out at once and in order.
// Invariant: deterministic but for the keys clients draw. Never here: HTTP, files, real X.509.

import { createPrimitives } from '../../io/crypto/primitives.ts';
import type { Identifier } from '../acme/identifier.ts';
import type { IssueRequest, IssueResult } from '../acme/issuance.ts';
import type { Policy } from '../acme/policy.ts';
import type { ValidationRequest, ValidationResult } from '../acme/validation.ts';
import { fromBase64Url, fromUtf8, toBase64, toBase64Url, toHex, toUtf8 } from '../bytes.ts';
import { columnsOf, meets, type Selection } from '../crdt/columns.ts';
import { keyText, type Record } from '../crdt/record.ts';
import type { Effect, WebResponse } from '../effect.ts';
import type { Input, WebRequest } from '../input.ts';
import { Node, type NodeOptions } from '../node.ts';
import type { Primitives, Reading } from '../primitives.ts';
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
  readCsr: (der) => readPlain(der, 'names') as Reading<PlainCsr>,
  readCertificate: (der) =>
    readPlain(der, 'serial') as Reading<{ serial: string; spkiHash: string }>,
});

function readPlain(der: Uint8Array, member: string): Reading<unknown> {
  try {
    const value = JSON.parse(fromUtf8(der) ?? '');
    if (typeof value === 'object' && value !== null && member in value) return { ok: true, value };
  } catch {
    // Falls through to the refusal.
  }
  return { ok: false, reason: 'this is not what the test CA reads' };
}

export interface RigOptions {
  readonly policy?: Partial<Policy>;
  readonly limits?: NodeOptions['limits'];
  /** The database of an earlier rig, to start from. */
  readonly database?: Map<string, Record>;
}

export type ListOrder = Extract<Effect, { kind: 'build-crl' }>;

export class Rig {
  now: Now = { wallMs: 1_800_000_000_000, monoMs: 5_000 };
  policy: Policy;
  readonly database: Map<string, Record>;
  readonly logs: Extract<Effect, { kind: 'log' }>[] = [];
  readonly effects: Effect[] = [];
  /** SQL reads a real database would have done. */
  loads = 0;
  /** Writes it would have done. */
  persists = 0;
  /** While set, what loads read is kept back until `releaseLoads`: a slow database. */
  holdLoads = false;
  /** Asked for each probe; undefined keeps it under way until `conclude`. */
  validator: (request: ValidationRequest) => ValidationResult | undefined = () => ({ ok: true });
  issuer: (request: IssueRequest) => IssueResult | undefined = plainIssue;
  readonly probes: Extract<Effect, { kind: 'validate' }>[] = [];
  /** Asked for each revocation list; undefined keeps it under way. */
  lister: (effect: ListOrder) => Uint8Array | undefined = () => this.#plainList();
  readonly listOrders: ListOrder[] = [];
  readonly node: Node;
  readonly #heldLoads: Input[] = [];
  readonly #responses = new Map<number, WebResponse>();
  #requests = 0;

  constructor(options: RigOptions = {}) {
    this.policy = { ...POLICY, ...options.policy };
    this.database = options.database ?? new Map();
    const position = Math.max(0, ...[...this.database.values()].map(({ dot }) => dot.seq));
    this.node = new Node({
      node: 'node-a',
      origin: 'node-a.1',
      position,
      nonces: { issuer: new Uint8Array(8), boot: bootOf(this.database), key: new Uint8Array(32) },
      policy: this.policy,
      primitives: PRIMITIVES,
      ...(options.limits !== undefined && { limits: options.limits }),
    });
    this.submit({ kind: 'boot' });
  }

  /** Sends a request; undefined while it waits. */
  request(web: WebRequest): { readonly id: number; readonly response: WebResponse | undefined } {
    const id = ++this.#requests;
    const entropy = new Uint8Array(32);
    new DataView(entropy.buffer).setUint32(0, id);
    new DataView(entropy.buffer).setFloat64(8, this.now.wallMs + this.database.size);
    this.submit({ kind: 'request', request: id, web, entropy });
    return { id, response: this.#responses.get(id) };
  }

  response(id: number): WebResponse | undefined {
    return this.#responses.get(id);
  }

  /** Turns both clocks and lets the node notice. */
  advance(ms: number): void {
    this.now = { wallMs: this.now.wallMs + ms, monoMs: this.now.monoMs + ms };
    this.submit({ kind: 'tick' });
  }

  /** Delivers what was kept back by `holdLoads`, oldest first, and stops keeping back. */
  releaseLoads(): void {
    this.holdLoads = false;
    for (const input of this.#heldLoads.splice(0)) this.submit(input);
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
        for (const record of effect.records) this.database.set(keyText(record), record);
        for (const key of effect.forget) this.database.delete(keyText(key));
        return undefined;
      case 'respond':
        this.#responses.set(effect.request, effect.response);
        return undefined;
      case 'load': {
        this.loads++;
        const records = effect.keys.map((key) => this.database.get(keyText(key)));
        const selections = effect.selections.map((selection) => this.select(selection));
        const loaded = { records, selections };
        const input: Input = { kind: 'loaded', load: effect.load, loaded };
        if (!this.holdLoads) return input;
        this.#heldLoads.push(input);
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
        const result = this.issuer(effect.request);
        return result && { kind: 'issued', order: effect.request.order, result };
      }
      case 'build-crl': {
        this.listOrders.push(effect);
        const der = this.lister(effect);
        return der && { kind: 'crl-built', ca: effect.ca, number: effect.number, der };
      }
      case 'log':
        this.logs.push(effect);
        return undefined;
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
  const der = toBase64(toUtf8(JSON.stringify({ serial, ...request, spkiHash: csr.spkiHash })));
  const notAfterMs = request.notAfterMs ?? request.notBeforeMs + 90 * DAY_MS;
  const { notBeforeMs } = request;
  return {
    ok: true,
    certificate: { serial, der, notBeforeMs, notAfterMs, spkiHash: csr.spkiHash },
  };
}
