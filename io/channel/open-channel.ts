// The channel of a node, put together: who is a member, which boot and key each has told us, what
// is due to be answered; the sealing itself is done in a thread, the fast channel here.
// Invariant: each question is answered at most once and each answer taken at most once; every
// refusal is counted. Never here: the cryptography.

import { randomBytes } from 'node:crypto';
import { toBase64Url } from '../../core/bytes.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { Json } from '../../core/crdt/record.ts';
import {
  type AnsweredIntroduction,
  type Asked,
  type Channel,
  type ChannelLimits,
  type ChannelOptions,
  type ChannelStats,
  FAST_OCTETS,
  type FastAsked,
  type FastCall,
  type Forged,
  type Introduction,
  type Sent,
} from './channel.ts';
import { clusterKey } from './cluster-key.ts';
import { membersOf, packPlain, parseContent, unpack, unpackedOctets } from './content.ts';
import { NODE_ID, readDescriptor } from './descriptor.ts';
import { readFastCall } from './fast-call.ts';
import { FastChannel, openFastAnswer, type Pending, sealFastAnswer } from './fast-channel.ts';
import {
  answerIntroduction,
  concludeIntroduction,
  readIntroduction,
  requestIntroduction,
} from './introduction.ts';
import type { NodeKeys } from './node-keys.ts';
import { ChannelRefusal, REFUSAL_NAMES, type RefusalName, refuse } from './refusal.ts';
import { bodyHash, type Incoming, type MessageKind } from './sealed-messages.ts';
import { SealingThread } from './sealing-thread.ts';

/** Fast content up to this size, octets, is packed on the spot; the rest in the thread. */
const INLINE_OCTETS = 16_384;
const BOOT = /^[A-Za-z0-9_-]{22}$/;
const BOOT_OCTETS = 16;

/** Starts the channel's thread. Throws RangeError for a cluster secret that is none. */
export function openChannel(options: ChannelOptions): Channel {
  return new ThreadedChannel(options);
}

class ThreadedChannel implements Channel {
  readonly node: string;
  readonly boot: string;
  #descriptor: NodeDescriptor;
  readonly #nowMs: () => number;
  readonly #limits: ChannelLimits;
  readonly #identityKey: Uint8Array;
  readonly #thread: SealingThread;
  readonly #fast: FastChannel;
  #members: ReadonlyMap<string, NodeDescriptor> = new Map();
  #removed: ReadonlySet<string> = new Set();
  #farewells: ReadonlySet<string> = new Set();
  /** Boots that peers' refusals have named since the last sealed message; not proven. */
  readonly #heardBoots = new Map<string, string>();
  readonly #sentAsks = new WeakSet<Sent>();
  readonly #askedOf = new WeakMap<Asked, { readonly hash: string; readonly boot: string }>();
  readonly #dueFast = new WeakMap<Sent | FastAsked, Pending>();
  /** Under way, with where they go. */
  readonly #introductions = new WeakMap<Introduction, string>();
  /** URLs at which a node has introduced itself by keys of long ago. */
  readonly #outdatedAt = new Map<string, string>();
  readonly #outdated: (later: NodeDescriptor) => void;
  readonly #counts = { sealed: 0, opened: 0, octetsOut: 0, octetsIn: 0 };
  readonly #refused: { [name in RefusalName]: number };

