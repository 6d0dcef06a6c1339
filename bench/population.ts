// Records as many issuances leave them, for a database that is to be large: copies of a real
// account, authorization, order and certificate, in which everything that is random in a real one
// (ids, keys, key identifiers, serial numbers, tokens, hashes, signatures) is random too, so that
// they compress as real ones do.
// Invariant: the same seed makes the same records, and they are what `write` of the core makes of
// them: with dots of their own and a digest that counts them.
// Never here: databases.

import { createCipheriv } from 'node:crypto';
import { fromBase64, fromBase64Url, toBase64, toBase64Url, toHex } from '../core/bytes.ts';
import type { KeyedHash } from '../core/crdt/digest.ts';
import type { Json, Record } from '../core/crdt/record.ts';
import { type Change, type ReplicaState, write } from '../core/crdt/replica.ts';
import { readCertificate } from '../server/ca/certificate.ts';
import { DerTemplate } from './der-template.ts';

/** One real record of each kind, all of one issuance. */
export interface Models {
  readonly account: Record;
  readonly authorization: Record;
  readonly order: Record;
  readonly certificate: Record;
}

export interface PopulationOptions {
  readonly models: Models;
  /** How many records; three for an issuance, and an account for each hundred issuances. */
  readonly count: number;
  readonly seed: number;
  /** When the last of them was made, Unix ms. They are spread over the hours before. */
  readonly nowMs: number;
}

type Object = { readonly [name: string]: Json };
type Fields = Record['fields'];

const ISSUANCES_PER_ACCOUNT = 100;
/** Short of a day, after which orders expire. */
const SPAN_MS = 20 * 3_600_000;
const LIFETIME_MS = 86_400_000;
/** Events an issuance leaves between its records: what was written and then written over. */
const EVENTS_PER_ISSUANCE = 7;
const BATCH_ISSUANCES = 1_000;
/** Digits of the number in a name: the names of all issuances are equally long. */
const NAME_DIGITS = 9;

/** The name of an issuance; that of the models should be one of these. */
export function nameOf(number: number): string {
  return `n${String(number).padStart(NAME_DIGITS, '0')}.bench.test`;
}

export interface Filled {
  readonly state: ReplicaState;
  readonly records: readonly Record[];
}

/** Batches of records, each with the replica after it. */
export function* populate(
  options: PopulationOptions,
  start: ReplicaState,
  hash: KeyedHash,
): Generator<Filled> {
  const maker = new Maker(options);
  let state = start;
  let left = options.count;
  while (left > 0) {
    const records: Record[] = [];
    for (let i = 0; i < BATCH_ISSUANCES && left > 0; i++) {
      const changes = maker.next().slice(0, left);
      left -= changes.length;
      const written = write({ ...state, seq: state.seq + EVENTS_PER_ISSUANCE - 3 }, hash, changes);
      state = written.state;
      records.push(...written.put);
    }
    yield { state, records };
  }
}

class Maker {
  readonly #models: Models;
  readonly #random: RandomOctets;
  readonly #firstMs: number;
  readonly #stepMs: number;
  readonly #csr: DerTemplate;
  readonly #der: DerTemplate;
  #made = 0;
  #account = '';

  constructor({ models, count, seed, nowMs }: PopulationOptions) {
    this.#models = models;
    this.#random = new RandomOctets(seed);
    this.#firstMs = nowMs - SPAN_MS;
    this.#stepMs = SPAN_MS / Math.max(1, count / 3);
    const order = valueOf(models.order, 'made');
    const name = (order['identifiers'] as readonly Object[])[0]!['value'] as string;
    const csr = valueOf(models.order, 'csr')['csr'] as string;
    const der = valueOf(models.certificate, 'made')['der'] as string;
    const serial = models.certificate.id;
    this.#csr = new DerTemplate(fromBase64Url(csr)!, { name });
    this.#der = new DerTemplate(fromBase64(der)!, { name, serial });
  }

