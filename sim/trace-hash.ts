// What of an observation enters the trace hash: everything that can differ between two runs of one
// seed, without making text of it.
// Invariant: total over the kinds, so a new kind cannot be forgotten. Never here: rendering.

import { unreachable } from '../core/assert.ts';
import type { Json, Record } from '../core/crdt/record.ts';
import type { Effect, WebResponse } from '../core/effect.ts';
import type { Input } from '../core/input.ts';
import { RunningHash } from './hash.ts';
import type { Content } from './message.ts';
import type { Changes, Observation, Reply } from './observation.ts';

export function foldObservation(hash: RunningHash, seen: Observation): void {
  hash.number(seen.atUs);
  hash.text(seen.kind);
  switch (seen.kind) {
    case 'start':
      hash.number(seen.node);
      hash.number(seen.boot);
      hash.number(seen.disk.size);
      return;
    case 'step':
      hash.number(seen.node);
      hash.number(seen.now.wallMs);
      hash.number(seen.now.monoMs);
      foldInput(hash, seen.input);
      for (const effect of seen.effects) foldEffect(hash, effect);
      return;
    case 'durable':
      hash.number(seen.node);
      foldChanges(hash, seen.changes);
      return;
    case 'visible':
      hash.number(seen.node);
      hash.text(seen.effect.kind);
      return;
    case 'crash':
      hash.number(seen.node);
      hash.text(seen.point.at);
      foldChanges(hash, seen.lost);
      return;
    case 'stop':
      hash.number(seen.node);
      hash.text(seen.reason);
      foldChanges(hash, seen.lost);
      return;
    case 'disk':
      hash.number(seen.node);
      hash.text(seen.how);
      hash.number(seen.disk.size);
      return;
    case 'sent':
    case 'delivered':
    case 'dropped':
      hash.number(seen.message.id);
      if (seen.kind === 'dropped') hash.text(seen.why);
      if (seen.kind !== 'sent') return;
      hash.number(seen.message.from);
      hash.number(seen.message.to);
      foldContent(hash, seen.message.content);
      return;
    case 'call':
      hash.number(seen.node);
      hash.number(seen.call);
      return;
    case 'reply':
      hash.number(seen.call);
      foldReply(hash, seen.reply);
      return;
    case 'fault':
      hash.text(seen.decision.kind);
      hash.number(seen.isOver ? 1 : 0);
      hash.json(seen.decision as unknown as Json);
      return;
    case 'phase':
      hash.text(seen.phase);
      return;
    case 'mark':
      hash.text(seen.name);
      hash.number(seen.node);
      return;
    case 'note':
      hash.number(seen.node);
      hash.number(seen.client);
      hash.text(seen.text);
      return;
    default:
      unreachable(seen);
  }
}

/** Inputs of clients and peers are hashed when they are sent; here it is enough to name them. */
function foldInput(hash: RunningHash, input: Input): void {
  hash.text(input.kind);
  switch (input.kind) {
    case 'request':
    case 'abandon':
      hash.number(input.request);
      return;
    case 'loaded':
      hash.number(input.load);
      for (const record of input.loaded.records) if (record !== undefined) foldDot(hash, record);
      for (const found of input.loaded.selections) hash.number(found.length);
      for (const found of input.loaded.ranges) hash.number(found.length);
      return;
    case 'validated':
      hash.text(input.authorization);
      hash.text(input.type);
      hash.json(input.result as unknown as Json);
      return;
    case 'issued':
      hash.text(input.order);
      hash.text(input.result.ok ? input.result.certificate.serial : input.result.detail);
      return;
    case 'crl-built':
      hash.number(input.number);
      hash.bytes(input.der);
      return;
    case 'chore':
      hash.text(input.chore);
      return;
    case 'lapse':
      hash.text(input.record.id);
      return;
    case 'asked':
      hash.text(input.from);
      hash.number(input.exchange);
      return;
    case 'told':
      hash.text(input.from);
      return;
    case 'unreachable':
      hash.text(input.peer);
      return;
    case 'introduced':
      hash.text(input.descriptor.node);
      return;
    case 'unintroduced':
      hash.text(input.url);
      return;
    case 'redeem-asked':
      hash.text(input.from);
      for (const nonce of input.nonces) hash.text(nonce);
      return;
    case 'redeemed':
    case 'unredeemed':
      hash.number(input.redemption);
      return;
    case 'administer':
      hash.number(input.request);
      hash.text(JSON.stringify(input.command));
      return;
    default:
  }
}