  constructor({ keys, clusterSecret, boot, nowMs, limits, died, outdated }: ChannelOptions) {
    this.#outdated = outdated ?? (() => {});
    this.#descriptor = keys.descriptor;
    this.node = keys.descriptor.node;
    this.boot = boot ?? toBase64Url(randomBytes(BOOT_OCTETS));
    if (!BOOT.test(this.boot)) throw new RangeError('a boot id is 16 octets in base64url');
    this.#nowMs = nowMs;
    this.#limits = limits;
    this.#identityKey = clusterKey(clusterSecret, 'identity');
    this.#fast = new FastChannel(this.node, this.boot, limits);
    this.#refused = Object.fromEntries(REFUSAL_NAMES.map((name) => [name, 0])) as {
      [name in RefusalName]: number;
    };
    this.#thread = new SealingThread({ keys, boot: this.boot, limits }, died);
  }

  get descriptor(): NodeDescriptor {
    return this.#descriptor;
  }

  members(
    members: readonly NodeDescriptor[],
    removed: readonly string[],
    farewells: readonly string[] = [],
  ): readonly Forged[] {
    const forged: Forged[] = [];
    const genuine = new Map<string, NodeDescriptor>();
    for (const descriptor of members) {
      const { node, certificate } = descriptor;
      const isKnown = this.#members.get(node)?.certificate === certificate;
      const read = isKnown ? this.#members.get(node)! : readDescriptor(descriptor);
      if ('fault' in read) forged.push({ node, fault: read.fault });
      else if (!removed.includes(node) && node !== this.node) genuine.set(node, read);
    }
    this.#members = genuine;
    this.#removed = new Set(removed);
    this.#farewells = new Set(farewells);
    this.#fast.members(genuine.values(), removed, this.#nowMs());
    for (const node of this.#heardBoots.keys()) {
      if (!genuine.has(node)) this.#heardBoots.delete(node);
    }
    // What is wrong with the thread shows in whatever is sealed or opened next.
    this.#thread.run(['members', [...genuine.values()], removed]).catch(() => {});
    return forged;
  }

  sealAsk(peer: string, ask: Json, push: Json | null): Promise<Sent> {
    return this.#counted(async () => {
      const body = await this.#seal('ask', peer, this.#bootOf(peer), '', { ask, push });
      const sent = { peer, body };
      this.#sentAsks.add(sent);
      return sent;
    });
  }

  openAsk(header: string | undefined, body: Uint8Array): Promise<Asked> {
    return this.#counted(async () => {
      const from = this.#callerOf(header);
      const hash = bodyHash(body);
      const { content, boot } = await this.#open('ask', from, '', body);
      const { ask, push } = membersOf(content, ['ask', 'push']);
      const asked = { from, ask: ask!, push: push! };
      this.#askedOf.set(asked, { hash, boot });
      return asked;
    });
  }

  sealAnswer(asked: Asked, page: Json): Promise<Uint8Array> {
    return this.#counted(() => {
      const about = this.#askedOf.get(asked);
      if (about === undefined) throw new Error('this ask was answered already, or is not ours');
      this.#askedOf.delete(asked);
      return this.#seal('answer', asked.from, about.boot, about.hash, { page });
    });
  }

  openAnswer(sent: Sent, header: string | undefined, body: Uint8Array): Promise<Json> {
    return this.#counted(async () => {
      const from = this.#senderOf(header);
      if (from !== sent.peer || !this.#sentAsks.has(sent)) refuse('unbound', `from ${from}`);
      const { content } = await this.#open('answer', from, bodyHash(sent.body), body);
      if (!this.#sentAsks.delete(sent)) refuse('unbound', 'it was answered already');
      return membersOf(content, ['page'])['page']!;
    });
  }

  heardBoot(peer: string, boot: string | undefined): boolean {
    const isNews = boot !== undefined && BOOT.test(boot) && boot !== this.#bootOf(peer);
    if (!isNews || !this.#members.has(peer)) return false;
    this.#heardBoots.set(peer, boot);
    this.#fast.doubt(peer);
    return true;
  }

  sealFast(peer: string, call: FastCall): Promise<Sent> {
    return this.#counted(async () => {
      const isMember = this.#members.has(peer) && !this.#farewells.has(peer);
      if (!isMember || !this.#fast.hasKeyOf(peer)) refuse('no-fast-key', peer);
      const { body, due } = this.#fast.seal(peer, await this.#pack(call), this.#nowMs());
      this.#sealed(body, FAST_OCTETS);
      const sent = { peer, body };
      this.#dueFast.set(sent, due);
      return sent;
    });
  }

  openFast(header: string | undefined, body: Uint8Array): Promise<FastAsked> {
    return this.#counted(async () => {
      const from = this.#callerOf(header);
      requireSize(body, FAST_OCTETS);
      const { content, due } = this.#fast.open(from, body, this.#nowMs());
      const asked = { from, call: readFastCall(await this.#unpack(content)) };
      this.#opened(body);
      this.#dueFast.set(asked, due);
      return asked;
    });
  }

  sealFastAnswer(asked: FastAsked, answer: Json): Promise<Uint8Array> {
    return this.#counted(async () => {
      const due = this.#takeDue(asked);
      return this.#sealed(sealFastAnswer(due, await this.#pack(answer)), FAST_OCTETS);
    });
  }

  openFastAnswer(sent: Sent, header: string | undefined, body: Uint8Array): Promise<Json> {
    return this.#counted(async () => {
      const from = this.#senderOf(header);
      if (from !== sent.peer) refuse('unbound', `from ${from}`);
      requireSize(body, FAST_OCTETS);
      const due = this.#dueFast.get(sent) ?? refuse('unbound', 'it was answered already');
      const content = openFastAnswer(due, body);
      this.#dueFast.delete(sent);
      const answer = await this.#unpack(content);
      this.#opened(body);
      return answer;
    });
  }

  introduce(url: string): Introduction {
    const own = { descriptor: this.#descriptor, known: this.#memberAt(url) ?? null };
    const introduction = { body: requestIntroduction(this.#identityKey, own) };
    this.#introductions.set(introduction, url);
    return introduction;
  }

  answerIntroduction(body: Uint8Array): AnsweredIntroduction {
    return this.#countedNow(() => {
      const { descriptor, known } = readIntroduction(this.#identityKey, body);
      this.#hearOfSelf(descriptor, known);
      const later = this.#laterOf(descriptor);
      const own = { descriptor: this.#descriptor, known: later ?? null };
      const answer = answerIntroduction(this.#identityKey, own, body);
      return { descriptor, isOutdated: later !== undefined, body: answer };
    });
  }

  concludeIntroduction(introduction: Introduction, body: Uint8Array): NodeDescriptor {
    return this.#countedNow(() => {
      const url = this.#introductions.get(introduction);
      if (url === undefined) return refuse('unbound', 'it was answered already');
      const said = concludeIntroduction(this.#identityKey, introduction.body, body);
      this.#introductions.delete(introduction);
      const { descriptor, known } = said;
      const { node } = descriptor;
      this.#hearOfSelf(descriptor, known);
      this.#outdatedAt.delete(url);
      if (this.#laterOf(descriptor) === undefined) return descriptor;
      this.#outdatedAt.set(url, node);
      return refuse('identity', `node ${node} has said something later`);
    });
  }

  async renew(keys: NodeKeys): Promise<void> {
    const { descriptor } = keys;
    if (descriptor.node !== this.node) throw new Error('these are the keys of another node');
    // Nobody hears of a key before the thread can open what is sealed to it.
    await this.#thread.run(['keys', keys]);
    this.#descriptor = descriptor;
  }

  stats(): ChannelStats {
    return { ...this.#counts, refused: { ...this.#refused } };
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  async #seal(
    kind: MessageKind,
    to: string,
    toBoot: string,
    inAnswerTo: string,
    content: Json,
  ): Promise<Uint8Array> {
    const outgoing = { kind, to, toBoot, inAnswerTo, fastKey: this.#fast.keyFor(to) };
    const task = ['seal', outgoing, JSON.stringify(content), this.#nowMs()] as const;
    return this.#sealed((await this.#thread.run(task)) as Uint8Array, this.#limits.sealedOctets);
  }

  async #open(
    kind: MessageKind,
    from: string,
    inAnswerTo: string,
    body: Uint8Array,
  ): Promise<{ readonly content: Json; readonly boot: string }> {
    const task = ['open', { kind, from, inAnswerTo }, body, this.#nowMs()] as const;
    const { content, ...handed } = (await this.#thread.run(task)) as Incoming;
    // It may have been removed while the thread was at work.
    if (!this.#members.has(from)) refuse('sender', from);
    this.#fast.hear(from, handed);
    this.#heardBoots.delete(from);
    const json = parseContent(content);
    this.#opened(body);
    return { content: json, boot: handed.boot };
  }

  #callerOf(header: string | undefined): string {
    const from = this.#senderOf(header);
    return this.#farewells.has(from) ? refuse('removed', from) : from;
  }

  #senderOf(header: string | undefined): string {
    if (header === undefined || !NODE_ID.test(header)) return refuse('header', header);
    if (this.#removed.has(header)) refuse('removed', header);
    if (!this.#members.has(header)) refuse('sender', header);
    return header;
  }

  /** What the node of a descriptor has said later: that is never taken back by an older word of it. */
  #laterOf({ node, madeMs }: NodeDescriptor): NodeDescriptor | undefined {
    const known = node === this.node ? this.#descriptor : this.#members.get(node);
    return known !== undefined && known.madeMs > madeMs ? known : undefined;
  }

  /** Who may be at a URL: the member that was found there, or says that it is. */
  #memberAt(url: string): NodeDescriptor | undefined {
    const found = this.#members.get(this.#outdatedAt.get(url) ?? '');
    return found ?? [...this.#members.values()].find((member) => member.url === url);
  }

  /** This node as somebody else knows it, by its own words. A copy of it has nothing to tell. */
  #hearOfSelf({ node }: NodeDescriptor, known: NodeDescriptor | null): void {
    if (node === this.node || known?.node !== this.node) return;
    if (known.madeMs > this.#descriptor.madeMs) this.#outdated(known);
  }

  #bootOf(peer: string): string {
    return this.#heardBoots.get(peer) ?? this.#fast.bootOf(peer) ?? '';
  }

  async #pack(json: Json): Promise<Uint8Array> {
    const text = JSON.stringify(json);
    if (text.length <= INLINE_OCTETS) return packPlain(text);
    return (await this.#thread.run(['pack', text])) as Uint8Array;
  }

  async #unpack(packed: Uint8Array): Promise<Json> {
    if (unpackedOctets(packed) <= INLINE_OCTETS) return unpack(packed, this.#limits.inflatedOctets);
    return parseContent((await this.#thread.run(['unpack', packed])) as string);
  }

  #takeDue(asked: FastAsked): Pending {
    const due = this.#dueFast.get(asked);
    if (due === undefined) throw new Error('this call was answered already, or is not ours');
    this.#dueFast.delete(asked);
    return due;
  }

  #sealed(body: Uint8Array, mostOctets: number): Uint8Array {
    requireSize(body, mostOctets);
    this.#counts.sealed += 1;
    this.#counts.octetsOut += body.length;
    return body;
  }

  #opened(body: Uint8Array): void {
    this.#counts.opened += 1;
    this.#counts.octetsIn += body.length;
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ChannelRefusal) this.#refused[error.refusal] += 1;
      throw error;
    }
  }

  #countedNow<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof ChannelRefusal) this.#refused[error.refusal] += 1;
      throw error;
    }
  }
}

function requireSize({ length }: Uint8Array, mostOctets: number): void {
  if (length > mostOctets) refuse('size', `${length} octets`);
}
