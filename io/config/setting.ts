// What a setting of akamu.toml is: its shape, its presence, its words. The parser, the example
// file and the documentation all read these tables and nothing else.
// Invariant: `Keys<T>` of an interface has exactly one setting per field, of a shape that yields the
// field's type. Never here: a particular setting (schema.ts), or how one is checked (check.ts).

import type { FormatName } from './format.ts';

/** Every setting says what it is, and what breaks when it is wrong. */
export interface Words {
  readonly doc: string;
  readonly breaks: string;
}

/** Where a value comes from when the file has none. Exactly one of the four is given. */
export interface Presence<T> {
  readonly default?: T;
  /** A sentence: the default follows from another setting (derived.ts). */
  readonly derived?: string;
  readonly required?: true;
  readonly optional?: true;
  /** Shown in the example file when there is no default; always a valid value. */
  readonly example?: T;
}

type Present<T> =
  | { readonly default: T; readonly example?: T }
  | { readonly derived: string; readonly example: T }
  | { readonly required: true; readonly example: T };
type Absent<T> = { readonly optional: true; readonly example: T };

export interface TextShape {
  readonly type: 'text';
  readonly format: FormatName;
}
export interface IntegerShape {
  readonly type: 'integer';
  readonly unit: 'seconds' | 'days' | 'years' | 'bytes' | 'port' | 'count';
  readonly min: number;
  readonly max: number;
}
export interface FlagShape {
  readonly type: 'flag';
}
export interface ChoiceShape<T extends string = string> {
  readonly type: 'choice';
  readonly values: readonly T[];
}
export interface TextsShape {
  readonly type: 'texts';
  readonly format: FormatName;
  readonly min: number;
  readonly max: number;
}
export interface ChoicesShape<T extends string = string> {
  readonly type: 'choices';
  readonly values: readonly T[];
  readonly min: number;
}
export interface TextMapShape {
  readonly type: 'text-map';
  readonly nameFormat: FormatName;
  readonly format: FormatName;
  /** Its values are never drawn, printed or logged. */
  readonly secret?: true;
  readonly max: number;
}

/** A table of settings. An optional one that is absent is undefined, others take all defaults. */
export interface SectionShape<T = unknown> extends Words {
  readonly type: 'section';
  readonly keys: KeysOf<T>;
  readonly optional?: true;
}
/** An array of tables; `min: 1` means that one of all defaults is there when the file has none. */
export interface SectionsShape<T = unknown> extends Words {
  readonly type: 'sections';
  readonly keys: KeysOf<T>;
  readonly min: 0 | 1;
  readonly max: number;
}
/** Tables under names the operator chooses. */
export interface SectionMapShape<T = unknown> extends Words {
  readonly type: 'section-map';
  readonly keys: KeysOf<T>;
  readonly nameFormat: FormatName;
  readonly exampleName: string;
  readonly max: number;
}

type LeafShape =
  | TextShape
  | IntegerShape
  | FlagShape
  | ChoiceShape
  | TextsShape
  | ChoicesShape
  | TextMapShape;

export type Leaf = LeafShape & Words & Presence<LeafValue>;
export type Section = SectionShape | SectionsShape | SectionMapShape;
export type Setting = Leaf | Section;
export type SettingTable = Readonly<Record<string, Setting>>;
export type LeafValue =
  | string
  | number
  | boolean
  | readonly string[]
  | Readonly<Record<string, string>>;

/** The settings of an interface: one per field, under its TOML name. */
export type Keys<T> = {
  readonly [K in keyof T & string as SnakeCase<K>]-?: undefined extends T[K]
    ? SettingFor<Exclude<T[K], undefined>, true>
    : SettingFor<T[K], false>;
};

type KeysOf<T> = unknown extends T ? SettingTable : Keys<T>;

type SettingFor<T, Optional extends boolean> = [T] extends [boolean]
  ? LeafFor<FlagShape, boolean, Optional>
  : [T] extends [number]
    ? LeafFor<IntegerShape, number, Optional>
    : [T] extends [string]
      ? LeafFor<string extends T ? TextShape : ChoiceShape<T>, T, Optional>
      : [T] extends [ReadonlyMap<string, infer V>]
        ? [V] extends [string]
          ? LeafFor<TextMapShape, Readonly<Record<string, string>>, Optional>
          : SectionMapShape<V>
        : [T] extends [readonly (infer E)[]]
          ? [E] extends [string]
            ? LeafFor<ListShape<E & string>, readonly E[], Optional>
            : SectionsShape<E>
          : SectionShape<T> & (Optional extends true ? { readonly optional: true } : unknown);

type ListShape<E extends string> = string extends E ? TextsShape : ChoicesShape<E>;

type LeafFor<Shape, T, Optional extends boolean> = Shape &
  Words &
  (Optional extends true ? Absent<T> : Present<T>);

type SnakeCase<S extends string> = S extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${SnakeCase<Tail>}`
  : '';

/** `order_expiry_secs` is `orderExpirySecs` in the program. */
export function fieldName(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export function isSection(setting: Setting): setting is Section {
  return (
    setting.type === 'section' || setting.type === 'sections' || setting.type === 'section-map'
  );
}