  /** The records of one more issuance, in the order in which they are last written. */
  next(): readonly Change[] {
    const createdMs = Math.floor(this.#firstMs + this.#made * this.#stepMs);
    const accounts = this.#made % ISSUANCES_PER_ACCOUNT === 0 ? [this.#newAccount(createdMs)] : [];
    return [...accounts, ...this.#issuance(createdMs, nameOf(this.#made++))];
  }

  #newAccount(createdMs: number): Change {
    const { account } = this.#models;
    this.#account = this.#id(20);
    const jwk = valueOf(account, 'key')['jwk'] as Object;
    const key = {
      thumbprint: this.#id(32),
      spkiHash: this.#id(32),
      jwk: { ...jwk, x: this.#id(32), y: this.#id(32) },
    };
    const at = (field: string): Object => stamped(account, field, createdMs);
    const fields: Fields = {
      ...account.fields,
      made: { ...at('made'), value: { createdMs } },
      key: { ...at('key'), value: key },
      contact: at('contact'),
      terms: at('terms'),
    };
    return { kind: 'account', id: this.#account, before: undefined, fields };
  }

  #issuance(createdMs: number, name: string): readonly Change[] {
    const { authorization, order, certificate } = this.#models;
    const [authorizationId, orderId] = [this.#id(16), this.#id(16)];
    const serial = this.#random.take(16);
    // A positive INTEGER of just so many octets.
    serial[0] = (serial[0]! & 0x7f) | 0x40;
    const serialHex = toHex(serial);
    const point = this.#random.take(64);
    const identifier = { type: 'dns', value: name };
    const times = { createdMs, expiresMs: createdMs + LIFETIME_MS };
    const account = this.#account;
    const provedMs = createdMs + 15;
    const issuedMs = createdMs + 22;
    const notBeforeMs = 1000 * Math.floor(createdMs / 1000);
    const { notBeforeMs: fromMs, notAfterMs: toMs } = valueOf(certificate, 'made');
    const notAfterMs = notBeforeMs + (toMs as number) - (fromMs as number);
    const parts = { name, point, random: (length: number) => this.#random.take(length) };
    const der = this.#der.fill({ ...parts, serial, times: [notBeforeMs, notAfterMs] });
    const csr = this.#csr.fill(parts);
    const first = (record: Record, field: string, ms: number, value: Object): Object => ({
      ...stamped(record, field, ms),
      value: { ...valueOf(record, field), ...value },
    });
    const token = this.#id(33);
    const identifiers = [identifier];
    return [
      change('authorization', authorizationId, authorization, {
        made: first(authorization, 'made', createdMs, { account, identifier, token, ...times }),
        owner: owner(authorization, createdMs + 8),
        validated: first(authorization, 'validated', provedMs, { atMs: provedMs }),
      }),
      change('certificate', serialHex, certificate, {
        made: first(certificate, 'made', issuedMs, {
          order: orderId,
          account,
          identifiers,
          der: toBase64(der),
          notBeforeMs,
          notAfterMs,
          spkiHash: spkiHashOf(der),
        }),
      }),
      change('order', orderId, order, {
        certificate: first(order, 'certificate', issuedMs, { serial: serialHex }),
        csr: first(order, 'csr', issuedMs, { csr: toBase64Url(csr), atMs: issuedMs }),
        made: first(order, 'made', createdMs, {
          account,
          identifiers,
          authorizations: [authorizationId],
          ...times,
        }),
        owner: owner(order, issuedMs),
      }),
    ];
  }

  #id(octets: number): string {
    return toBase64Url(this.#random.take(octets));
  }
}

/** What nodes that are handed the certificate look for in it. */
function spkiHashOf(der: Uint8Array): string {
  const reading = readCertificate(der);
  if (!reading.ok) throw new Error(`a certificate that was made up: ${reading.reason}`);
  return reading.value.spkiHash;
}

function change(kind: string, id: string, model: Record, fields: Fields): Change {
  return { kind, id, before: undefined, fields: { ...model.fields, ...fields } };
}

function objectOf(record: Record, field: string): Object {
  const value = record.fields[field];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Object;
  throw new Error(`the model of ${record.kind} has no ${field}`);
}

function valueOf(record: Record, field: string): Object {
  return objectOf(record, field)['value'] as Object;
}

/** The field as the model has it, stamped by the same node at another moment. */
function stamped(record: Record, field: string, ms: number): Object {
  const object = objectOf(record, field);
  return { ...object, at: stampAt(object['at'] as string, ms) };
}

function owner(record: Record, ms: number): Object {
  const lease = objectOf(record, 'owner');
  return { ...lease, claimedAt: stampAt(lease['claimedAt'] as string, ms) };
}

/** A stamp of the same node at this moment (core/crdt/hlc.ts). */
function stampAt(model: string, ms: number): string {
  return ms.toString(16).padStart(12, '0') + model.slice(12);
}

/** Octets that no compressor can shorten, the same for the same seed. */
class RandomOctets {
  static readonly #BLOCK: Uint8Array = new Uint8Array(65_536);
  readonly #cipher: ReturnType<typeof createCipheriv>;
  #block: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(seed: number) {
    const key = Buffer.alloc(16);
    key.writeUInt32BE(seed >>> 0);
    this.#cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#block.length) {
      this.#block = this.#cipher.update(RandomOctets.#BLOCK);
      this.#at = 0;
    }
    this.#at += length;
    return this.#block.slice(this.#at - length, this.#at);
  }
}
