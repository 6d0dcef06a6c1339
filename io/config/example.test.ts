import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { renderErrors } from './config-error.ts';
import { effectiveConfig } from './effective.ts';
import { exampleConfig } from './example.ts';
import { indexToml } from './locate.ts';
import { readConfig } from './read.ts';
import { SCHEMA } from './schema.ts';
import { isSection, type Leaf, type SettingTable } from './setting.ts';

const EXAMPLE = exampleConfig();
/** Settings are commented as `#key`, words as `# word`. */
const UNCOMMENTED = EXAMPLE.replace(/^#(?! )/gm, '');

interface Named {
  readonly path: readonly string[];
  readonly setting: Leaf;
}

/** Every setting with the path it has in the example. */
function leaves(table: SettingTable, path: readonly string[] = []): readonly Named[] {
  return Object.entries(table).flatMap(([key, setting]): readonly Named[] => {
    const at = [...path, key];
    if (!isSection(setting)) return [{ path: at, setting }];
    const named = setting.type === 'section-map' ? [...at, setting.exampleName] : at;
    return leaves(setting.keys, named);
  });
}

test('akamu.example.toml is what the schema says', () => {
  const file = new URL('../../../akamu.example.toml', import.meta.url);
  assert.fixture(readFileSync(file, 'utf8'), EXAMPLE);
});

test('the example parses to the defaults', () => {
  const example = readConfig(EXAMPLE, 'akamu.example.toml');
  const defaults = readConfig('', 'defaults');
  assert.ok(example.ok && defaults.ok);
  assert.equal(example.config, defaults.config);
});

test('the example names every setting, and every default in the words above it', () => {
  const index = indexToml(UNCOMMENTED);
  for (const { path, setting } of leaves(SCHEMA)) {
    const places = path.map((_, at) => index.find([...path.slice(0, at), 0, ...path.slice(at)]));
    assert.ok([index.find(path), ...places].some(Boolean), path.join('.'));
    if (setting.default === undefined || setting.type === 'text-map') continue;
    const shown = Array.isArray(setting.default)
      ? `[${setting.default.map((each) => JSON.stringify(each)).join(', ')}]`
      : JSON.stringify(setting.default);
    assert.ok(EXAMPLE.includes(`# Default: ${shown}.`), `${path.join('.')} = ${shown}`);
  }
});

test('a setting in a section that is on stands there with its default', () => {
  const written: unknown = parse(EXAMPLE);
  for (const { path, setting } of leaves(SCHEMA)) {
    const optional = ['gossip', 'client_auth', 'signing_key', 'cosigners', 'providers'];
    if (path.some((part) => optional.includes(part)) || setting.default === undefined) continue;
    if (setting.type === 'text-map') continue;
    const value = path.reduce<unknown>((table, key) => {
      const one = Array.isArray(table) ? table[0] : table;
      return (one as Readonly<Record<string, unknown>>)[key];
    }, written);
    assert.equal(value, setting.default, path.join('.'));
  }
});

test('with every commented setting switched on, only the example secret is refused', () => {
  const result = readConfig(UNCOMMENTED, 'akamu.toml', []);
  assert.is(result.ok, false);
  const messages = result.ok ? [] : result.errors.map(({ message }) => message);
  assert.equal(messages, ['this is the example key, which everybody knows']);
  const mended = UNCOMMENTED.replace(/^("client-1" = ).*$/m, `$1"${'A'.repeat(43)}"`);
  const again = readConfig(mended, 'akamu.toml', []);
  assert.ok(again.ok, again.ok ? '' : renderErrors(again.errors));
});

test('the example recommends 30 seconds of clock skew', () => {
  assert.match(EXAMPLE, /^#clock_skew_tolerance_secs = 30$/m);
  assert.match(EXAMPLE, /^# Default: tombstone_ttl_secs\./m);
});

test('no line of the example is longer than 100 characters', () => {
  assert.equal(
    EXAMPLE.split('\n').filter((line) => line.length > 100),
    [],
  );
});

test('the effective configuration shows no secret', () => {
  const text = `[database]\nurl = "postgres://u:hunter2@h/d"\n[server.eab_keys]\nk = "${'B'.repeat(42)}A"\n`;
  const result = readConfig(text, 'f', []);
  assert.ok(result.ok);
  const shown = JSON.stringify(effectiveConfig(result.config));
  assert.not.match(shown, /hunter2|BBBB/);
  assert.match(shown, '"url":"postgres://u:[redacted]@h/d"');
  assert.match(shown, '"eab_keys":{"k":"[redacted]"}');
});

test.run();
