// One event of a trace as one line in fixed columns, at most 140 wide: number, virtual time, who,
// kind, what, details. What is too long is cut and ends in `…`.
// Invariant: equal observations give equal lines, and nothing in a line depends on the host.
// Never here: which lines are shown, the hash.

import { unreachable } from '../core/assert.ts';
import type { Effect } from '../core/effect.ts';
import type { Command, Input } from '../core/input.ts';
import { type Content, endpointName, type Message } from './message.ts';
import type { Changes, CrashPoint, Observation, Reply } from './observation.ts';
import { idOf } from './operator-acts.ts';
import { describeDecision } from './plan-text.ts';

/** An event without its number and time. */
export interface EventText {
  /** `n0` for node 0, `c0` for client 0, empty for the world. */
  readonly who: string;
  readonly what: string;
  readonly details: string;
}

const COLUMNS = { number: 8, time: 16, who: 5, kind: 9, what: 34 } as const;
const MAX_WIDTH = 140;

export const TRACE_LEGEND: readonly string[] = [
  line('number', 'time', 'who', 'kind', 'what', 'details'),
  '# time    virtual, h:mm:ss and microseconds, since the world began',
  '# who     n0 is node 0, c0 is client 0; empty: the world',
  '# start   a process begins with what its disk holds    stop  it died of itself    crash  of a fault',
  '# step    the core took an input; details: its effects, in order',
  '# durable a commit is on disk      visible  an effect has left the effect log',
  '# sent, delivered, dropped  a message by its number    call, reply  a request as its client sees it',
  '# fault   a decision takes effect, or is over    disk  another disk was put in    mark  a situation',
];

/** The line of an event; `index` counts from 0. */
export function lineOf(seen: Observation, index: number): string {
  const { who, what, details } = describe(seen);
  return line(String(index + 1), timeText(seen.atUs), who, seen.kind, what, details);
}

/** Virtual microseconds as `h:mm:ss.uuuuuu`. */
export function timeText(atUs: number): string {
  const whole = Math.floor(atUs / 1_000_000);
  const pad = (value: number, width: number): string => String(value).padStart(width, '0');
  const [hours, minutes, seconds] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  return `${hours}:${pad(minutes, 2)}:${pad(seconds, 2)}.${pad(atUs - whole * 1_000_000, 6)}`;
}

/** What an event says, in words. */
export function describe(seen: Observation): EventText {
  switch (seen.kind) {
    case 'start':
      return at(seen.node, `boot ${seen.boot}`, `as ${seen.id}`);
    case 'step':
      return at(seen.node, inputText(seen.input), seen.effects.map(effectText).join(', '));
    case 'durable':
      return at(seen.node, countText(seen.changes.length, 'commit'), changesText(seen.changes));
    case 'visible':
      return at(seen.node, effectText(seen.effect), '');
    case 'crash':
      return at(seen.node, pointText(seen.point), lostText(seen.lost));
    case 'stop':
      return at(seen.node, seen.reason, lostText(seen.lost));
    case 'disk': {
      const details = seen.how === 'restored' ? `backup of ${timeText(seen.ofUs)}` : '';
      return at(seen.node, seen.how, details);
    }
    case 'sent':
    case 'delivered':
      return messageText(seen.message, seen.kind === 'sent' ? 'from' : 'to', '');
    case 'dropped':
      return messageText(seen.message, 'to', seen.why);
    case 'call':
      return byClient(
        seen.client,
        `#${seen.call} ${seen.web.method} ${seen.web.target}`,
        seen.node,
      );
    case 'reply':
      return byClient(seen.client, `#${seen.call} ${replyText(seen.reply)}`, seen.node);
    case 'fault': {
      const { who, what, details } = describeDecision(seen.decision);
      return {
        who,
        what: seen.isOver ? `${what} is over` : what,
        details: seen.isOver ? '' : details,
      };
    }
    case 'phase':
      return { who: '', what: seen.phase, details: '' };
    case 'mark':
      return at(seen.node, seen.name, '');
    case 'note':
      return {
        who: seen.client >= 0 ? `c${seen.client}` : nodeName(seen.node),
        what: seen.text,
        details: '',
      };
    default:
      return unreachable(seen);
  }
}

function line(
  number: string,
  time: string,
  who: string,
  kind: string,
  what: string,
  details: string,
): string {
  const head = number.padStart(COLUMNS.number) + time.padStart(COLUMNS.time);
  const cells = `${who.padEnd(COLUMNS.who)}${kind.padEnd(COLUMNS.kind)}`;
  const shortWhat = details === '' ? what : cut(what, COLUMNS.what - 1).padEnd(COLUMNS.what);
  return cut(`${head}  ${cells} ${shortWhat}${details}`, MAX_WIDTH).trimEnd();
}

/** Text of at most `width` characters on one line. */
function cut(text: string, width: number): string {
  const flat = text.replace(/\p{Cc}/gu, ' ');
  return flat.length <= width ? flat : `${flat.slice(0, width - 1)}…`;
}

function at(node: number, what: string, details: string): EventText {
  return { who: nodeName(node), what, details };
}

function byClient(client: number, what: string, node: number): EventText {
  return { who: `c${client}`, what, details: `at ${nodeName(node)}` };
}

function nodeName(node: number): string {
  return node < 0 ? '' : `n${node}`;
}

