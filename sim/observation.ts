// What can be seen of a run, in the order it happens: the only thing that checkers, the trace and
// its hash read. Observations are plain data that nobody may change.
// Invariant: whatever makes a difference to the outcome of a run is observed. Never here: opinions.
//
// Legend: `node`, `client` count from 0; times are virtual microseconds; `boot` counts the starts
// of a node from 1. Reads as: step (the core got an input and returned effects), durable (a commit
// is on disk), visible (an effect has left the effect log), crash / stop (a process died of a
// fault / of itself), start (a process begins with what its disk holds), disk (somebody put another
// disk in), sent / delivered / dropped (a message), call / reply (a request as its client sees it),
// fault (a decision takes effect, or ends), phase, mark (a situation worth reaching), note.

import type { Record, RecordKey } from '../core/crdt/record.ts';
import type { Effect, WebResponse } from '../core/effect.ts';
import type { Input, WebRequest } from '../core/input.ts';
import type { Now } from '../core/time.ts';
import type { DiskView } from './disk.ts';
import type { Message } from './message.ts';
import type { Decision } from './plan.ts';

/** Changes of one persist effect. */
export interface Changes {
  readonly records: readonly Record[];
  readonly forget: readonly RecordKey[];
  readonly facts: ReadonlyMap<string, string | null>;
}

/** Everything between two faults that stop a process: where it was when it died. */
export type CrashPoint =
  /** Between events, or before effect `index` of a step; `next` is that effect's kind. */
  | { readonly at: 'idle' }
  | { readonly at: 'effect'; readonly index: number; readonly next: string }
  /** Before a commit is handed to the disk; after it became durable, before anybody knows. */
  | { readonly at: 'commit' }
  | { readonly at: 'durable' }
  /** After the commit, before this effect becomes visible. */
  | { readonly at: 'visible'; readonly next: string };

/** What came of a call: an answer, or a connection that was refused or broke. */
export type Reply =
  | { readonly kind: 'response'; readonly response: WebResponse }
  | { readonly kind: 'refused' }
  | { readonly kind: 'reset' };

export const PHASES = ['safety', 'liveness', 'end'] as const;
export type Phase = (typeof PHASES)[number];

interface Seen {
  readonly atUs: number;
}
interface AtNode extends Seen {
  readonly node: number;
}

export type Observation =
  | (AtNode & {
      readonly kind: 'start';
      readonly boot: number;
      readonly id: string;
      readonly disk: DiskView;
    })
  | (AtNode & {
      readonly kind: 'step';
      readonly now: Now;
      readonly input: Input;
      readonly effects: readonly Effect[];
    })
  /** The disk already holds it. */
  | (AtNode & { readonly kind: 'durable'; readonly changes: readonly Changes[] })
  | (AtNode & { readonly kind: 'visible'; readonly effect: Effect })
  /** `lost`: changes that were not durable, oldest first. */
  | (AtNode & {
      readonly kind: 'crash';
      readonly point: CrashPoint;
      readonly lost: readonly Changes[];
    })
  | (AtNode & {
      readonly kind: 'stop';
      readonly reason: string;
      readonly lost: readonly Changes[];
    })
  /** The node is down, and its disk is another from now on. */
  | (AtNode & {
      readonly kind: 'disk';
      readonly how: 'restored' | 'emptied' | 'cloned';
      readonly disk: DiskView;
      /** For a restored one: when the backup was taken. */
      readonly ofUs: number;
    })
  | (Seen & { readonly kind: 'sent'; readonly message: Message })
  | (Seen & { readonly kind: 'delivered'; readonly message: Message })
  | (Seen & { readonly kind: 'dropped'; readonly message: Message; readonly why: string })
  | (AtNode & {
      readonly kind: 'call';
      readonly client: number;
      readonly call: number;
      readonly web: WebRequest;
    })
  | (AtNode & {
      readonly kind: 'reply';
      readonly client: number;
      readonly call: number;
      readonly reply: Reply;
    })
  | (Seen & { readonly kind: 'fault'; readonly decision: Decision; readonly isOver: boolean })
  | (Seen & { readonly kind: 'phase'; readonly phase: Phase })
  | (Seen & { readonly kind: 'mark'; readonly name: string; readonly node: number })
  /** What an actor wants to be read in the trace; `node` and `client` are -1 when there is none. */
  | (AtNode & { readonly kind: 'note'; readonly client: number; readonly text: string });

export type ObservationKind = Observation['kind'];
