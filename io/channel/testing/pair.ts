// Channels of nodes that know each other, for tests of what they say. `end` closes all of them.
// Never here: what is tested.

import { randomBytes } from 'node:crypto';
import * as assert from 'uvu/assert';
import type { NodeDescriptor } from '../../../core/cluster/descriptor.ts';
import type { Asked, Channel, FastAsked, FastCall } from '../channel.ts';
import { makeNodeKeys, type NodeKeys } from '../node-keys.ts';
import { openChannel } from '../open-channel.ts';
import { ChannelRefusal, type RefusalName } from '../refusal.ts';

export const NOW = Date.UTC(2026, 0, 1);
const SECRET = new Uint8Array(randomBytes(32));
export const LIMITS = {
  skewToleranceMs: 30_000,
  maxAgeMs: 30_000,
  sealedOctets: 4_000_000,
  inflatedOctets: 8_000_000,
};
export const [ALICE, BOB, EVE, STRANGER] = ['alice', 'bob', 'eve', 'stranger'].map((name) => {
  return makeNodeKeys(`http://${name}.test`, NOW);
}) as [NodeKeys, NodeKeys, NodeKeys, NodeKeys];
export const CALL: FastCall = { kind: 'redeem', nonces: ['nonce'], reads: [null], ask: 1 };

/** The wall clock of all channels. */
export const clock: { ms: number } = { ms: NOW };
const opened: Channel[] = [];
/** Closes them, and sets the clock back. */
export async function end(): Promise<void> {
  clock.ms = NOW;
  await Promise.all(opened.splice(0).map((channel) => channel.close()));
}

/** Two members that have spoken with each other. */
export async function pair(): Promise<[alice: Channel, bob: Channel]> {
  const [alice, bob] = pairOfStrangers();
  alice.heardBoot(bob.node, bob.boot);
  await exchange(alice, bob);
  return [alice, bob];
}

export function pairOfStrangers(): [alice: Channel, bob: Channel] {
  const [alice, bob, eve] = [ALICE.descriptor, BOB.descriptor, EVE.descriptor];
  return [channelOf(ALICE, [bob, eve]), channelOf(BOB, [alice, eve])];
}

export function channelOf(keys: NodeKeys, members: readonly NodeDescriptor[]): Channel {
  const options = { keys, clusterSecret: SECRET, nowMs: () => clock.ms, limits: LIMITS };
  const channel = openChannel(options);
  opened.push(channel);
  assert.equal(channel.members(members, []), []);
  return channel;
}

export async function exchange(asker: Channel, answerer: Channel): Promise<void> {
  const sent = await asker.sealAsk(answerer.node, 'ask', null);
  const asked: Asked = await answerer.openAsk(asker.node, sent.body);
  const body = await answerer.sealAnswer(asked, 'page');
  assert.is(await asker.openAnswer(sent, answerer.node, body), 'page');
}

export async function callFast(asker: Channel, answerer: Channel): Promise<void> {
  const sent = await asker.sealFast(answerer.node, CALL);
  const asked: FastAsked = await answerer.openFast(asker.node, sent.body);
  const body = await answerer.sealFastAnswer(asked, 'spent');
  assert.is(await asker.openFastAnswer(sent, answerer.node, body), 'spent');
}

export async function refused(name: RefusalName, work: () => Promise<unknown>): Promise<void> {
  await refusedAny([name], work);
}

export async function refusedAny(
  names: RefusalName[],
  work: () => Promise<unknown>,
): Promise<void> {
  const outcome = await work().catch((error: unknown) => error);
  if (!(outcome instanceof ChannelRefusal)) throw new Error(`not ${names}: ${String(outcome)}`);
  assert.ok(names.includes(outcome.refusal), `${names}, not ${outcome.message}`);
}

export async function throws(pattern: RegExp, work: () => Promise<unknown>): Promise<void> {
  const outcome = await work().then(
    () => 'nothing',
    (error: Error) => error.message,
  );
  assert.match(outcome, pattern);
}
