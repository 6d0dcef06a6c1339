// Which situations worth reaching has this run reached? It judges nothing: it counts what marks.ts
// names as far as observations show it, for the swarm to see that its faults do something.

import { rung } from '../../core/acme/records.ts';
import type { Record } from '../../core/crdt/record.ts';
import type { Checker } from '../checker.ts';
import { bodyOf, problemOf } from '../exchange-facts.ts';
import type { MarkName } from '../marks.ts';
import type { Observation } from '../observation.ts';

const STATUS_MARKS: { readonly [status: string]: MarkName } = {
  'order/valid': 'an order was issued',
  'certificate/revoked': 'a certificate was revoked',
  'account/deactivated': 'an account was deactivated',
  'authorization/deactivated': 'an authorization was deactivated',
  'authorization/invalid': 'a validation failed',
};

export function situations(): Checker {
  const marks = new Map<string, number>();
  const count = (name: MarkName): void => {
    marks.set(name, (marks.get(name) ?? 0) + 1);
  };
  return {
    name: 'situations',
    watches: ['step', 'durable', 'crash', 'stop', 'disk', 'dropped', 'reply'],
    observe: (observation) => {
      see(observation, count);
      return undefined;
    },
    marks: () => marks,
    atEnd: () => [],
  };
}

function see(observation: Observation, count: (name: MarkName) => void): void {
  switch (observation.kind) {
    case 'step':
      seeStep(observation, count);
      return;
    case 'durable':
      for (const { records } of observation.changes) {
        for (const record of records) seeRecord(record, count);
      }
      return;
    case 'crash':
      if (observation.lost.length > 0) count('a crash lost changes');
      if (observation.point.at === 'effect') count('a crash fell in the middle of a step');
      if (observation.point.at === 'durable') count('a crash fell between commit and answer');
      return;
    case 'stop':
      count('a commit failed');
      return;
    case 'disk':
      if (observation.how === 'restored') count('a backup was put back');
      if (observation.how === 'emptied') count('a node came back empty');
      return;
    case 'dropped':
      count('a message was lost');
      return;
    case 'reply':
      seeReply(observation, count);
  }
}

function seeStep(
  { input, effects }: Extract<Observation, { kind: 'step' }>,
  count: (name: MarkName) => void,
): void {
  if (input.kind === 'abandon') count('a request was abandoned');
  const isChore = input.kind === 'boot' || input.kind === 'loaded';
  let isAnswered = false;
  for (const { kind } of effects) {
    if (kind === 'load' && input.kind === 'request') count('a request was parked for rows');
    if (kind === 'respond') isAnswered = true;
    if ((kind === 'validate' || kind === 'issue') && isChore)
      count('work was taken up after a start');
  }
  const mayWake = input.kind === 'issued' || input.kind === 'validated';
  if (isAnswered && mayWake) count('a request waited for a record');
}

function seeRecord(record: Record, count: (name: MarkName) => void): void {
  const name = STATUS_MARKS[`${record.kind}/${rung(record, 'status')}`];
  if (name !== undefined) count(name);
}

function seeReply(
  { reply }: Extract<Observation, { kind: 'reply' }>,
  count: (name: MarkName) => void,
): void {
  if (reply.kind !== 'response') return;
  const { response } = reply;
  if (problemOf(response) === 'badNonce') count('a nonce was refused');
  const isReady = response.route === 'new-order' && response.status === 201;
  if (isReady && bodyOf(response)['status'] === 'ready') count('an authorization was used again');
}
