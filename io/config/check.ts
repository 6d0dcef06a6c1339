// Checks one value of akamu.toml against its setting: the type, the bounds, the format, the choice.
// Invariant: what passes has exactly the type the configuration's interface gives the field.
// A complaint never repeats the value of a secret. Never here: where the value stands in the file,
// relations to other values (relations.ts).

import { nearest } from '../../core/suggest.ts';
import { quote } from './config-error.ts';
import { checkFormat } from './format.ts';
import type { Leaf } from './setting.ts';

export interface ValueFault {
  /** The element of a list, or the name in a map, that is wrong; empty for the value itself. */
  readonly within: readonly (string | number)[];
  /** Set when the name is at fault, and not what it stands for. */
  readonly at?: 'key';
  readonly message: string;
  readonly fix: string;
}

/** All that is wrong with `value`; empty when it fits. `name` is the key, for the message. */
export function checkValue(name: string, setting: Leaf, value: unknown): readonly ValueFault[] {
  switch (setting.type) {
    case 'text':
      return checkText(name, setting.format, value, []);
    case 'integer':
      return checkInteger(name, setting, value);
    case 'flag':
      return typeof value === 'boolean' ? [] : [wrongType(name, 'true or false', value)];
    case 'choice':
      return checkChoice(name, setting.values, value, []);
    case 'texts':
      return checkList(name, setting, value, (element, at) =>
        checkText(name, setting.format, element, at),
      );
    case 'choices':
      return checkList(name, setting, value, (element, at) =>
        checkChoice(name, setting.values, element, at),
      );
    case 'text-map':
      return checkTextMap(name, setting, value);
  }
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** What a TOML value is, in TOML's words. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return 'a date';
  if (isTable(value)) return 'a table';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return String(value);
  return 'a number';
}

function wrongType(
  name: string,
  wanted: string,
  value: unknown,
  within: readonly (string | number)[] = [],
): ValueFault {
  const message = `${quoteName(name)} must be ${wanted}, not ${kindOf(value)}`;
  return { within, message, fix: `write ${wanted}` };
}

function checkText(
  name: string,
  format: Extract<Leaf, { type: 'text' }>['format'],
  value: unknown,
  within: readonly (string | number)[],
): readonly ValueFault[] {
  if (typeof value !== 'string') return [wrongType(name, 'text in quotes', value, within)];
  const complaint = checkFormat(format, value);
  if (complaint === undefined) return [];
  return [{ within, message: `${quoteName(name)} ${complaint.message}`, fix: complaint.fix }];
}

function checkInteger(
  name: string,
  setting: Extract<Leaf, { type: 'integer' }>,
  value: unknown,
): readonly ValueFault[] {
  const { min, max, unit } = setting;
  const whole = Number.isSafeInteger(value);
  if (whole && Number(value) >= min && Number(value) <= max) return [];
  const counted = unit === 'count' || unit === 'port' ? '' : ` of ${unit}`;
  const kind = typeof value === 'number' ? 'a fraction' : kindOf(value);
  const label = quoteName(name);
  const message = whole
    ? `${label} is out of bounds`
    : `${label} must be a whole number, not ${kind}`;
  return [{ within: [], message, fix: `write a whole number${counted} from ${min} to ${max}` }];
}

function checkChoice(
  name: string,
  values: readonly string[],
  value: unknown,
  within: readonly (string | number)[],
): readonly ValueFault[] {
  if (typeof value !== 'string') return [wrongType(name, 'text in quotes', value, within)];
  if (values.includes(value)) return [];
  const close = nearest(value, values);
  const all = values.map((choice) => `"${choice}"`).join(', ');
  const fix = close === undefined ? `write one of ${all}` : `did you mean "${close}"? (${all})`;
  return [{ within, message: `${quoteName(name)} cannot be ${quote(value)}`, fix }];
}

function checkList(
  name: string,
  setting: { readonly min: number; readonly max?: number; readonly values?: readonly string[] },
  value: unknown,
  checkElement: (element: unknown, at: readonly (string | number)[]) => readonly ValueFault[],
): readonly ValueFault[] {
  if (!Array.isArray(value)) {
    const fault = wrongType(name, 'an array of texts', value);
    const isPlain = typeof value === 'string' && /^[^"\\]{1,80}$/.test(value);
    const isElement = isPlain && checkElement(value, []).length === 0;
    return [isElement ? { ...fault, fix: `write [${quote(value)}]` } : fault];
  }
  const max = setting.max ?? setting.values?.length ?? 0;
  const repeated = value.findIndex((element, index) => value.indexOf(element) < index);
  const faults = value.flatMap((element: unknown, index) => checkElement(element, [index]));
  if (value.length < setting.min || value.length > max) {
    const message = `${quoteName(name)} has ${value.length} elements`;
    return [...faults, { within: [], message, fix: `give it ${setting.min} to ${max}` }];
  }
  if (repeated < 0) return faults;
  const message = `${quoteName(name)} names an element twice`;
  return [...faults, { within: [repeated], message, fix: 'remove one of the two' }];
}

function checkTextMap(
  name: string,
  setting: Extract<Leaf, { type: 'text-map' }>,
  value: unknown,
): readonly ValueFault[] {
  if (!isTable(value)) return [wrongType(name, 'a table of name = "text"', value)];
  const entries = Object.entries(value);
  if (entries.length > setting.max) {
    const message = `${quoteName(name)} has ${entries.length} entries`;
    return [{ within: [], message, fix: `give it at most ${setting.max}` }];
  }
  return entries.flatMap(([key, text]) => {
    const complaint = checkFormat(setting.nameFormat, key);
    if (complaint !== undefined) {
      const message = `${quote(key)} ${complaint.message}`;
      return [{ within: [key], at: 'key', message, fix: complaint.fix }];
    }
    return checkText(key, setting.format, text, [key]);
  });
}

function quoteName(name: string): string {
  return quote(name).slice(1, -1);
}
