// The house rules, enforced: what may stand in which folder, how files look, which direction
// imports go. Each rule names what it found and where. Never here: behaviour of the program.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = resolve(dirname(new URL(import.meta.url).pathname), '..');
/** `sim/cli` is the shell of the simulator: files and arguments, nothing that decides. */
const FOLDERS = ['core', 'io', 'sim/cli', 'sim', 'server', 'bench'] as const;
type Folder = (typeof FOLDERS)[number];

/** Which folders a folder's shipped code may import. */
const MAY_IMPORT: { readonly [F in Folder]: readonly Folder[] } = {
  core: [],
  io: ['core'],
  sim: ['core'],
  'sim/cli': ['core', 'io', 'sim', 'server'],
  server: ['core', 'io'],
  bench: ['core', 'io', 'server', 'sim'],
};

/** Where the same seed has to give the same trace, the host must not be seen. */
const PURE: readonly Folder[] = ['core', 'sim'];
const BANNED =
  /\b(Date\.now|new Date|Math\.random|Math\.(?:sin|cos|tan|exp|log|pow)\b|async|await|Promise|setTimeout|setInterval|setImmediate|queueMicrotask|performance|process\.|localeCompare|toLocale\w+|Intl|WeakRef|structuredClone)\b|from 'node:/;

const MAX_LINES = 400;
const TOP_LEVEL = new Set(
  `core io sim server scenarios bench deploy .ci .gitignore .gitattributes .editorconfig .npmrc
  package.json package-lock.json biome.json akamu.example.toml README.md ARCHITECTURE.md
  CHANGELOG.md LICENSE tidy.test.ts .git node_modules dist data coverage akamu.toml new.toml`.split(
    /\s+/,
  ),
);

interface Source {
  readonly path: string;
  readonly folder: Folder;
  readonly text: string;
  readonly isTest: boolean;
}

const SOURCES: readonly Source[] = ['core', 'io', 'sim', 'server', 'bench'].flatMap((top) => {
  return filesUnder(join(ROOT, top), '.ts').map((file) => {
    const path = relative(ROOT, file);
    const folder = folderOf(path);
    const isTest = /\.(?:test|contract)\.ts$|\/testing\//.test(path);
    return { path, folder, text: readFileSync(file, 'utf8'), isTest };
  });
});
const SHIPPED = SOURCES.filter(({ isTest }) => !isTest);
const TESTS = SOURCES.filter(({ path }) => path.endsWith('.test.ts'));

test('the rules look at a real tree', () => {
  assert.ok(SHIPPED.length > 50, `${SHIPPED.length} files`);
  assert.ok(TESTS.length > 30, `${TESTS.length} tests`);
});

test('core and sim never see clocks, chance, promises or the host', () => {
  const found = SHIPPED.filter(({ folder }) => PURE.includes(folder)).flatMap(({ path, text }) => {
    return codeLines(text).flatMap(([line, number]) => {
      return BANNED.test(line) ? [`${path}:${number}: ${line.trim()}`] : [];
    });
  });
  assert.equal(found, []);
});

test('imports go down the layers only', () => {
  const found = SHIPPED.flatMap(({ path, folder, text }) => {
    return importsOf(text).flatMap((specifier) => {
      if (!specifier.startsWith('.')) return [];
      const target = relative(ROOT, resolve(ROOT, dirname(path), specifier)).split(
        '/',
      )[0] as Folder;
      const isAllowed = target === folder || MAY_IMPORT[folder].includes(target);
      return isAllowed ? [] : [`${path} imports ${specifier}`];
    });
  });
  assert.equal(found, []);
});

test('shipped code does not import tests or their tools', () => {
  const found = SHIPPED.flatMap(({ path, text }) => {
    const bad = importsOf(text).filter((name) =>
      /\.test\.ts|\.contract\.ts|\/testing\//.test(name),
    );
    return bad.map((name) => `${path} imports ${name}`);
  });
  assert.equal(found, []);
});

