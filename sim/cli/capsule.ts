// `--capsule FILE`: replays what a server recorded (`[debug] record_dir`) on the same core, and says
// whether every step came to the same effects.
// Invariant: the primitives are the server's own. Exit code 0 when all is the same, 2 when the
// recorded process died in the core and so did the replay, 5 when they differ.
// Never here: what a replay compares.

import { readFileSync } from 'node:fs';
import { type CapsuleLine, digestEffects, readCapsuleLine } from '../../io/capsule/capsule.ts';
import { createPrimitives } from '../../io/crypto/primitives.ts';
import { readCertificate } from '../../server/ca/certificate.ts';
import { readCsr } from '../../server/ca/csr.ts';
import { readPublicKey } from '../../server/ca/public-key.ts';
import { type CapsuleStep, replayCapsule } from '../capsule.ts';
import { RunningHash } from '../hash.ts';
import type { Observation } from '../observation.ts';
import { foldObservation } from '../trace-hash.ts';
import { lineOf, TRACE_LEGEND } from '../trace-line.ts';
import { NOT_DETERMINISTIC } from './one.ts';
import type { Command } from './session.ts';

const USAGE_CODE = 1;
const CRASH_CODE = 2;

export const runCapsule: Command = (session) => {
  const { values, flags } = session.arguments;
  const file = values.capsule!;
  const read = readCapsule(file);
  if (typeof read === 'string') {
    session.print(`${file}: ${read}`);
    return USAGE_CODE;
  }
  const { making, steps, notes } = read;
  session.print(`capsule=${file} node=${making.node} origin=${making.replica.origin}`);
  if (flags.has('trace')) for (const line of TRACE_LEGEND) session.print(line);
  const hash = new RunningHash();
  const primitives = createPrimitives({ readCsr, readCertificate, judgeSpki: readPublicKey });
  let index = 0;
  const replayed = replayCapsule(making, steps, primitives, digestEffects, (step, effects) => {
    const seen = observe(step, effects);
    foldObservation(hash, seen);
    if (flags.has('trace')) session.print(lineOf(seen, index));
    index++;
  });
  for (const note of notes) session.print(note);
  const { divergence } = replayed;
  session.print(`counts steps=${replayed.steps} of ${steps.length} effects=${replayed.effects}`);
  session.print(`trace hash ${hash.hex()}`);
  if (divergence !== undefined) {
    session.print(`step ${divergence.step} is not as recorded`);
    for (const line of divergence.story) session.print(`  ${line}`);
    session.print('verdict different');
    return NOT_DETERMINISTIC;
  }
  const death = steps.at(-1)?.end;
  session.print(death?.kind === 'threw' ? `verdict same crash: ${death.reason}` : 'verdict same');
  return death?.kind === 'threw' ? CRASH_CODE : 0;
};

interface Capsule {
  readonly making: Extract<CapsuleLine, { line: 'node' }>['making'];
  readonly steps: readonly CapsuleStep[];
  readonly notes: readonly string[];
}

function readCapsule(file: string): Capsule | string {
  try {
    const texts = readFileSync(file, 'utf8').split('\n');
    // What stands after the last end of line was being written when the process died.
    const cut = texts.pop();
    const lines = texts.map((text, index) => readLine(text, index + 1));
    const first = lines[0];
    if (first?.line !== 'node') return 'this is not a capsule: it does not begin with a node';
    const notes: string[] = [];
    if (lines.some(({ line }) => line === 'full')) {
      notes.push('the recording ended at its greatest size; the node went on');
    }
    if (cut !== '') notes.push('the last line is cut off');
    return { making: first.making, steps: stepsOf(lines.slice(1)), notes };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function readLine(text: string, number: number): CapsuleLine {
  try {
    return readCapsuleLine(text);
  } catch (error) {
    throw new Error(`line ${number}: ${error instanceof Error ? error.message : error}`);
  }
}

function stepsOf(lines: readonly CapsuleLine[]): readonly CapsuleStep[] {
  return lines.flatMap((line, index): CapsuleStep[] => {
    if (line.line !== 'input') return [];
    const { now, input } = line;
    const end = lines[index + 1];
    if (end?.line === 'done') {
      const { keyed, effects, digest } = end;
      return [{ now, input, keyed, end: { kind: 'done', effects, digest } }];
    }
    if (end?.line === 'threw') {
      return [{ now, input, keyed: end.keyed, end: { kind: 'threw', reason: end.reason } }];
    }
    // Without an end nothing is known of what it came to, nor of its keyed functions.
    return [];
  });
}

function observe(
  { now, input }: CapsuleStep,
  effects: Extract<Observation, { kind: 'step' }>['effects'],
): Observation {
  return { kind: 'step', atUs: Math.round(now.monoMs * 1000), node: 0, now, input, effects };
}
