// How nodes come to know each other: what an introduction does to the `node` records, and how a
// node writes its own. Invariant: a record says what its node said last, by when its keys were
// made; a removed node is refused whatever it says. Never here: who is called when (membership.ts).

import { last, valueOf } from '../crdt/lattice.ts';
import type { Dot } from '../crdt/record.ts';
import type { Chore } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Draft, Transaction } from '../transaction.ts';
import {
  descriptorToJson,
  type NodeDescriptor,
  readDescriptor,
  sameDescriptor,
} from './descriptor.ts';
import type { Membership } from './membership.ts';

const THIS_NODE = 'this peer is the node itself; take it out of [gossip] peers';
const COPIED =
  'another node has the id of this one, as when a database was copied; stop one of them and start ' +
  'it on an empty database';

/** After a start: learns all members, then sees to the node's own record. */
export function loadMembers(
  tx: Transaction,
  membership: Membership,
  chore: Chore,
): Chore | undefined {
  const limit = LIMITS.selectionPage;
  const { afterId } = chore;
  const page = tx.select({ kind: 'node', ...(afterId !== '' && { afterId }), limit });
  tx.need(page.map(({ kind, id }) => ({ kind, id })));
  for (const key of page) {
    // As it is by now: the selection is as old as its load.
    const record = tx.stored(key);
    if (record !== undefined) membership.observe(record);
  }
  if (page.length === limit) return { ...chore, afterId: page.at(-1)!.id };
  announce(tx, membership);
  membership.markLoaded();
  return undefined;
}

/** Writes the node's own record, if it says something else. */
export function announce(tx: Transaction, { self }: Membership): void {
  const own = tx.get('node', self.node);
  if (!sameDescriptor(descriptorOf(own), self)) writeNode(tx, self);
}

/** The event by which the cluster knows this node as it is now; undefined while there is none. */
export function announcementOf(tx: Transaction, { self }: Membership): Dot | undefined {
  const own = tx.stored({ kind: 'node', id: self.node });
  return sameDescriptor(descriptorOf(own), self) ? own?.dot : undefined;
}

/** Somebody who holds the CA's key has introduced himself. */
export function takeIntroduction(
  tx: Transaction,
  membership: Membership,
  url: string | null,
  json: unknown,
): void {
  const descriptor = readDescriptor(json);
  const refusal = refusalOf(tx, membership, descriptor);
  if (descriptor === undefined || refusal !== undefined) {
    const fields = { peer: url, node: descriptor?.node ?? null };
    if (membership.isNewRefusal(descriptor?.node ?? url ?? '', refusal ?? '')) {
      tx.log('warn', 'gossip', `introduction refused: ${refusal}`, fields);
    }
    if (url !== null) membership.missed(url, refusal ?? '', tx.now.monoMs);
    const isRemoved = descriptor !== undefined && membership.removed.has(descriptor.node);
    if (isRemoved && membership.isGenuine(descriptor)) {
      membership.bidFarewell(descriptor, url ?? descriptor.url);
    }
    return;
  }
  if (descriptor.node === membership.self.node) {
    const isHere = descriptor.url === membership.self.url;
    const message = isHere ? THIS_NODE : COPIED;
    const peer = url ?? descriptor.url;
    if (membership.isNewRefusal(peer, message)) {
      tx.log(isHere ? 'warn' : 'error', 'gossip', message, { peer });
    }
    if (isHere) membership.met(url, descriptor);
    // Another node will be there, once somebody has read that line.
    else if (url !== null) membership.missed(url, COPIED, tx.now.monoMs);
    return;
  }
  register(tx, descriptor);
  membership.met(url, descriptor);
  if (url === null) return;
  tx.log('info', 'gossip', 'peer introduced itself', { peer: url, node: descriptor.node });
}

/** Pins a descriptor; an older one of the same node changes nothing. False when it is older. */
export function register(tx: Transaction, descriptor: NodeDescriptor): boolean {
  const known = descriptorOf(tx.get('node', descriptor.node));
  if (sameDescriptor(known, descriptor)) return true;
  if (known !== undefined && known.madeMs > descriptor.madeMs) return false;
  writeNode(tx, descriptor);
  return true;
}

/** Why a descriptor is not taken; undefined when it is. */
export function refusalOf(
  tx: Transaction,
  membership: Membership,
  descriptor: NodeDescriptor | undefined,
): string | undefined {
  if (descriptor === undefined) return 'this is not a node descriptor';
  if (!membership.isGenuine(descriptor)) return 'the node id is not that of its certificate';
  if (tx.get('node', descriptor.node)?.fields['status'] === 'removed') {
    return 'this node was removed from the cluster';
  }
  const isSelf = descriptor.node === membership.self.node;
  return isSelf || membership.hasRoomFor(descriptor.node) ? undefined : 'there are too many nodes';
}

function writeNode(tx: Transaction, descriptor: NodeDescriptor): void {
  const before = tx.get('node', descriptor.node)?.fields['descriptor'];
  tx.put('node', descriptor.node, {
    descriptor: last(before, tx.stamp(), descriptorToJson(descriptor)),
    status: 'member',
  });
}

function descriptorOf(record: Draft | undefined): NodeDescriptor | undefined {
  return readDescriptor(valueOf(record?.fields['descriptor']));
}
