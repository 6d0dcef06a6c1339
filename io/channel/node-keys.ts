// A node's own keys: ECDSA P-256 to sign messages, ML-KEM-768 (FIPS 203) to receive them; made,
// replaced, and kept as three text facts, of which the private two are wrapped.
// Invariant: the node's id follows from the signing key, so it lasts as long as that key: a new KEM
// key or URL is vouched for by it anew, with a later `madeMs`; a new signing key is a new node.
// Never here: keys of others, and the database that keeps these.

import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { concatBytes, fromBase64Url, toBase64Url, toUtf8 } from '../../core/bytes.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { OperatorError } from '../operator-error.ts';
import { clusterKey } from './cluster-key.ts';
import { readDescriptor } from './descriptor.ts';
import { KEM_SEED_OCTETS, ML_KEM_768 } from './kem.ts';
import { makeNodeCertificate, nodeIdOf } from './node-certificate.ts';

export interface NodeKeys {
  /** Private signing key, PKCS#8 DER. */
  readonly signing: Uint8Array;
  /** FIPS 203 seeds (d‖z, 64 octets): the present KEM key, then the one before it, if any. */
  readonly kemSeeds: readonly Uint8Array[];
  /** How others know us. */
  readonly descriptor: NodeDescriptor;
}

/** Names of the facts in the store's meta. */
export const NODE_KEY_FACTS = ['node-key/signing', 'node-key/kem', 'node-key/descriptor'] as const;
type FactName = (typeof NODE_KEY_FACTS)[number];
/** The facts by name. The first two hold secrets, wrapped. */
export type NodeKeyFacts = ReadonlyMap<FactName, string>;

const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
const WRAPPED = /^v1\.([A-Za-z0-9_-]{27})\.([A-Za-z0-9_-]{40,1000})$/;

/** A fact that cannot be used; the message names it and what to do. */
export class NodeKeyError extends OperatorError {
  override readonly name = 'NodeKeyError';

  constructor(fact: FactName, reason: string) {
    super(
      `the fact "${fact}" in the database cannot be used: ${reason}. Restore the database or the ` +
        'CA key it was written with; or delete the facts "node-key/…", whereupon this becomes a ' +
        'new node, and remove the old one from the cluster. A new node that was started before the ' +
        'CA files of its cluster were copied to it starts best with an empty database',
    );
  }
}

/** Fresh keys: a new node. `nowMs` is Unix ms. */
export function makeNodeKeys(url: string, nowMs: number): NodeKeys {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return describe(privateKey, [new Uint8Array(randomBytes(KEM_SEED_OCTETS))], url, nowMs);
}

/** The same node with a new KEM key; what was sealed to the old one still opens. */
export function rotateKemKey(keys: NodeKeys, nowMs: number): NodeKeys {
  const seeds = [new Uint8Array(randomBytes(KEM_SEED_OCTETS)), keys.kemSeeds[0]!];
  return describe(signingKeyOf(keys), seeds, keys.descriptor.url, laterThan(keys, nowMs));
}

/** The same node at another URL; the very same keys when the URL is the one it has. */
export function withUrl(keys: NodeKeys, url: string, nowMs: number): NodeKeys {
  if (keys.descriptor.url === url) return keys;
  return describe(signingKeyOf(keys), keys.kemSeeds, url, laterThan(keys, nowMs));
}

export function signingKeyOf(keys: NodeKeys): KeyObject {
  return createPrivateKey({ key: Buffer.from(keys.signing), type: 'pkcs8', format: 'der' });
}

/** The facts to store. Wrapping draws fresh nonces, so no two calls give the same text. */
export function nodeKeyFacts(keys: NodeKeys, clusterSecret: Uint8Array): NodeKeyFacts {
  const key = clusterKey(clusterSecret, 'node keys');
  const { node } = keys.descriptor;
  return new Map([
    ['node-key/signing', wrap(key, 'node-key/signing', node, keys.signing)],
    ['node-key/kem', wrap(key, 'node-key/kem', node, concatBytes(...keys.kemSeeds))],
    ['node-key/descriptor', JSON.stringify(keys.descriptor)],
  ]);
}

/** The keys a database holds; undefined when it has none. Throws NodeKeyError. */
export function readNodeKeys(
  facts: ReadonlyMap<string, string>,
  clusterSecret: Uint8Array,
): NodeKeys | undefined {
  if (NODE_KEY_FACTS.every((name) => !facts.has(name))) return undefined;
  const descriptor = readDescriptorFact(factOf(facts, 'node-key/descriptor'));
  const key = clusterKey(clusterSecret, 'node keys');
  const open = (name: FactName): Uint8Array =>
    unwrap(key, name, descriptor.node, factOf(facts, name));
  const keys = { signing: open('node-key/signing'), kemSeeds: seedsOf(open('node-key/kem')) };
  requireMatch(keys, descriptor);
  return { ...keys, descriptor };
}

