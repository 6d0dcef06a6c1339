// The configuration in force, for people and scripts to look at: TOML names, plain values.
// Invariant: no secret is in it, so it may be printed, logged and sent. Never here: parsing.

import { redact, redactUrl } from '../log.ts';
import type { Config } from './config.ts';
import { SCHEMA } from './schema.ts';
import { fieldName, isSection, type Leaf, type SettingTable } from './setting.ts';

/** A JSON value; settings without a value are left out. */
export function effectiveConfig(config: Config): Readonly<Record<string, unknown>> {
  return section(SCHEMA, config as unknown as Fields);
}

type Fields = Readonly<Record<string, unknown>>;

function section(keys: SettingTable, fields: Fields): Fields {
  const shown: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(keys)) {
    const value = fields[fieldName(key)];
    if (value === undefined) continue;
    if (!isSection(setting)) shown[key] = leaf(setting, value);
    else if (value instanceof Map) {
      shown[key] = Object.fromEntries(
        [...value].map(([name, each]) => [name, section(setting.keys, each as Fields)]),
      );
    } else if (Array.isArray(value)) {
      shown[key] = value.map((each) => section(setting.keys, each as Fields));
    } else shown[key] = section(setting.keys, value as Fields);
  }
  return shown;
}

function leaf(setting: Leaf, value: unknown): unknown {
  if (value instanceof Map) {
    const hide = setting.type === 'text-map' && setting.secret === true;
    return Object.fromEntries(
      [...value].map(([name, text]) => [name, hide ? redact(String(text)) : text]),
    );
  }
  const isUrl = setting.type === 'text' && setting.format === 'database-url';
  return isUrl ? redactUrl(String(value)) : value;
}