function inputText(input: Input): string {
  switch (input.kind) {
    case 'request':
      return `request ${input.request} ${input.web.target}`;
    case 'abandon':
      return `abandon ${input.request}`;
    case 'loaded':
      return `loaded ${input.load}`;
    case 'validated': {
      const result = input.result.ok ? 'ok' : input.result.problem;
      return `validated ${input.authorization} ${input.type} ${result}`;
    }
    case 'issued':
      return `issued ${input.order} ${input.result.ok ? 'ok' : input.result.problem}`;
    case 'crl-built':
      return `crl-built ${input.ca} ${input.number}`;
    case 'asked':
    case 'told':
      return `${input.kind} by ${input.from}`;
    case 'unreachable':
    case 'call':
    case 'prepare':
      return `${input.kind} ${input.peer}`;
    case 'introduced':
      return `introduced ${input.descriptor.node}`;
    case 'unintroduced':
      return `unintroduced ${input.url}`;
    case 'redeem-asked':
      return `redeem-asked by ${input.from}`;
    case 'redeemed':
    case 'unredeemed':
      return `${input.kind} ${input.redemption}`;
    case 'administer':
      return `administer ${commandText(input.command)}`;
    case 'chore':
      return `chore ${input.chore}`;
    case 'lapse':
      return `lapse of ${input.record.kind} ${input.record.id}`;
    case 'boot':
    case 'tick':
    case 'configure':
      return input.kind;
    default:
      return unreachable(input);
  }
}

function effectText(effect: Effect): string {
  switch (effect.kind) {
    case 'persist':
      return `persist ${changesText([effect])}`;
    case 'respond':
      return `respond ${effect.request} ${effect.response.status}`;
    case 'load':
      return `load ${effect.load}`;
    case 'validate':
      return `validate ${effect.authorization} ${effect.request.type}`;
    case 'issue':
      return `issue ${effect.request.order}`;
    case 'build-crl':
      return `build-crl ${effect.number}`;
    case 'ask':
      return `ask ${effect.peer}`;
    case 'tell':
      return `tell ${effect.exchange}`;
    case 'introduce':
      return `introduce ${effect.url}`;
    case 'redeem':
      return `redeem ${effect.redemption} at ${effect.peer}`;
    case 'members':
      return `members ${effect.members.map(({ node }) => node).join(' ')}`;
    case 'mark':
      return `mark ${effect.name}`;
    case 'wake':
      return `wake ${effect.monoMs}`;
    case 'log':
      return `${effect.level} ${effect.target}: ${effect.message}`;
    default:
      return unreachable(effect);
  }
}

/** `order/a1b2, account/… -authorization/…`; a change of facts alone is `3 facts`. */
function changesText(changes: readonly Changes[]): string {
  const names = changes.flatMap(({ records, forget, facts }) => {
    if (records.length + forget.length === 0) return [countText(facts.size, 'fact')];
    return [
      ...records.map(({ kind, id }) => `${kind}/${shortId(id)}`),
      ...forget.map(({ kind, id }) => `-${kind}/${shortId(id)}`),
    ];
  });
  return names.join(' ');
}

function lostText(lost: readonly Changes[]): string {
  return lost.length === 0 ? 'nothing was unsynced' : `lost ${changesText(lost)}`;
}

function shortId(id: string): string {
  return id.length <= 8 ? id : id.slice(0, 8);
}

function pointText(point: CrashPoint): string {
  switch (point.at) {
    case 'idle':
      return 'between events';
    case 'effect':
      return `before effect ${point.index}, ${point.next}`;
    case 'commit':
      return 'before a commit';
    case 'durable':
      return 'after a commit';
    case 'visible':
      return `before ${point.next} is visible`;
    default:
      return unreachable(point);
  }
}

function replyText(reply: Reply): string {
  if (reply.kind !== 'response') return reply.kind;
  const { status, problem } = reply.response;
  return problem === undefined ? String(status) : `${status} ${problem}`;
}

function messageText(
  { id, from, to, content }: Message,
  end: 'from' | 'to',
  why: string,
): EventText {
  const route = `${endpointName(from)} → ${endpointName(to)}`;
  return {
    who: endpointName(end === 'from' ? from : to),
    what: `m${id} ${route} ${contentText(content)}`,
    details: why,
  };
}

/** What a message is, in a few words. */
export function contentText(content: Content): string {
  switch (content.kind) {
    case 'ask':
    case 'page':
    case 'redeem':
    case 'introduce':
    case 'introduction':
    case 'unreachable':
      return `${content.kind} ${content.exchange}`;
    case 'request':
      return `request #${content.call}`;
    case 'command':
      return `command ${commandText(content.command)} #${content.call}`;
    case 'rotate':
      return `rotate #${content.call}`;
    case 'hangup':
      return `hangup #${content.call}`;
    case 'response':
      return `response #${content.call} ${content.response.status}`;
    case 'reset':
      return `${content.refused ? 'refused' : 'reset'} #${content.call}`;
    default:
      return unreachable(content);
  }
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What an operator wants, and of what. */
function commandText(command: Command): string {
  switch (command.kind) {
    case 'remove':
      return `remove ${command.node}`;
    case 'revoke':
    case 'deactivate':
    case 'revoke-eab':
      return `${command.kind} ${idOf(command)}`;
    default:
      return command.kind;
  }
}
