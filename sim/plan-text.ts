// A decision in words, for traces, pages and reports; and lengths of time as people write them
// (`1m30s`), both ways.
// Invariant: `durationUs(durationText(x))` is x. Never here: files (scenario.ts).

import { unreachable } from '../core/assert.ts';
import { endpointName } from './message.ts';
import type { Decision } from './plan.ts';

/** Who it concerns, what is done, and how. */
export interface DecisionText {
  readonly who: string;
  readonly what: string;
  readonly details: string;
}

const UNITS: readonly (readonly [name: string, us: number])[] = [
  ['d', 86_400_000_000],
  ['h', 3_600_000_000],
  ['m', 60_000_000],
  ['s', 1_000_000],
  ['ms', 1000],
  ['us', 1],
];

/** Whole microseconds as `1h30m`, `250ms`, `-1d`; nothing is rounded. */
export function durationText(us: number): string {
  if (us === 0) return '0s';
  let rest = Math.abs(us);
  const parts = UNITS.flatMap(([name, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? [] : [`${count}${name}`];
  });
  return (us < 0 ? '-' : '') + parts.join('');
}

/** The length that a text like `1h30m` says, or undefined when it says none. */
export function durationUs(text: string): number | undefined {
  const match = /^(-?)((?:\d+(?:d|h|ms|us|m|s))+)$/.exec(text);
  if (match === null) return undefined;
  const parts = [...match[2]!.matchAll(/(\d+)(ms|us|d|h|m|s)/g)];
  const us = parts.reduce((sum, [, count, name]) => {
    return sum + Number(count) * UNITS.find(([unit]) => unit === name)![1];
  }, 0);
  if (!Number.isSafeInteger(us)) return undefined;
  return match[1] === '-' && us !== 0 ? -us : us;
}

export function describeDecision(decision: Decision): DecisionText {
  const who =
    'node' in decision
      ? `n${decision.node}`
      : decision.kind === 'client'
        ? `c${decision.client}`
        : '';
  return { who, what: verbText(decision), details: detailsText(decision) };
}

function verbText(decision: Decision): string {
  switch (decision.kind) {
    case 'client':
    case 'operator':
      return `${decision.kind}: ${decision.operation}`;
    case 'pause':
      return decision.suspend ? 'suspend' : 'pause';
    case 'disk':
      return decision.fails ? 'disk fails' : 'disk is slow';
    default:
      return decision.kind;
  }
}

function detailsText(decision: Decision): string {
  switch (decision.kind) {
    case 'crash':
      return `at boundary ${decision.boundary}, down for ${durationText(decision.downUs)}`;
    case 'pause':
      return `for ${durationText(decision.forUs)}`;
    case 'clock':
      return clockText(decision);
    case 'disk':
      return `${decision.slowdown}x slower for ${durationText(decision.forUs)}`;
    case 'restore':
      return `backup of ${durationText(decision.backupUs)}, down for ${durationText(decision.downUs)}`;
    case 'empty':
      return `down for ${durationText(decision.downUs)}`;
    case 'clone':
      return `of n${decision.source}, down for ${durationText(decision.downUs)}`;
    case 'partition': {
      const sides = [nodesText(decision.from), nodesText(decision.to)];
      return `${sides.join(decision.bothWays ? ' | ' : ' ↛ ')} for ${durationText(decision.forUs)}`;
    }
    case 'link':
      return linkText(decision);
    case 'join':
    case 'return':
      return '';
    case 'reload':
      return JSON.stringify(decision.policy);
    case 'client':
    case 'operator':
      return JSON.stringify(decision.with);
    default:
      return unreachable(decision);
  }
}

function clockText(decision: Extract<Decision, { kind: 'clock' }>): string {
  const { wallByUs, monoByUs, wallPpm, monoPpm, forUs } = decision;
  const parts: string[] = [];
  if (wallByUs !== 0) parts.push(`wall ${wallByUs > 0 ? '+' : ''}${durationText(wallByUs)}`);
  if (monoByUs !== 0) parts.push(`mono +${durationText(monoByUs)}`);
  if (wallPpm !== 0) parts.push(`wall drifts ${wallPpm} ppm`);
  if (monoPpm !== 0) parts.push(`mono drifts ${monoPpm} ppm`);
  if (wallPpm !== 0 || monoPpm !== 0) parts.push(`for ${durationText(forUs)}`);
  return parts.join(', ');
}

function linkText(decision: Extract<Decision, { kind: 'link' }>): string {
  const { from, to, delayUs, lossPpm, duplicatePpm, corruptPpm, forUs } = decision;
  const rates = [
    ['lost', lossPpm],
    ['twice', duplicatePpm],
    ['damaged', corruptPpm],
  ] as const;
  const bad = rates.flatMap(([name, ppm]) => (ppm === 0 ? [] : [`${ppm} ppm ${name}`]));
  const what = [`${durationText(delayUs)} slow`, ...bad].join(', ');
  return `${endpointName(from)} → ${endpointName(to)}: ${what}, for ${durationText(forUs)}`;
}

function nodesText(nodes: readonly number[]): string {
  return nodes.map(endpointName).join(' ');
}
