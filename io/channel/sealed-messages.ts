// Sealed gossip messages: what is checked, and in which order. In clear stands nothing but CMS;
// inside is a head (who, to whom, when, the how-manieth, in answer to what) and then the content.
// Invariant: the checks run in the order of REFUSALS, and nothing of a message is decompressed or
// decoded before its sender, recipient, age and novelty are proven. The key in the head is never
// compressed together with content that others choose.
// A recorded message finds: the same boot of ours, which knows it; or another, which it does not
// name. So nothing need be kept over a restart, and freshness only bounds how late a message is.
// Never here: threads (sealing-worker.ts), HTTP, and the meaning of the content.

import { hash, type KeyObject } from 'node:crypto';
import { equalBytes, fromBase64Url } from '../../core/bytes.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { decode, encode } from '../../core/codec.ts';
import type { Json } from '../../core/crdt/record.ts';
import {
  AUTH_ENVELOPED_DATA,
  envelop,
  type KemPrivateKey,
  type KemRecipient,
  openEnvelope,
} from './auth-enveloped-data.ts';
import type { ChannelLimits } from './channel.ts';
import { type JsonText, packText, unpackText } from './content.ts';
import { requireFresh } from './freshness.ts';
import { keyIdentifier, ML_KEM_768 } from './kem.ts';
import { isSelfSigned, publicKeyOf, readNodeCertificate } from './node-certificate.ts';
import { type NodeKeys, signingKeyOf } from './node-keys.ts';
import { refuse } from './refusal.ts';
import { ReplayGuard } from './replay-guard.ts';
import {
  readSigned,
  type SignedParts,
  type Signer,
  signContent,
  verifySigned,
} from './signed-data.ts';

export type MessageKind = 'ask' | 'answer';

/** What the sender says about a message; the rest of the head is its own affair. */
export interface Outgoing {
  readonly kind: MessageKind;
  readonly to: string;
  /** The boot of the recipient, as far as we know; empty when we do not. */
  readonly toBoot: string;
  /** SHA-256 of the body that this answers, base64url; empty in an ask. */
  readonly inAnswerTo: string;
  /** The key with which the recipient may call us over the fast channel, base64url. */
  readonly fastKey: string;
}

/** What a message that was accepted says. */
export interface Incoming {
  readonly from: string;
  readonly boot: string;
  readonly issueMs: number;
  readonly fastKey: string;
  /** What was in it; not parsed yet. */
  readonly content: JsonText;
}

/** What a message must be to be taken. */
export interface Expected {
  readonly kind: MessageKind;
  readonly from: string;
  readonly inAnswerTo: string;
}

interface Head extends Outgoing {
  readonly version: 1;
  readonly from: string;
  readonly boot: string;
  /** Counted up per recipient, from 1. */
  readonly number: number;
  readonly issueMs: number;
}

interface Peer {
  readonly descriptor: NodeDescriptor;
  readonly certificate: Uint8Array;
  readonly spki: Uint8Array;
  readonly key: KeyObject;
  readonly keyId: Uint8Array;
  readonly kem: KemRecipient;
}

const HEAD_NAMES = 'boot,fastKey,from,inAnswerTo,issueMs,kind,number,to,toBoot,version'.split(',');
const HEAD_BOUNDS = { octets: 1_024, depth: 2, values: 32 };

export class SealedMessages {
  readonly #node: string;
  readonly #boot: string;
  readonly #limits: ChannelLimits;
  #signer: Signer;
  #kemKeys: readonly KemPrivateKey[];
  readonly #peers = new Map<string, Peer>();
  readonly #sent = new Map<string, number>();
  readonly #replays = new ReplayGuard();

  constructor(keys: NodeKeys, boot: string, limits: ChannelLimits) {
    this.#node = keys.descriptor.node;
    this.#boot = boot;
    this.#limits = limits;
    this.#signer = signerOf(keys);
    this.#kemKeys = kemKeysOf(keys);
  }

  /** The same node by other keys; numbers and what was taken already stay. */
  renew(keys: NodeKeys): void {
    this.#signer = signerOf(keys);
    this.#kemKeys = kemKeysOf(keys);
  }