function describe(
  signing: KeyObject,
  kemSeeds: readonly Uint8Array[],
  url: string,
  nowMs: number,
): NodeKeys {
  const spki = new Uint8Array(createPublicKey(signing).export({ type: 'spki', format: 'der' }));
  const kemPublicKey = ML_KEM_768.kem.keygen(kemSeeds[0]!).publicKey;
  const madeMs = nowMs - (nowMs % 1000);
  const certificate = makeNodeCertificate({ url, kemPublicKey, madeMs }, signing);
  const descriptor = {
    node: nodeIdOf(spki),
    url,
    kem: toBase64Url(kemPublicKey),
    certificate: toBase64Url(certificate),
    madeMs,
  };
  const read = readDescriptor(descriptor);
  if ('fault' in read) throw new Error(`this node cannot describe itself: ${read.fault}`);
  const pkcs8 = signing.export({ type: 'pkcs8', format: 'der' });
  return { signing: new Uint8Array(pkcs8), kemSeeds, descriptor };
}

/** Newer descriptors replace older ones everywhere, also when our clock went back meanwhile. */
function laterThan({ descriptor }: NodeKeys, nowMs: number): number {
  return Math.max(nowMs, descriptor.madeMs + 1000);
}

function wrap(key: Uint8Array, fact: FactName, node: string, secret: Uint8Array): string {
  const nonce = randomBytes(NONCE_OCTETS);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(wrappedFor(fact, node));
  const sealed = Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return `v1.${node}.${sealed.toString('base64url')}`;
}

function unwrap(key: Uint8Array, fact: FactName, node: string, text: string): Uint8Array {
  const [, owner, sealedText] = WRAPPED.exec(text) ?? [];
  const sealed = sealedText === undefined ? undefined : fromBase64Url(sealedText);
  if (sealed === undefined) throw new NodeKeyError(fact, 'it is malformed');
  if (owner !== node) throw new NodeKeyError(fact, `it belongs to node ${owner}, not to ${node}`);
  try {
    const nonce = sealed.subarray(0, NONCE_OCTETS);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_OCTETS })
      .setAAD(wrappedFor(fact, node))
      .setAuthTag(sealed.subarray(-TAG_OCTETS));
    const secret = decipher.update(sealed.subarray(NONCE_OCTETS, -TAG_OCTETS));
    decipher.final();
    return new Uint8Array(secret);
  } catch {
    throw new NodeKeyError(fact, 'it was damaged, or wrapped under another CA key');
  }
}

/** A wrapped secret opens only under the name and for the node it was wrapped for. */
function wrappedFor(fact: FactName, node: string): Uint8Array {
  return toUtf8(`akamu ${fact} v1 ${node}`);
}

function factOf(facts: ReadonlyMap<string, string>, name: FactName): string {
  const text = facts.get(name);
  if (text === undefined) throw new NodeKeyError(name, 'it is missing');
  return text;
}

function readDescriptorFact(text: string): NodeDescriptor {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new NodeKeyError('node-key/descriptor', 'it is not JSON');
  }
  const descriptor = readDescriptor(json);
  if ('fault' in descriptor) throw new NodeKeyError('node-key/descriptor', descriptor.fault);
  return descriptor;
}

function seedsOf(octets: Uint8Array): readonly Uint8Array[] {
  const count = octets.length / KEM_SEED_OCTETS;
  if (count !== 1 && count !== 2) throw new NodeKeyError('node-key/kem', 'its length is wrong');
  return Array.from({ length: count }, (_, i) =>
    octets.slice(i * KEM_SEED_OCTETS, (i + 1) * KEM_SEED_OCTETS),
  );
}

/** Private and public parts belong together. */
function requireMatch(keys: Omit<NodeKeys, 'descriptor'>, descriptor: NodeDescriptor): void {
  const { publicKey } = ML_KEM_768.kem.keygen(keys.kemSeeds[0]!);
  if (toBase64Url(publicKey) !== descriptor.kem) {
    throw new NodeKeyError('node-key/kem', 'it is not the key of the descriptor');
  }
  const signing = signingKeyOf({ ...keys, descriptor });
  const spki = createPublicKey(signing).export({ type: 'spki', format: 'der' });
  if (nodeIdOf(new Uint8Array(spki)) !== descriptor.node) {
    throw new NodeKeyError('node-key/signing', 'it is not the key of the descriptor');
  }
}
