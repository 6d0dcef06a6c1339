// A seeded defect: a small, named exchange of one part of a node's build, to prove that the
// simulator finds it. Wrappers sit around the node's door, its disk, its primitives and its CA; the
// core itself has no branch for any of them.
// Invariant: a defect keeps its state in one run; two runs of one seed are the same.
// Never here: any particular defect.

import type { Json, Record } from '../../core/crdt/record.ts';
import type { Effect, WebResponse } from '../../core/effect.ts';
import type { Input } from '../../core/input.ts';
import type { Primitives } from '../../core/primitives.ts';
import type { Now } from '../../core/time.ts';
import { createNode } from '../build.ts';
import { cheapCrypto } from '../crypto.ts';
import type { Disk } from '../disk.ts';
import type { Machine } from '../machine.ts';
import type { Changes } from '../observation.ts';
import type { Options } from '../options.ts';
import type { Build, Stage } from '../stage.ts';

export interface Mutant {
  /** The defect as a sentence. */
  readonly name: string;
  /** What the exchanged part does. */
  readonly what: string;
  /** Checkers that should catch it, likeliest first; one is enough. */
  readonly catchers: readonly string[];
  /** Seeds within which it must be caught, wherever one begins. */
  readonly seeds: number;
  /** Settings beside those of `WORLD` that make it likely to matter. */
  readonly options?: Partial<Options>;
  /** The failure of the system our users know that it stands for, by its number there. */
  readonly failure?: number;
  /** What is done to the world besides, whether the build is sound or not. */
  readonly basis?: Damage;
  readonly build: Damage;
  /** Methods of the core that behave otherwise, for as long as a defective run goes on. */
  readonly patches?: readonly Patch[];
}

/** A method exchanged for another. Gives back what undoes it. */
export type Patch = () => () => void;

export type Damage = (sound: Build) => Build;
export type Step = (now: Now, input: Input) => readonly Effect[];
export type Persist = Extract<Effect, { kind: 'persist' }>;
export type Members = { readonly [member: string]: Json };

/** Where a process runs. */
export interface Place {
  readonly machine: Machine;
  readonly stage: Stage;
}

/** Nothing is done to the build: the defect is all in patches. */
export const AS_IT_IS: Damage = (build) => build;

/** A method of a class of the core made anew; `make` gets the real one. */
export function patch<C, K extends keyof C>(
  of: { readonly prototype: C },
  method: K,
  make: (real: C[K]) => C[K],
): Patch {
  return () => {
    const { prototype } = of;
    const real = prototype[method];
    prototype[method] = make(real);
    return () => {
      prototype[method] = real;
    };
  };
}

/** Puts itself between each process and its node. `make` is called at every start. */
export function onStep(make: (step: Step, place: Place) => Step): Damage {
  return (sound) => ({
    ...sound,
    createNode: (machine, stage) => {
      const node = sound.createNode(machine, stage);
      node.step = make(node.step.bind(node), { machine, stage });
      return node;
    },
  });
}

/** Replaces each effect of a node by others; `make` is called at every start. */
export function onEffect(
  make: (place: Place) => (effect: Effect, input: Input, now: Now) => readonly Effect[],
): Damage {
  return onStep((step, place) => {
    const edit = make(place);
    return (now, input) => step(now, input).flatMap((effect) => edit(effect, input, now));
  });
}

/** Replaces records on their way to the disk; undefined leaves one out. */
export function onRecord(
  edit: (record: Record, input: Input, place: Place) => Record | undefined,
): Damage {
  return onEffect((place) => (effect, input) => {
    if (effect.kind !== 'persist') return [effect];
    const records = effect.records.flatMap((record) => edit(record, input, place) ?? []);
    return [{ ...effect, records }];
  });
}

/** Replaces answers to clients. */
export function onAnswer(edit: (response: WebResponse) => WebResponse): Damage {
  return onEffect(() => (effect) => {
    if (effect.kind !== 'respond') return [effect];
    return [{ ...effect, response: edit(effect.response) }];
  });
}

/** Replaces pages before they are sent. */
export function onTell(edit: (page: Members, place: Place) => Members): Damage {
  return onEffect((place) => (effect) => {
    if (effect.kind === 'ask' && effect.push !== null) {
      return [{ ...effect, push: edit(effect.push as Members, place) }];
    }
    if (effect.kind !== 'tell' || !isPage(effect.page)) return [effect];
    return [{ ...effect, page: edit(effect.page as Members, place) }];
  });
}

/** Neither a verdict about a nonce nor the wish to have something said again. */
function isPage(told: Json): boolean {
  return membersOf(told)?.['records'] !== undefined;
}

/** Replaces inputs; undefined swallows one. */
export function onInput(edit: (input: Input, place: Place, now: Now) => Input | undefined): Damage {
  return onStep((step, place) => (now, input) => {
    const edited = edit(input, place, now);
    return edited === undefined ? [] : step(now, edited);
  });
}

/** Replaces pages as they are taken in. */
export function onTold(edit: (page: Members, place: Place, now: Now) => Members): Damage {
  return onInput((input, place, now) => {
    if (input.kind === 'asked' && input.push !== null) {
      return { ...input, push: edit(input.push as Members, place, now) };
    }
    if (input.kind !== 'told' || !isPage(input.page)) return input;
    return { ...input, page: edit(input.page as Members, place, now) };
  });
}

/** Puts itself before every commit of every disk. */
export function onCommit(
  commit: (apply: (changes: Changes) => void, changes: Changes, place: Place) => void,
): Damage {
  return (sound) => {
    const known = new Set<Disk>();
    return {
      ...sound,
      createNode: (machine, stage) => {
        const { disk } = machine;
        if (!known.has(disk)) {
          known.add(disk);
          const apply = disk.apply.bind(disk);
          disk.apply = (changes) => commit(apply, changes, { machine, stage });
        }
        return sound.createNode(machine, stage);
      },
    };
  };
}

/** Exchanges primitives. */
export function onPrimitives(
  change: (real: Primitives, machine: Machine) => Partial<Primitives>,
): Damage {
  return (sound) => ({
    ...sound,
    createNode: (machine, stage) => {
      const crypto = cheapCrypto();
      const primitives = { ...crypto.primitives, ...change(crypto.primitives, machine) };
      return createNode(machine, stage, { ...crypto, primitives });
    },
  });
}

/** The page of a peer that an input brings: as an answer, or handed over with an ask. */
export function pageIn(input: Input): Members | undefined {
  if (input.kind === 'told') return input.page as Members;
  if (input.kind !== 'asked' || input.push === null) return undefined;
  return input.push as Members;
}

/** The records of a page, each edited; undefined leaves one out. */
export function editRecords(page: Members, edit: (record: Record) => Record | undefined): Members {
  const records = (page['records'] as readonly Json[]).flatMap((entry): readonly Json[] => {
    const [kind, id, origin, seq, fields] = entry as [string, string, string, number, Members];
    const record = edit({ kind, id, dot: { origin, seq }, fields });
    if (record === undefined) return [];
    return [[record.kind, record.id, record.dot.origin, record.dot.seq, record.fields]];
  });
  return { ...page, records };
}

/** The members of `value`, when it is an object. */
export function membersOf(value: Json | undefined): Members | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Members) : undefined;
}

/** True once in every `count` calls. */
export function everyNth(count: number): () => boolean {
  let calls = 0;
  return () => ++calls % count === 0;
}
