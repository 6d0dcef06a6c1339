// How two nodes say version vectors to each other: as the differences from one that both remember,
// so that a message does not grow with every incarnation that ever wrote. A vector of more than a
// few entries that is said in full is remembered by both under its name, a hash of all of it. Whoever
// meets a name that it does not know has forgotten it, with its process or for want of room; then
// both forget, and say it in full.
// Invariant: a name stands for one vector on every node and for ever, so what is understood is what
// was meant; memory only decides how long a message is. Never here: what vectors are about.

import { toBase64Url } from '../bytes.ts';
import type { Hearing, Speech } from '../crdt/page.ts';
import type { Json } from '../crdt/record.ts';
import {
  type Difference,
  differences,
  differencesFromJson,
  MAX_ORIGINS,
  type VersionVector,
  vectorFromJson,
  vectorToJson,
  withDifferences,
} from '../crdt/version-vector.ts';
import { LIMITS } from '../limits.ts';

type Sha256 = (text: string) => Uint8Array;

/** Vectors of at most so many entries are as short in full. */
const FEW = 4;
/** What differs in more places from what is remembered is remembered itself. */
const MANY = 16;
/** What differs in more places is said in full, unless it has far more entries. */
const TOO_MANY = 64;
/** Vectors remembered of one peer: two each way, and a change of both. */
const REMEMBERED = 8;
/**
 * Times in a row that a peer is told to say it in full, before it is left alone. After a restart
 * every exchange that is under way may ask for it once.
 */
export const PATIENCE = 32;
const NAME_OCTETS = 16;
const NAME = /^[A-Za-z0-9_-]{22}$/;

/** What is sent instead of an answer by whoever does not know a name. */
export const IN_FULL: Json = { say: 'in full' };

export function wantsInFull(json: Json): boolean {
  return typeof json === 'object' && json !== null && 'say' in json;
}

interface Known {
  readonly vector: VersionVector;
  /** The peer has said it, or named it. */
  readonly isShared: boolean;
}

/** What is found out once about a vector, however often it is said and heard. */
const NAMES = new WeakMap<VersionVector, string>();
const SAID = new WeakMap<VersionVector, WeakMap<VersionVector, But | undefined>>();
const HEARD = new WeakMap<
  VersionVector,
  { readonly text: string; readonly vector: VersionVector }
>();
const MEANT = new WeakMap<object, VersionVector>();

type But = readonly Difference[];

/** The name of a vector: 128 bits of SHA-256 over its form for the wire, base64url. */
export function nameOf(vector: VersionVector, sha256: Sha256): string {
  let name = NAMES.get(vector);
  if (name === undefined) {
    name = toBase64Url(sha256(JSON.stringify(vectorToJson(vector))).subarray(0, NAME_OCTETS));
    NAMES.set(vector, name);
  }
  return name;
}

/** For whoever looks on in this process: what was meant by JSON that a vocabulary made. */
export function meantBy(json: Json): VersionVector | undefined {
  return Array.isArray(json) ? vectorFromJson(json) : MEANT.get(json as object);
}

/** Understands the messages of one peer, one object for each. */
export interface Listener extends Hearing {
  /** Something was not understood, because it names what is not known. */
  readonly isLost: boolean;
  /** What the peer has named in this message, and is known. */
  readonly named: ReadonlySet<string>;
}

/** What one peer and this node remember of what they said. */
export class Vocabulary {
  /** By name, the one that was used last at the end. */
  readonly #known = new Map<string, Known>();
  readonly #find: (name: string) => VersionVector | undefined;
  #losses = 0;

  /** `find`: the same vector as others remember it, so that it is held once. */
  constructor(find: (name: string) => VersionVector | undefined = () => undefined) {
    this.#find = find;
  }