/** Responses, asks and pages are hashed as messages, records when they are durable or lost. */
function foldEffect(hash: RunningHash, effect: Effect): void {
  hash.text(effect.kind);
  switch (effect.kind) {
    case 'persist':
      for (const record of effect.records) foldDot(hash, record);
      hash.number(effect.forget.length);
      return;
    case 'respond':
      hash.number(effect.request);
      hash.number(effect.response.status);
      return;
    case 'load':
      for (const key of effect.keys) hash.text(key.id);
      hash.number(effect.selections.length * 64 + effect.ranges.length);
      return;
    case 'validate':
      hash.text(effect.request.token);
      return;
    case 'issue':
      hash.text(effect.request.order);
      hash.number(effect.request.notBeforeMs);
      return;
    case 'build-crl':
      hash.number(effect.number);
      return;
    case 'ask':
      hash.text(effect.peer);
      return;
    case 'tell':
      hash.number(effect.exchange);
      return;
    case 'introduce':
      hash.text(effect.url);
      return;
    case 'redeem':
      for (const nonce of effect.nonces) hash.text(nonce);
      return;
    case 'members':
      for (const { node } of effect.members) hash.text(node);
      for (const node of effect.removed) hash.text(node);
      return;
    case 'mark':
      hash.text(effect.name);
      return;
    case 'wake':
      hash.number(effect.monoMs);
      return;
    case 'log':
      hash.text(effect.level);
      hash.text(effect.message);
      return;
    default:
      unreachable(effect);
  }
}

function foldContent(hash: RunningHash, content: Content): void {
  hash.text(content.kind);
  switch (content.kind) {
    case 'ask':
      foldMessage(hash, content.ask);
      foldMessage(hash, content.push);
      return;
    case 'page':
      foldMessage(hash, content.page);
      return;
    case 'redeem':
      for (const nonce of content.nonces) hash.text(nonce);
      hash.json(content.reads);
      foldMessage(hash, content.ask);
      return;
    case 'request':
      hash.text(content.web.method);
      hash.text(content.web.target);
      hash.text(typeof content.web.body === 'string' ? content.web.body : content.web.body.fault);
      return;
    case 'response':
      foldResponse(hash, content.response);
      return;
    default:
      hash.number('call' in content ? content.call : content.exchange);
  }
}

/**
 * The fields of records are hashed where they become durable, and not on every way there; vectors
 * once, however often they are said.
 */
function foldMessage(hash: RunningHash, message: Json): void {
  if (!isObject(message)) {
    hash.json(message);
    return;
  }
  for (const member in message) {
    hash.text(member);
    const value = message[member]!;
    if (VECTORS.has(member) && Array.isArray(value)) hash.number(wordOf(value));
    else if (member === 'complete') foldMessage(hash, value);
    else if (member !== 'records' || !Array.isArray(value)) hash.json(value);
    else for (const record of value as readonly Json[]) foldPageRecord(hash, record);
  }
}

const VECTORS: ReadonlySet<string> = new Set(['vector', 'base', 'floor']);
const WORDS = new WeakMap<object, number>();

/** 32 bits of a vector. */
function wordOf(vector: readonly Json[]): number {
  let word = WORDS.get(vector);
  if (word === undefined) {
    const own = new RunningHash();
    own.json(vector);
    WORDS.set(vector, (word = own.word));
  }
  return word;
}

/** `[kind, id, origin, seq, fields]` */
function foldPageRecord(hash: RunningHash, record: Json): void {
  if (!Array.isArray(record)) hash.json(record);
  else for (const part of record as readonly Json[]) if (!isObject(part)) hash.json(part);
}

function isObject(json: Json): json is { readonly [member: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function foldReply(hash: RunningHash, reply: Reply): void {
  hash.text(reply.kind);
  if (reply.kind === 'response') hash.number(reply.response.status);
}

function foldResponse(hash: RunningHash, response: WebResponse): void {
  hash.number(response.status);
  for (const [name, value] of response.headers) {
    hash.text(name);
    hash.text(value);
  }
  if (typeof response.body === 'string') hash.text(response.body);
  else hash.bytes(response.body);
}

function foldChanges(hash: RunningHash, changes: readonly Changes[]): void {
  for (const { records, forget, facts } of changes) {
    for (const record of records) {
      foldDot(hash, record);
      hash.json(record.fields);
    }
    for (const key of forget) hash.text(key.id);
    for (const [name, value] of facts) {
      hash.text(name);
      hash.text(value ?? '');
    }
  }
}

function foldDot(hash: RunningHash, { kind, id, dot }: Record): void {
  hash.text(kind);
  hash.text(id);
  hash.text(dot.origin);
  hash.number(dot.seq);
}
