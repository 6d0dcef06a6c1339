// The thread that seals and opens: ML-KEM alone takes a millisecond or two a message, compression as
// much for a page, and no ACME request shall wait for that.
// Content crosses the threads as JSON text, which costs the main thread less than a structured
// clone would, and is what a message carries. Invariant: requests are done one after the other, in the order they came.
// Never here: which checks there are (sealed-messages.ts).

import { parentPort, workerData } from 'node:worker_threads';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { ChannelLimits } from './channel.ts';
import { type JsonText, packText, unpackText } from './content.ts';
import type { NodeKeys } from './node-keys.ts';
import { ChannelRefusal, type RefusalName } from './refusal.ts';
import { type Expected, type Outgoing, SealedMessages } from './sealed-messages.ts';

/** What the thread is started with. */
export interface WorkerStart {
  readonly keys: NodeKeys;
  readonly boot: string;
  readonly limits: ChannelLimits;
  /** One word that both threads see: 1 once nobody waits for outcomes any more. */
  readonly closed: Int32Array;
}

export type Task =
  | readonly ['members', readonly NodeDescriptor[], readonly string[]]
  | readonly ['keys', NodeKeys]
  | readonly ['seal', Outgoing, JsonText, number]
  | readonly ['open', Expected, Uint8Array, number]
  | readonly ['pack', JsonText]
  | readonly ['unpack', Uint8Array]
  /** Only wakes a thread that is to end. */
  | readonly ['close'];

/** The answer to each task, in order: what it yields, or why it was refused or failed. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly refusal: RefusalName; readonly detail: string }
  | { readonly failure: string };

function main(port: NonNullable<typeof parentPort>): void {
  const { keys, boot, limits, closed } = workerData as WorkerStart;
  const messages = new SealedMessages(keys, boot, limits);
  port.on('message', (task: Task) => {
    if (Atomics.load(closed, 0) === 1) {
      port.close();
      return;
    }
    const outcome = attempt(() => perform(messages, limits, task));
    const value = 'value' in outcome ? outcome.value : undefined;
    const isWhole = value instanceof Uint8Array && value.byteLength === value.buffer.byteLength;
    port.postMessage(outcome, isWhole ? [value.buffer as ArrayBuffer] : []);
  });
}

function perform(messages: SealedMessages, limits: ChannelLimits, task: Task): unknown {
  switch (task[0]) {
    case 'members':
      return messages.members(task[1], task[2]);
    case 'keys':
      return messages.renew(task[1]);
    case 'seal':
      return messages.seal(task[1], task[2], task[3]);
    case 'open':
      return messages.open(task[1], task[2], task[3]);
    case 'pack':
      return packText(task[1]);
    case 'unpack':
      return unpackText(task[1], limits.inflatedOctets);
    case 'close':
      return undefined;
  }
}

function attempt(work: () => unknown): Outcome {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof ChannelRefusal) return { refusal: error.refusal, detail: error.detail };
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

if (parentPort !== null) main(parentPort);