  /** What a message of our own can be built upon: all that the peer knows, or only `names`. */
  speech(sha256: Sha256, names?: ReadonlySet<string>): Speech {
    const isUsable = (name: string, { isShared }: Known): boolean => names?.has(name) ?? isShared;
    const say = (vector: VersionVector): Json => this.#say(vector, sha256, isUsable);
    return { say, knows: [...this.#known.keys()] };
  }

  listen(sha256: Sha256): Listener {
    const named = new Set<string>();
    const listener = {
      isLost: false,
      named,
      hear: (json: unknown): VersionVector | undefined => {
        const heard = this.#hear(json, sha256, named);
        if (heard === 'lost') listener.isLost = true;
        return heard === 'lost' ? undefined : heard;
      },
      mention: (names: readonly string[]): void => {
        for (const name of names) if (this.#share(name) !== undefined) named.add(name);
      },
    };
    return listener;
  }

  vectorOf(name: string): VersionVector | undefined {
    return this.#known.get(name)?.vector;
  }

  /** All was understood. */
  understood(): void {
    this.#losses = 0;
  }

  /** Something was not, by one of both: all is said in full again. False when that does not help. */
  forget(): boolean {
    this.#known.clear();
    return ++this.#losses <= PATIENCE;
  }

  #say(
    vector: VersionVector,
    sha256: Sha256,
    isUsable: (name: string, known: Known) => boolean,
  ): Json {
    if (vector.size <= FEW) return vectorToJson(vector);
    const most = Math.max(TOO_MANY, vector.size >> 2);
    let best: { readonly same: string; readonly but: But } | undefined;
    for (const [name, known] of [...this.#known].reverse()) {
      if (best !== undefined && best.but.length <= FEW) break;
      const but = isUsable(name, known) ? butOf(vector, known.vector, most) : undefined;
      if (but === undefined || (best && but.length >= best.but.length)) continue;
      best = { same: name, but };
    }
    // First of all the one in use becomes the newest, or what is added might push it out.
    if (best !== undefined) this.#remember(best.same, this.#known.get(best.same)!);
    if (best === undefined || best.but.length > MANY) this.#add(vector, sha256, false);
    if (best === undefined) return vectorToJson(vector);
    MEANT.set(best, vector);
    return best;
  }

  #hear(json: unknown, sha256: Sha256, named: Set<string>): VersionVector | undefined | 'lost' {
    if (Array.isArray(json)) {
      const vector = vectorFromJson(json);
      if (vector === undefined || vector.size <= FEW) return vector;
      const name = this.#add(vector, sha256, true);
      named.add(name);
      return this.vectorOf(name);
    }
    const reading = readRelative(json);
    if (reading === undefined) return undefined;
    const base = this.#share(reading.same);
    if (base === undefined) return 'lost';
    named.add(reading.same);
    const vector = heardBefore(base, reading.but);
    if (vector.size > MAX_ORIGINS) return undefined;
    if (reading.but.length > MANY) named.add(this.#add(vector, sha256, true));
    return vector;
  }

  /** Remembers a vector that has just been said, by us or (`isShared`) by the peer. */
  #add(vector: VersionVector, sha256: Sha256, isShared: boolean): string {
    const name = nameOf(vector, sha256);
    const before = this.#known.get(name);
    const known = before?.vector ?? this.#find(name) ?? vector;
    this.#remember(name, { vector: known, isShared: isShared || before?.isShared === true });
    return name;
  }

  /** The peer knows the vector of this name. */
  #share(name: string): VersionVector | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) this.#remember(name, { ...known, isShared: true });
    return known?.vector;
  }

  #remember(name: string, known: Known): void {
    this.#known.delete(name);
    this.#known.set(name, known);
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
  }
}

/** The vocabularies of all peers. */
export class Vocabularies {
  readonly #peers = new Map<string, Vocabulary>();

  of(peer: string): Vocabulary {
    let vocabulary = this.#peers.get(peer);
    if (vocabulary === undefined) {
      vocabulary = new Vocabulary((name) => this.#find(name));
      this.#peers.set(peer, vocabulary);
      if (this.#peers.size > LIMITS.members) {
        this.#peers.delete(this.#peers.keys().next().value!);
      }
    }
    return vocabulary;
  }

  /** Forgets all others. */
  keep(peers: ReadonlyMap<string, unknown>): void {
    for (const peer of this.#peers.keys()) if (!peers.has(peer)) this.#peers.delete(peer);
  }

  #find(name: string): VersionVector | undefined {
    for (const vocabulary of this.#peers.values()) {
      const vector = vocabulary.vectorOf(name);
      if (vector !== undefined) return vector;
    }
    return undefined;
  }
}

function butOf(vector: VersionVector, base: VersionVector, most: number): But | undefined {
  let said = SAID.get(vector);
  if (said === undefined) SAID.set(vector, (said = new WeakMap()));
  if (said.has(base)) return said.get(base);
  const but = differences(vector, base, most);
  said.set(base, but);
  return but;
}

/** The same message twice gives the same vector: whoever compares them sees that at once. */
function heardBefore(base: VersionVector, but: But): VersionVector {
  if (but.length === 0) return base;
  const text = JSON.stringify(but);
  const heard = HEARD.get(base);
  if (heard?.text === text) return heard.vector;
  const vector = withDifferences(base, but);
  HEARD.set(base, { text, vector });
  return vector;
}

function readRelative(json: unknown): { readonly same: string; readonly but: But } | undefined {
  if (typeof json !== 'object' || json === null || Object.keys(json).length !== 2) return undefined;
  const { same, but } = json as { readonly same?: unknown; readonly but?: unknown };
  if (typeof same !== 'string' || !NAME.test(same)) return undefined;
  const read = differencesFromJson(but);
  return read && { same, but: read };
}