  /** Exactly these are talked to from now on; their keys are these. */
  members(members: readonly NodeDescriptor[], removed: readonly string[]): void {
    const before = new Map(this.#peers);
    this.#peers.clear();
    for (const descriptor of members) {
      const known = before.get(descriptor.node);
      const isSame = known?.descriptor.certificate === descriptor.certificate;
      const peer = known !== undefined && isSame ? known : peerOf(descriptor);
      this.#peers.set(descriptor.node, peer);
    }
    this.#replays.forget(removed);
    for (const node of removed) {
      this.#peers.delete(node);
      this.#sent.delete(node);
    }
  }

  /** A body. Refuses with `no-kem-key`, and with `size` when the recipient would. */
  seal(outgoing: Outgoing, content: JsonText, nowMs: number): Uint8Array {
    const peer = this.#peers.get(outgoing.to) ?? refuse('no-kem-key', outgoing.to);
    const number = (this.#sent.get(outgoing.to) ?? 0) + 1;
    const [from, boot] = [this.#node, this.#boot];
    const head: Head = { ...outgoing, version: 1, from, boot, number, issueMs: nowMs };
    const headOctets = encode(head as unknown as Json);
    const packed = packText(content);
    const inside = new Uint8Array(2 + headOctets.length + packed.length);
    new DataView(inside.buffer).setUint16(0, headOctets.length);
    inside.set(headOctets, 2);
    inside.set(packed, 2 + headOctets.length);
    const body = signContent(
      this.#signer,
      AUTH_ENVELOPED_DATA,
      envelop(ML_KEM_768, peer.kem, inside),
    );
    if (body.length > this.#limits.sealedOctets) refuse('size', `${body.length} octets to send`);
    this.#sent.set(outgoing.to, number);
    return body;
  }

  /**
   * What the body says. That its sender is known and not removed has been checked; here it must be
   * a peer still, for its keys.
   */
  open(expected: Expected, body: Uint8Array, nowMs: number): Incoming {
    const peer = this.#peers.get(expected.from) ?? refuse('sender', expected.from);
    if (body.length > this.#limits.sealedOctets) refuse('size', `${body.length} octets`);
    const inside = this.#decrypt(verified(peer, body));
    const [head, packed] = splitHead(inside);
    const { from, boot, number, issueMs, fastKey } = head;
    if (from !== expected.from)
      refuse('signature', `it was made by ${from}, and signed by another`);
    if (head.to !== this.#node) refuse('recipient', head.to);
    if (head.toBoot !== this.#boot) refuse('boot');
    requireFresh(issueMs, nowMs, this.#limits);
    if (!this.#replays.accept(from, boot, number, issueMs)) refuse('replay', `number ${number}`);
    if (head.kind !== expected.kind) refuse('unbound', `it is an ${head.kind}`);
    if (head.inAnswerTo !== expected.inAnswerTo) refuse('unbound');
    const content = unpackText(packed, this.#limits.inflatedOctets);
    return { from, boot, issueMs, fastKey, content };
  }

  #decrypt(enveloped: Uint8Array): Uint8Array {
    try {
      return openEnvelope(ML_KEM_768, this.#kemKeys, enveloped);
    } catch (error) {
      return refuse('decryption', (error as Error).message);
    }
  }
}

/** SHA-256 of a body, by which its answer names it, base64url. */
export function bodyHash(body: Uint8Array): string {
  return hash('sha256', body, 'base64url');
}

function signerOf(keys: NodeKeys): Signer {
  const certificate = fromBase64Url(keys.descriptor.certificate)!;
  const { keyId } = readNodeCertificate(certificate);
  return { key: signingKeyOf(keys), certificate, keyId };
}

function kemKeysOf({ kemSeeds }: NodeKeys): readonly KemPrivateKey[] {
  return kemSeeds.map((seed) => {
    const { publicKey, secretKey } = ML_KEM_768.kem.keygen(seed);
    return { keyId: keyIdentifier(publicKey), secretKey };
  });
}

function peerOf(descriptor: NodeDescriptor): Peer {
  const certificate = fromBase64Url(descriptor.certificate)!;
  const { spki, keyId } = readNodeCertificate(certificate);
  const publicKey = fromBase64Url(descriptor.kem)!;
  const kem = { keyId: keyIdentifier(publicKey), publicKey };
  return { descriptor, certificate, spki, key: publicKeyOf(spki), keyId, kem };
}

/** What the peer has signed. */
function verified(peer: Peer, body: Uint8Array): Uint8Array {
  let parts: SignedParts;
  let isTheirs: boolean;
  try {
    parts = readSigned(AUTH_ENVELOPED_DATA, body);
    isTheirs =
      isCertificateOf(peer, parts.certificate) &&
      equalBytes(parts.keyId, peer.keyId) &&
      verifySigned(AUTH_ENVELOPED_DATA, parts, peer.key);
  } catch (error) {
    return refuse('signature', (error as Error).message);
  }
  return isTheirs ? parts.content : refuse('signature');
}

/** The pinned certificate, or another that the same key has signed. */
function isCertificateOf(peer: Peer, certificate: Uint8Array): boolean {
  if (equalBytes(certificate, peer.certificate)) return true;
  return equalBytes(readNodeCertificate(certificate).spki, peer.spki) && isSelfSigned(certificate);
}

function splitHead(inside: Uint8Array): [head: Head, packed: Uint8Array] {
  if (inside.length < 2) refuse('decoding', 'there is no head');
  const end = 2 + new DataView(inside.buffer, inside.byteOffset).getUint16(0);
  if (end > inside.length) refuse('decoding', 'the head is cut short');
  const head = decode(inside.subarray(2, end), HEAD_BOUNDS);
  return isHead(head) ? [head, inside.subarray(end)] : refuse('decoding', 'the head is malformed');
}

function isHead(json: unknown): json is Head {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  if (Object.keys(json).sort().join() !== HEAD_NAMES.join()) return false;
  const head = json as { readonly [name: string]: unknown };
  const { version, kind, number, issueMs } = head;
  const texts = ['boot', 'fastKey', 'from', 'inAnswerTo', 'to', 'toBoot'];
  return (
    version === 1 &&
    (kind === 'ask' || kind === 'answer') &&
    Number.isSafeInteger(number) &&
    Number.isSafeInteger(issueMs) &&
    texts.every((name) => typeof head[name] === 'string') &&
    /^[A-Za-z0-9_-]{22}$/.test(head['boot'] as string) &&
    fromBase64Url(head['fastKey'] as string)?.length === 32
  );
}