test('files are nouns in kebab-case, with a header that says what they are', () => {
  const found = SOURCES.flatMap(({ path, text, isTest }) => {
    const name = basename(path).replace(/\.(?:test|fuzz\.test|contract)?\.?ts$/, '');
    const wrong: string[] = [];
    if (!/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/.test(name)) wrong.push(`${path}: name`);
    const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0;
    if (!isTest && !text.startsWith('// ', start)) wrong.push(`${path}: no header`);
    return wrong;
  });
  assert.equal(found, []);
});

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const long = SOURCES.filter(({ text }) => text.split('\n').length > MAX_LINES + 1);
  assert.equal(
    long.map(({ path, text }) => `${path}: ${text.split('\n').length}`),
    [],
  );
});

test('every test file runs its tests, and none is left out in silence', () => {
  const found = TESTS.flatMap(({ path, text }) => {
    const wrong: string[] = [];
    if (!/\.run\(\)/.test(text)) wrong.push(`${path}: never runs`);
    if (/\b(?:test|suite)\.(?:only|skip)\(/.test(text)) wrong.push(`${path}: only or skip`);
    if (/assert(?:\.ok)?\(true\)/.test(text)) wrong.push(`${path}: an assertion that cannot fail`);
    return wrong;
  });
  assert.equal(found, []);
});

test('every ACME problem type is provoked by a test', () => {
  const table = readFileSync(join(ROOT, 'core/acme/problem.ts'), 'utf8');
  const types = [...table.matchAll(/^ {2}(\w+): \d{3},$/gm)].map((match) => match[1]!);
  assert.ok(types.length >= 20, 'the table was found');
  const tests = SOURCES.filter(({ isTest }) => isTest)
    .map(({ text }) => text)
    .join('\n');
  // Reported by clients of later drafts or by features that are not there yet.
  const later = new Set(['alreadyReplaced', 'compound', 'rateLimited']);
  const untested = types.filter((type) => !later.has(type) && !tests.includes(type));
  assert.equal(untested, []);
});

test('every limit of the core is used', () => {
  const table = readFileSync(join(ROOT, 'core/limits.ts'), 'utf8');
  const names = [...table.matchAll(/^ {2}(\w+): [\d_]+,$/gm)].map((match) => match[1]!);
  const unused = names.filter((name) => {
    return !SHIPPED.some(({ path, text }) => {
      return path !== 'core/limits.ts' && text.includes(`LIMITS.${name}`);
    });
  });
  assert.equal(unused, []);
});

test('every scenario says why it exists', () => {
  const scenarios = existsSync(join(ROOT, 'scenarios'))
    ? filesUnder(join(ROOT, 'scenarios'), '.toml')
    : [];
  const silent = scenarios.filter((file) => !/^why = "/m.test(readFileSync(file, 'utf8')));
  assert.equal(silent, []);
});

test('the top level holds what was agreed and nothing else', () => {
  const extra = readdirSync(ROOT).filter((name) => {
    return !TOP_LEVEL.has(name) && !/^tsconfig.*\.json$|^dist-/.test(name);
  });
  assert.equal(extra, []);
});

function folderOf(path: string): Folder {
  const folder = FOLDERS.find((name) => path.startsWith(`${name}/`));
  assert.ok(folder, `${path} is in no folder of the house`);
  return folder!;
}

function filesUnder(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));
}

/** Lines of code with their numbers, without comments and the contents of strings. */
function codeLines(text: string): [line: string, number: number][] {
  const withoutBlocks = text.replace(/\/\*[\s\S]*?\*\//g, (block) => block.replace(/[^\n]/g, ' '));
  return withoutBlocks.split('\n').map((line, index) => {
    const code = line.replace(/\/\/.*$/, '');
    const isImport = /^\s*(?:import|export)\b|^} from /.test(code);
    return [
      isImport ? code : code.replace(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/g, "''"),
      index + 1,
    ];
  });
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import) '([^']+)'/g)].map((match) => match[1]!);
}

test.run();
