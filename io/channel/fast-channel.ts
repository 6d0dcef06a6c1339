// The cheap channel for what is short and hurries: AES-256-GCM under a key that the called node has
// handed to the caller inside a sealed message.
// A request is: version, id of the key (4), boot of the caller (16), boot of the called (16), number
// (8), issue time (8, Unix ms), ciphertext, tag (16). An answer is ciphertext and tag. Keys are
// derived for one pair of boots and one direction; the nonce is the number of the request, in the
// answer too, which is made once.
// Invariant: no nonce is used twice under one key: a boot of the caller counts up, and a boot is a
// part of the key. Keys live as long as the memory that catches replays, and hardly longer than the
// KEM key under which they were handed over is known to be the caller's.
// Never here: how keys are handed over, and what is said.

import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { concatBytes, equalBytes, fromBase64Url, toBase64Url } from '../../core/bytes.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { type FreshnessLimits, requireFresh } from './freshness.ts';
import { refuse } from './refusal.ts';
import { ReplayGuard } from './replay-guard.ts';

const VERSION = 1;
const ID_OCTETS = 4;
const BOOT_OCTETS = 16;
const BOOTS_AT = 1 + ID_OCTETS;
const NUMBER_AT = BOOTS_AT + 2 * BOOT_OCTETS;
const ISSUED_AT = NUMBER_AT + 8;
const HEAD_OCTETS = ISSUED_AT + 8;
const TAG_OCTETS = 16;
const KEY_OCTETS = 32;
/** Of one peer: it may have got other KEM keys faster than it was heard. */
const MOST_KEYS = 8;
/** For so long after a peer's KEM key was replaced its calls may come under the key before. */
const FORMER_KEY_MS = 60_000;

/** What a peer has said of itself in a sealed message. */
export interface Handed {
  readonly boot: string;
  readonly issueMs: number;
  /** 32 octets, base64url. */
  readonly fastKey: string;
}

/** A request, of ours or of a peer, for which one answer is due. */
export interface Pending {
  readonly peer: string;
  readonly key: KeyObject;
  readonly number: number;
  /** The tag of the request, to which the answer is bound as well. */
  readonly tag: Uint8Array;
}

interface Keys {
  /** Tells whether the other side has the same ones. */
  readonly id: Uint8Array;
  readonly request: KeyObject;
  readonly answer: KeyObject;
  /** From then on calls under them are refused, Unix ms. */
  readonly untilMs: number;
}

interface Peer {
  readonly handed: Handed;
  /** For what we ask of it; undefined when its boot is known to be over. */
  asking: Keys | undefined;
  /** For what it asks of us, latest first: those before go when it calls under a later one. */
  answering: readonly Keys[];
}

export class FastChannel {
  readonly #node: string;
  readonly #boot: string;
  readonly #limits: FreshnessLimits;
  readonly #secret = new Uint8Array(randomBytes(KEY_OCTETS));
  readonly #peers = new Map<string, Peer>();
  /** To which the key of each peer is sealed. */
  #kemKeys: ReadonlyMap<string, string> = new Map();
  /** Per peer, over all its boots, so that numbers go on when a boot is heard of late. */
  readonly #sent = new Map<string, number>();
  readonly #replays = new ReplayGuard();

  /** `boot`: 16 octets, base64url. */
  constructor(node: string, boot: string, limits: FreshnessLimits) {
    this.#node = node;
    this.#boot = boot;
    this.#limits = limits;
  }

