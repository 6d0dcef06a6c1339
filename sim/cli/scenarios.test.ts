import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readScenario } from '../scenario.ts';
import { type Doer, OPERATIONS } from '../scenario-operations.ts';
import { membersOf, VERBS, type Verb } from '../scenario-verbs.ts';
import { viewerScript } from './page.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const FOLDER = resolve(HERE, '../../../scenarios');
const SCENARIO = `why = "w"
expect = "pass"

[options]
nodes = 1
clients = 0
safetySecs = 5

[golden]
kinds = ["start"]
lines = ""
`;

/** Runs the command in a folder with these scenario files. */
function runIn(
  files: { readonly [name: string]: string },
  argv: readonly string[],
): {
  readonly status: number | null;
  readonly out: string;
  readonly after: (name: string) => string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'scenarios-'));
  try {
    mkdirSync(join(folder, 'scenarios/bugs'), { recursive: true });
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(folder, 'scenarios', name), text);
    const program = join(HERE, 'scenarios.js');
    const { status, stdout } = spawnSync(process.execPath, [program, ...argv], {
      cwd: folder,
      encoding: 'utf8',
    });
    const texts = Object.keys(files).map((name) => {
      return [name, readFileSync(join(folder, 'scenarios', name), 'utf8')] as const;
    });
    return { status, out: stdout, after: (name) => new Map(texts).get(name)! };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a file that cannot be read is named with its line, and the others run all the same', () => {
  const { status, out } = runIn({ 'a-broken.toml': 'why = 1\n', 'b-fine.toml': SCENARIO }, [
    '--rewrite',
  ]);
  assert.is(status, 1);
  assert.match(out, /^bad .*scenarios\/a-broken\.toml:1: why is missing/m);
  assert.match(out, /^new {2}b fine /m);
});

test('a changed golden trace fails until it is rewritten', () => {
  const before = runIn({ 'bugs/x.toml': SCENARIO }, []);
  assert.is(before.status, 3);
  assert.match(before.out, /^FAIL bugs\/x .*--rewrite/m);
  const after = runIn({ 'bugs/x.toml': SCENARIO }, ['--rewrite']);
  assert.is(after.status, 0);
  assert.is(runIn({ 'bugs/x.toml': after.after('bugs/x.toml') }, []).status, 0);
});

test('flags that do not exist and names that nothing has are refused', () => {
  assert.is(runIn({ 'x.toml': SCENARIO }, ['--rewrit']).status, 1);
  assert.is(runIn({ 'x.toml': SCENARIO }, ['elephant']).status, 1);
});

test('the last line says how many of those that were asked for are as expected', () => {
  const fine = runIn({ 'x.toml': SCENARIO }, ['--rewrite']).after('x.toml');
  const files = { 'a-fine-one.toml': fine, 'b-other.toml': SCENARIO };
  assert.match(runIn(files, []).out, /\n1 of 2 as expected\n$/);
  assert.match(runIn(files, ['fine']).out, /\n1 of 1 as expected\n$/);
});

test('a scenario is found by its name as it is shown and as its file is called', () => {
  for (const part of ['fine one', 'fine-one', 'bugs/a fine', 'bugs/a-fine']) {
    const { out } = runIn({ 'bugs/a-fine-one.toml': SCENARIO }, [part, '--rewrite']);
    assert.match(out, /^new {2}bugs\/a fine one .*\n1 of 1 as expected\n$/, part);
  }
});

test('a reader that leaves in the middle hears no complaint', () => {
  // More than a pipe holds, so that the writer meets its end for certain.
  const command = `'${process.execPath}' '${join(HERE, 'main.js')}' --seed 42 --trace`;
  const line = `{ ${command}; echo "code $?" >&2; } | head -1`;
  const { stdout, stderr } = spawnSync('sh', ['-c', line], { encoding: 'utf8' });
  assert.match(stdout, /^seed=42 [^\n]*\n$/);
  assert.is(stderr, 'code 141\n');
});

test('every scenario of the project can be read, and its name reads as a sentence', () => {
  const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.toml'));
  assert.ok(files.length >= 20, `${files.length} scenarios`);
  for (const name of files) {
    const scenario = readScenario(readFileSync(join(FOLDER, name), 'utf8'), name);
    assert.ok(scenario.shows.length > 0, `${name} shows nothing`);
    assert.ok(scenario.why.length > 40, `${name}: why?`);
    assert.match(name, /^(situations|bugs)\/[a-z0-9]+(-[a-z0-9]+){2,}\.toml$/);
  }
});

test('the README tells of every verb and each of its members', () => {
  const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  for (const verb of Object.keys(VERBS) as Verb[]) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${verb}\``));
    assert.ok(row !== undefined, `no row for ${verb}`);
    for (const { called } of membersOf(verb)) {
      if (called !== 'at') assert.match(row, new RegExp(`\`${called}\``));
    }
  }
});

test('the README tells of every operation and the members of its with', () => {
  const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  for (const doer of ['client', 'operator'] as const) {
    assert.ok(readme.includes(`${operationsRow(doer)}\n`), `it should say ${operationsRow(doer)}`);
  }
});

/** Operations that have the same members stand together. */
function operationsRow(doer: Doer): string {
  const byMembers = new Map<string, string[]>();
  for (const [operation, members] of Object.entries(OPERATIONS[doer])) {
    const texts = Object.entries(members).map(([name, { default: value }]) => {
      return value === undefined ? `\`${name}\`` : `\`${name}\` (${value})`;
    });
    const list = texts.join(', ');
    byMembers.set(list, [...(byMembers.get(list) ?? []), `\`${operation}\``]);
  }
  const bare = byMembers.get('') ?? [];
  byMembers.delete('');
  const cells = [...byMembers].map(([list, names]) => `${names.join(', ')}: ${list}`);
  return `| \`${doer}\` | ${cells.join('; ')} | ${bare.join(', ')} |`;
}

test('the viewer is one script that an engine can read', () => {
  const script = viewerScript();
  assert.not.match(script, /^(import|export)\b/m);
  assert.instance(new Script(script), Script);
});

test.run();
