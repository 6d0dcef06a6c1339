import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTORS, CHECKERS, defaultPlan } from './cast.ts';
import { type Decision, sorted } from './plan.ts';
import { run } from './run.ts';
import { readScenario, type Scenario, ScenarioError, writeScenario } from './scenario.ts';
import { type Doer, OPERATIONS } from './scenario-operations.ts';

const HEAD = 'why = "w"\nexpect = "pass"\n[[decisions]]\nat = "1s"\n';
const NEEDED = {
  identifiers: [{ type: 'dns', value: 'a.example' }],
  contact: [],
  bend: 'url',
  node: 2,
} as const;

function refusal(text: string): string {
  try {
    readScenario(HEAD + text, 'x.toml');
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

function refusalOf(doer: Doer, operation: string, members: string): string {
  const whom = doer === 'client' ? 'client' : 'node';
  const text = `do = "${doer}"\n${whom} = 0\noperation = "${operation}"\n`;
  return refusal(`${text}with = { ${members} }\n`);
}

test('an operation that nobody knows is refused, and the error names those there are', () => {
  const unknown = refusalOf('client', 'rollover', '');
  assert.match(unknown, /^x\.toml:7: decisions\[0\]\.operation must be one of certificate, new-/);
  assert.not.match(unknown, /did you mean/);
  assert.match(refusalOf('client', 'key-chain', ''), /; did you mean key-change\?$/);
  assert.match(refusalOf('operator', 'certificate', ''), /must be one of list, chain, root/);
});

test('a member that an operation does not have, lacks, or cannot use is refused', () => {
  const cases: readonly (readonly [Doer, string, string, RegExp])[] = [
    [
      'client',
      'certificate',
      'identifier = []',
      /^x\.toml:8: decisions\[0\]\.with\.identifier is unknown; certificate has identifiers, forgets, hastes; did you mean identifiers\?$/,
    ],
    ['client', 'list', 'pick = 0', /with\.pick is unknown; list has nothing$/],
    [
      'client',
      'certificate',
      '',
      /^x\.toml:8: .*with\.identifiers is missing; certificate needs it/,
    ],
    ['client', 'certificate', 'identifiers = []', /with\.identifiers must be a list such as/],
    ['client', 'certificate', 'identifiers = ["a.example"]', /identifiers must be a list such as/],
    ['client', 'certificate', 'identifiers = [{ type = "dns" }]', /must be a list such as/],
    ['client', 'contact', 'contact = "a@example.org"', /contact must be a list of texts such as/],
    ['client', 'revoke', 'pick = "first"', /with\.pick must be a whole number from 0/],
    [
      'client',
      'revoke',
      'by = "keys"',
      /by must be one of account, key, other; did you mean key\?/,
    ],
    ['client', 'download', 'full = 1', /with\.full must be true or false/],
    ['client', 'wrong', '', /with\.bend is missing; wrong needs it/],
    ['operator', 'remove', 'node = 3', /with\.node must be a node: nodes count from 0 to 2 here/],
    ['operator', 'revoke', 'of = 3', /with\.of must be a node: nodes count from 0 to 2 here/],
    ['operator', 'revoke', 'reason = 7', /reason must be one of 0, 1, 2, 3, 4, 5, 6, 9, 10$/],
  ];
  for (const [doer, operation, members, message] of cases) {
    assert.match(refusalOf(doer, operation, members), message);
  }
  assert.match(
    refusal('do = "client"\nclient = 0\noperation = "contact"\n'),
    /^x\.toml:3: decisions\[0\]\.with\.contact is missing/,
  );
});

test('a single node has nobody to remove it', () => {
  const text = `why = "w"
expect = "pass"
[options]
nodes = 1
[[decisions]]
at = "1s"
do = "operator"
node = 0
operation = "remove"
with = { node = 0 }
`;
  assert.throws(
    () => readScenario(text, 'x.toml'),
    /with\.node has no node to be removed by; raise/,
  );
});

test('whatever is let through with what it needs and no more can be carried out', () => {
  const { seed, options } = defaultPlan(1, { nodes: 3, clients: 1, operatorsPerHour: 1 });
  const decisions = sorted([...each('client'), ...each('operator')]);
  const scenario: Scenario = {
    why: 'w',
    plan: { seed, options: { ...options, safetySecs: 600, liars: 0 }, decisions },
    expectation: { kind: 'pass' },
    shows: [],
  };
  const { plan } = readScenario(writeScenario(scenario), 'x.toml');
  assert.is(plan.decisions.length, decisions.length);
  const { verdict, failure } = run(plan, { actors: ACTORS, checkers: CHECKERS });
  assert.is(verdict, 'pass', failure);
});

test('whatever a seed plans can stand in a scenario file', () => {
  let count = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const plan = defaultPlan(seed, { operatorsPerHour: 60, nodes: 4, removals: 1, liars: 0 });
    const scenario: Scenario = { why: 'w', plan, expectation: { kind: 'pass' }, shows: [] };
    assert.equal(readScenario(writeScenario(scenario), 'x.toml').plan, plan);
    count += plan.decisions.filter(({ kind }) => kind === 'operator').length;
  }
  assert.ok(count > 100, `${count} acts of operators`);
});

/** Every operation once, half a minute apart, with the members it cannot do without. */
function each(doer: Doer): readonly Decision[] {
  return Object.entries(OPERATIONS[doer]).map(([operation, members], index): Decision => {
    const names = Object.keys(members).filter((name) => members[name]!.default === undefined);
    const what = names.map((name) => [name, NEEDED[name as keyof typeof NEEDED]] as const);
    const rest = { atUs: (1 + 30 * index) * 1_000_000, operation, with: Object.fromEntries(what) };
    return doer === 'client'
      ? { kind: 'client', client: 0, ...rest }
      : { kind: 'operator', node: 0, ...rest };
  });
}

test.run();