  /** The key this peer is handed for what it asks of us, base64url. */
  keyFor(peer: string): string {
    const info = `akamu fast key v1 ${this.#node} ${peer}`;
    const salt = this.#kemKeys.get(peer) ?? '';
    return toBase64Url(new Uint8Array(hkdfSync('sha256', this.#secret, salt, info, KEY_OCTETS)));
  }

  /** Notes what a sealed message has brought. */
  hear(peer: string, handed: Handed): void {
    const known = this.#peers.get(peer);
    const isSame = known?.handed.boot === handed.boot && known.handed.fastKey === handed.fastKey;
    if (isSame && known.asking !== undefined) return;
    const asking = keysOf(handed.fastKey, this.#self, { node: peer, boot: handed.boot });
    const isOfBoot = known?.handed.boot === handed.boot;
    const answering = isOfBoot ? known.answering : [this.#answering(peer, handed)];
    this.#peers.set(peer, { handed, asking, answering });
  }

  /** The boot the peer was last heard from in a sealed message. */
  bootOf(peer: string): string | undefined {
    return this.#peers.get(peer)?.handed.boot;
  }

  /** The peer seems to have started anew, so that it knows its key no more. */
  doubt(peer: string): void {
    const known = this.#peers.get(peer);
    if (known !== undefined) known.asking = undefined;
  }

  /** These are the peers. Who has another KEM key than before is handed another key. */
  members(members: Iterable<NodeDescriptor>, removed: readonly string[], nowMs: number): void {
    const kemKeys = new Map([...members].map(({ node, kem }) => [node, kem]));
    const renewed = [...this.#peers].filter(([peer]) => {
      return kemKeys.get(peer) !== this.#kemKeys.get(peer);
    });
    this.#kemKeys = kemKeys;
    for (const [peer, known] of renewed) {
      const former = known.answering.map((keys) => {
        return { ...keys, untilMs: Math.min(keys.untilMs, nowMs + FORMER_KEY_MS) };
      });
      known.answering = [this.#answering(peer, known.handed), ...former].slice(0, MOST_KEYS);
    }
    this.#replays.forget(removed);
    for (const peer of removed) {
      this.#peers.delete(peer);
      this.#sent.delete(peer);
    }
  }

  hasKeyOf(peer: string): boolean {
    return this.#peers.get(peer)?.asking !== undefined;
  }

  /** Refuses with `no-fast-key`. */
  seal(
    peer: string,
    content: Uint8Array,
    nowMs: number,
  ): { readonly body: Uint8Array; readonly due: Pending } {
    const known = this.#peers.get(peer);
    if (known?.asking === undefined) return refuse('no-fast-key', peer);
    const number = (this.#sent.get(peer) ?? 0) + 1;
    this.#sent.set(peer, number);
    const head = headOf(known.asking, this.#boot, known.handed.boot, number, nowMs);
    const sealed = encrypt(known.asking.request, number, head, content);
    const tag = sealed.subarray(-TAG_OCTETS);
    const due = { peer, key: known.asking.answer, number, tag };
    return { body: concatBytes(head, sealed), due };
  }

  /** Refuses with `no-fast-key`, `decryption`, `freshness` or `replay`. */
  open(
    peer: string,
    body: Uint8Array,
    nowMs: number,
  ): { readonly content: Uint8Array; readonly due: Pending } {
    const known = this.#peers.get(peer);
    if (known === undefined) return refuse('no-fast-key', 'nothing was heard of the sender yet');
    const head = body.subarray(0, HEAD_OCTETS);
    const read = readHead(body);
    if (read === undefined) return refuse('decryption', 'it is too short, or of another version');
    const { number, issueMs } = read;
    const { boot } = known.handed;
    const at = known.answering.findIndex((keys) => {
      return equalBytes(head, headOf(keys, boot, this.#boot, number, issueMs));
    });
    const keys = known.answering[at];
    if (keys === undefined || keys.untilMs <= nowMs) {
      return refuse('no-fast-key', 'it is of another boot or another key');
    }
    const content = decrypt(keys.request, number, head, body.subarray(HEAD_OCTETS));
    known.answering = known.answering.slice(0, at + 1);
    requireFresh(issueMs, nowMs, this.#limits);
    if (!this.#replays.accept(peer, boot, number, issueMs)) return refuse('replay', `${number}`);
    const tag = body.slice(-TAG_OCTETS);
    return { content, due: { peer, key: keys.answer, number, tag } };
  }

  get #self(): Party {
    return { node: this.#node, boot: this.#boot };
  }

  #answering(peer: string, { boot }: Handed): Keys {
    return keysOf(this.keyFor(peer), { node: peer, boot }, this.#self);
  }
}

/** The answer to a request; to be made once. */
export function sealFastAnswer(due: Pending, content: Uint8Array): Uint8Array {
  return encrypt(due.key, due.number, due.tag, content);
}

/** Refuses with `decryption`, whatever is wrong. */
export function openFastAnswer(due: Pending, body: Uint8Array): Uint8Array {
  return decrypt(due.key, due.number, due.tag, body);
}

interface Party {
  readonly node: string;
  readonly boot: string;
}

function keysOf(handedKey: string, caller: Party, called: Party): Keys {
  const secret = fromBase64Url(handedKey)!;
  const parties = `${caller.node} ${caller.boot} ${called.node} ${called.boot}`;
  const derive = (what: string, octets: number): Buffer => {
    return Buffer.from(hkdfSync('sha256', secret, '', `akamu fast ${what} v1 ${parties}`, octets));
  };
  return {
    id: derive('id', ID_OCTETS),
    request: createSecretKey(derive('request', KEY_OCTETS)),
    answer: createSecretKey(derive('answer', KEY_OCTETS)),
    untilMs: Number.POSITIVE_INFINITY,
  };
}

function headOf(
  { id }: Keys,
  callerBoot: string,
  calledBoot: string,
  number: number,
  issueMs: number,
): Uint8Array {
  const head = Buffer.alloc(HEAD_OCTETS);
  head[0] = VERSION;
  head.set(id, 1);
  head.write(callerBoot, BOOTS_AT, BOOT_OCTETS, 'base64url');
  head.write(calledBoot, BOOTS_AT + BOOT_OCTETS, BOOT_OCTETS, 'base64url');
  head.writeBigUInt64BE(BigInt(number), NUMBER_AT);
  head.writeBigUInt64BE(BigInt(issueMs), ISSUED_AT);
  return head;
}

function readHead(
  body: Uint8Array,
): { readonly number: number; readonly issueMs: number } | undefined {
  if (body.length < HEAD_OCTETS + TAG_OCTETS || body[0] !== VERSION) return undefined;
  const view = new DataView(body.buffer, body.byteOffset);
  const number = Number(view.getBigUint64(NUMBER_AT));
  const issueMs = Number(view.getBigUint64(ISSUED_AT));
  const areSafe = Number.isSafeInteger(number) && Number.isSafeInteger(issueMs);
  return areSafe ? { number, issueMs } : undefined;
}

function nonceOf(number: number): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}

function encrypt(key: KeyObject, number: number, aad: Uint8Array, content: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number)).setAAD(aad);
  const ciphertext = cipher.update(content);
  cipher.final();
  return concatBytes(ciphertext, cipher.getAuthTag());
}

function decrypt(key: KeyObject, number: number, aad: Uint8Array, sealed: Uint8Array): Uint8Array {
  if (sealed.length < TAG_OCTETS) return refuse('decryption', 'it is too short');
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number), {
    authTagLength: TAG_OCTETS,
  });
  decipher.setAAD(aad).setAuthTag(sealed.subarray(-TAG_OCTETS));
  const content = decipher.update(sealed.subarray(0, -TAG_OCTETS));
  try {
    decipher.final();
  } catch {
    return refuse('decryption', 'it is not authentic');
  }
  return content;
}
