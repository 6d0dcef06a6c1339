// Who belongs to the cluster, as this node knows it: the members by their `node` records, the
// configured URLs and who answers there.
// Invariant: all of it follows from the records, the configuration and the introductions since the
// start; what was removed never comes back.
// Never here: writing records (introduction.ts), keys and how they are verified.

import { assert } from '../assert.ts';
import { toHex } from '../bytes.ts';
import { valueOf } from '../crdt/lattice.ts';
import type { Record } from '../crdt/record.ts';
import type { Effect } from '../effect.ts';
import { LIMITS } from '../limits.ts';
import {
  issuerOf,
  type NodeDescriptor,
  readDescriptor,
  sameDescriptor,
  sameKeys,
} from './descriptor.ts';
import { Farewells } from './farewells.ts';
import { Rounds } from './rounds.ts';

export interface MembershipOptions {
  /** This node as it introduces itself. */
  readonly self: NodeDescriptor;
  /** URLs of peers, as configured. */
  readonly peers: readonly string[];
  readonly intervalMs: number;
  /** Whether a descriptor's id is that of its certificate's key; absent: the shell has checked. */
  readonly isGenuine?: (descriptor: NodeDescriptor) => boolean;
}

/** Who answers at a configured URL. */
interface Contact {
  /** The node that introduced itself there; the own id when it is this node. */
  readonly node: string | undefined;
  /** The node that was there before it stopped answering. */
  readonly formerly?: string | undefined;
  /** Attempts to introduce ourselves that failed since the last one that did not. */
  readonly failures: number;
}

const STRANGER: Contact = { node: undefined, failures: 0 };

export class Membership {
  #self: NodeDescriptor;
  /** When to introduce ourselves at which configured URL. */
  readonly introductions: Rounds;
  readonly farewells: Farewells = new Farewells();
  readonly #isGenuine: (descriptor: NodeDescriptor) => boolean;
  #contacts: Map<string, Contact>;
  readonly #members = new Map<string, NodeDescriptor>();
  /** By the octets in their nonces, in hexadecimal. */
  readonly #issuers = new Map<string, string>();
  readonly #removed = new Set<string>();
  #refusals = new Map<string, string>();
  #news: Effect[] = [];
  #isLoaded = false;
  #isChanged = false;
  #isRemoved = false;
  #isFull = false;
  #isMisrepresented = false;

  /** `seed`: any 32 bits, so that nodes do not march in step. */
  constructor(options: MembershipOptions, seed: number) {
    this.#self = options.self;
    this.#isGenuine = options.isGenuine ?? (() => true);
    this.#contacts = new Map(options.peers.map((url) => [url, STRANGER]));
    const { peers, intervalMs } = options;
    this.introductions = new Rounds({ peers, intervalMs, fanOut: 0 }, seed);
  }

  /** This node as it introduces itself. */
  get self(): NodeDescriptor {
    return this.#self;
  }

  /** This node was removed from its cluster. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** All members that the database knows are known. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Other nodes whose messages are taken, by id. */
  get members(): ReadonlyMap<string, NodeDescriptor> {
    return this.#members;
  }

  get removed(): ReadonlySet<string> {
    return this.#removed;
  }

  /** Configured URLs at which nobody has introduced himself. */
  get strangers(): readonly string[] {
    return [...this.#contacts].filter(([, { node }]) => node === undefined).map(([url]) => url);
  }

  /** The members to gossip with. */
  get peers(): readonly string[] {
    return this.#isRemoved ? [] : [...this.#members.keys()];
  }

  /** No peers are configured: this node answers those that call it, and calls nobody. */
  get isSilent(): boolean {
    return this.#contacts.size === 0;
  }

  /** Where to call a member: the configured URL that it answers at, else the one it names. */
  urlOf(node: string): string {
    for (const [url, contact] of this.#contacts) {
      if ((contact.node ?? contact.formerly) === node) return url;
    }
    return this.#members.get(node)?.url ?? '';
  }

  /** The member whose nonces begin with these octets, in hexadecimal. */
  withIssuer(issuer: string): string | undefined {
    return this.#issuers.get(issuer);
  }

  /** True when there is room for this node. */
  hasRoomFor(node: string): boolean {
    if (this.#members.has(node) || this.#members.size < LIMITS.members) return true;
    if (!this.#isFull) this.#log('error', 'too many nodes; the rest is left out', { node });
    this.#isFull = true;
    return false;
  }

  isGenuine(descriptor: NodeDescriptor): boolean {
    return this.#isGenuine(descriptor);
  }

  /** This node goes by other keys from now on. */
  renew(self: NodeDescriptor): void {
    assert(self.node === this.#self.node, 'a node keeps its id');
    this.#self = self;
  }

  /** Takes in a `node` record as it is now. */
  observe(record: Record): void {
    const { id, fields } = record;
    const descriptor = readDescriptor(valueOf(fields['descriptor']));
    if (id === this.self.node) {
      const isForeign = descriptor !== undefined && !sameKeys(descriptor, this.self);
      if (isForeign && this.#isLoaded) this.#isMisrepresented = true;
    }
    if (fields['status'] === 'removed') this.#observeRemoved(id);
    else if (id !== this.self.node) this.#observeMember(id, descriptor);
  }

  /** All `node` records have been observed. */
  markLoaded(): void {
    this.#isLoaded = true;
    this.#isChanged = true;
  }

  /** Somebody introduced himself at a configured URL, or (null) by calling us from his own. */
  met(url: string | null, descriptor: NodeDescriptor): void {
    const at = url ?? descriptor.url;
    if (this.#contacts.has(at)) this.#setContact(at, { node: descriptor.node, failures: 0 });
  }

  /** Nobody we may talk to answered at a configured URL. */
  missed(url: string, reason: string, monoMs: number): void {
    this.introductions.failed(url, monoMs);
    const contact = this.#contacts.get(url);
    // Of a peer that was there before it is known that it does not answer.
    if (contact === undefined || (contact.node ?? contact.formerly) !== undefined) return;
    const failures = contact.failures + 1;
    this.#setContact(url, { ...contact, failures });
    const fields = { peer: url, reason: reason.slice(0, LIMITS.nodeUrlLength) };
    // A node that has just started is found after a round or two; then somebody should look.
    const isNews = failures === 1 || failures === LIMITS.introductionsBeforeWarning;
    const level = failures === 1 ? 'info' : 'warn';
    if (isNews) this.#log(level, 'no KEM key for peer, skipping', fields);
  }

  /** A member does not answer at its configured URL: another may have taken its place. */
  doubt(node: string): void {
    for (const [url, contact] of this.#contacts) {
      if (contact.node === node) this.#setContact(url, { ...STRANGER, formerly: node });
    }
  }

  /** The configured URLs have changed. */
  configure(urls: readonly string[]): void {
    this.#contacts = new Map(urls.map((url) => [url, this.#contacts.get(url) ?? STRANGER]));
    this.#planIntroductions();
  }

  /** True once after somebody else has written other keys into this node's own record. */
  takeMisrepresentation(): boolean {
    const was = this.#isMisrepresented;
    this.#isMisrepresented = false;
    return was;
  }

  /** Tells a removed node that it is one, where it was found. Until then the shell may talk to it. */
  bidFarewell(descriptor: NodeDescriptor, url: string): void {
    if (descriptor.node === this.self.node || this.#isRemoved) return;
    if (this.farewells.bid(descriptor, url)) this.#isChanged = true;
  }

  /** A call to a node has ended; if it was removed, that was the last one. */
  left(node: string): void {
    if (this.farewells.end(node)) this.#isChanged = true;
  }

  /** True when this refusal of an introduction has not just been said already. */
  isNewRefusal(who: string, reason: string): boolean {
    if (this.#refusals.get(who) === reason) return false;
    if (this.#refusals.size >= LIMITS.members) this.#refusals.clear();
    this.#refusals.set(who, reason);
    return true;
  }

  /** What has to be said since the last time: changes of the members, and lines for the log. */
  takeNews(): readonly Effect[] {
    if (!this.#isLoaded) return [];
    const news = this.#news;
    if (this.#isChanged) {
      const leaving = this.#isRemoved ? [] : this.farewells.descriptors;
      const members = this.#isRemoved ? [] : [...this.#members.values(), ...leaving];
      const farewells = leaving.map(({ node }) => node);
      const refused = [...this.#removed].filter((node) => !this.farewells.has(node));
      const removed = refused.slice(0, LIMITS.removedMembers);
      news.push({ kind: 'members', members, removed, farewells });
    }
    this.#isChanged = false;
    if (news.length > 0) this.#news = [];
    return news;
  }

  #observeRemoved(id: string): void {
    if (this.#removed.has(id)) return;
    this.#removed.add(id);
    const [descriptor, url] = [this.#members.get(id), this.urlOf(id)];
    this.#members.delete(id);
    const issuer = toHex(issuerOf(id));
    if (this.#issuers.get(issuer) === id) this.#issuers.delete(issuer);
    if (descriptor !== undefined && this.#isLoaded) this.bidFarewell(descriptor, url);
    this.#isChanged = true;
    if (id !== this.self.node) return;
    this.#isRemoved = true;
    this.#planIntroductions();
    this.#log('error', 'this node was removed from the cluster and serves no more', { node: id });
  }

  #observeMember(id: string, descriptor: NodeDescriptor | undefined): void {
    if (descriptor === undefined || descriptor.node !== id || this.#removed.has(id)) return;
    const known = this.#members.get(id);
    if (sameDescriptor(known, descriptor) || !this.isGenuine(descriptor)) return;
    // Somebody repeats what the node said before it had another key.
    if (known !== undefined && known.madeMs > descriptor.madeMs) return;
    if (!this.hasRoomFor(id)) return;
    if (known !== undefined && known.kem !== descriptor.kem) {
      this.#log('info', 'peer has replaced its KEM key', { peer: id });
    }
    this.#members.set(id, descriptor);
    // Ids that begin alike are forged: the nonces stay those of the node that was here first.
    const issuer = toHex(issuerOf(id));
    if (!this.#issuers.has(issuer)) this.#issuers.set(issuer, id);
    this.#isChanged = true;
  }

  #setContact(url: string, contact: Contact): void {
    this.#contacts.set(url, contact);
    this.#planIntroductions();
  }

  #planIntroductions(): void {
    this.introductions.keep(this.#isRemoved ? [] : this.strangers);
  }

  #log(
    level: 'error' | 'warn' | 'info',
    message: string,
    fields: { readonly [name: string]: string },
  ): void {
    this.#news.push({ kind: 'log', level, target: 'gossip', message, fields });
  }
}
