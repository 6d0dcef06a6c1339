import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { durationText, durationUs } from './plan-text.ts';
import {
  type Golden,
  readScenario,
  type Scenario,
  ScenarioError,
  writeScenario,
} from './scenario.ts';
import { PLAN } from './testing/arbitrary.ts';

const HEAD = 'why = "w"\nexpect = "pass"\n';

function refusal(text: string): string {
  try {
    readScenario(text, 'x.toml');
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

test('what cannot be used is refused with file, line, key and what would be right', () => {
  const crash = '[[decisions]]\nat = "1s"\ndo = "crash"\n';
  const cases: readonly (readonly [text: string, message: RegExp])[] = [
    ['why = \n', /^x\.toml:1:\d+: Invalid/],
    ['expect = "pass"\n', /^x\.toml:1: why is missing; say in a sentence/],
    ['why = "w"\n', /^x\.toml:1: expect is missing; write expect = "pass"/],
    ['why = "w"\nexpect = "fail"\n', /^x\.toml:2: expect must be "pass"/],
    [`${HEAD}violates = "p"\n`, /^x\.toml:3: violates cannot stand beside expect/],
    [`${HEAD}nodes = 3\n`, /^x\.toml:3: nodes is unknown; there is why, seed/],
    [`${HEAD}seed = -1\n`, /^x\.toml:3: seed must be a whole number/],
    [
      `${HEAD}[options]\nnodez = 3\n`,
      /^x\.toml:4: options\.nodez cannot be used: there is no option/,
    ],
    [`${HEAD}[options]\nnodes = 99\n`, /^x\.toml:4: options\.nodes .* from 1 to 32, not 99/],
    [
      `${HEAD}[[decisions]]\nat = "1s"\ndo = "explode"\n`,
      /^x\.toml:5: decisions\[0\]\.do must be one of crash/,
    ],
    [`${HEAD}${crash}`, /^x\.toml:3: decisions\[0\]\.node is missing; crash needs it/],
    [
      `${HEAD}${crash}node = 7\n`,
      /^x\.toml:6: decisions\[0\]\.node .* from 0 to 2 here; change options\.nodes/,
    ],
    [
      `${HEAD}${crash}node = 0\ndown = 5\n`,
      /^x\.toml:7: decisions\[0\]\.down must be a length of time such as "1m30s"/,
    ],
    [
      `${HEAD}${crash}node = 0\nfor = "5s"\n`,
      /^x\.toml:7: decisions\[0\]\.for is unknown; crash has at, node/,
    ],
    [
      `${HEAD}${crash}node = 0\n${crash}node = 0.5\n`,
      /^x\.toml:10: decisions\[1\]\.node must be a node/,
    ],
    [
      `${HEAD}${crash.replace('crash', 'restore')}node = 0\nbackup = "2s"\n`,
      /^x\.toml:7: decisions\[0\]\.backup must not be later than at/,
    ],
    [
      `${HEAD}${crash.replace('crash', 'reload')}node = 0\npolicy = { orderExpiry = 5 }\n`,
      /^x\.toml:7: .*\.policy holds orderExpiry; there is .*; did you mean orderExpiryMs\?$/,
    ],
    [
      `${HEAD}${crash.replace('crash', 'reload')}node = 0\npolicy = { challengeTypes = ["http"] }\n`,
      /\.policy cannot be used: challengeTypes must be one of http-01/,
    ],
    [
      `${HEAD}[golden]\nkinds = ["start"]\n`,
      /^x\.toml:4: golden\.kinds and golden\.lines belong together/,
    ],
    [
      `${HEAD}[golden]\nkinds = ["begin"]\nlines = ""\n`,
      /golden\.kinds holds begin; there is start/,
    ],
  ];
  for (const [text, message] of cases) assert.match(refusal(text), message);
});

test('what would never happen, because the safety phase is over by then, is refused', () => {
  const text = `${HEAD}[options]\nsafetySecs = 60\n[[decisions]]\ndo = "empty"\nnode = 0\nat = `;
  for (const [at, least] of [
    ['1m', 61],
    ['1m30s', 91],
  ] as const) {
    assert.is(
      refusal(`${text}"${at}"\n`),
      `x.toml:8: decisions[0].at is ${at}, but from safetySecs = 60 on nothing is done any more; ` +
        `raise options.safetySecs to ${least} at least, or let it happen sooner`,
    );
  }
  assert.is(readScenario(`${text}"59s999ms"\n`, 'x.toml').plan.decisions.length, 1);
});

test('names that are nearly right are answered with the right one', () => {
  const crash = '[[decisions]]\nat = "1s"\ndo = "crash"\nnode = 0\n';
  assert.match(refusal(`${HEAD}${crash}boundery = 1\n`), /; did you mean boundary\?$/);
  assert.match(refusal(`${HEAD}${crash.replace('crash', 'crahs')}`), /; did you mean crash\?$/);
  assert.match(refusal(`${HEAD}sead = 1\n`), /^x\.toml:3: sead .*; did you mean seed\?$/);
});

test('a mistake in the TOML is drawn with its line', () => {
  assert.match(
    refusal('why = "w"\nexpect = pass\n'),
    /^x\.toml:2:\d+: [\s\S]*expect = pass\n[\s-]*\^/,
  );
});

test('a client is named by a letter and its number where nodes are named as well', () => {
  const { plan } = readScenario(
    `${HEAD}[[decisions]]\nat = "1s"\ndo = "link"\nfrom = 0\nto = "c2"\nlossPpm = 1_000_000\nfor = "5s"\n`,
    'x.toml',
  );
  const [link] = plan.decisions;
  assert.ok(link?.kind === 'link');
  assert.is(link.to, 1002);
  assert.is(link.delayUs, 1000);
});

test('any scenario reads as what was written', () => {
  const text = fc.string({ unit: 'binary' }).filter((why) => why.trim() !== '');
  const golden = fc.record(
    {
      hash: fc.string(),
      lines: fc.record({
        kinds: fc.subarray(['start', 'crash', 'fault']),
        text: fc.oneof(fc.string({ unit: 'binary' }), fc.constant("a\nb'c\n")),
      }),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  const scenarios: fc.Arbitrary<Scenario> = fc
    .record({
      why: text,
      plan: PLAN,
      expectation: fc.oneof<fc.Arbitrary<Scenario['expectation']>[]>(
        fc.constant({ kind: 'pass' }),
        text.map((promise) => ({ kind: 'violates', promise })),
      ),
      shows: fc.array(text, { maxLength: 3 }),
      golden: fc.option(golden, { nil: undefined }),
    })
    .map(({ golden: kept, ...rest }) => {
      return kept === undefined ? rest : { ...rest, golden: kept as Golden };
    });
  fc.assert(
    fc.property(scenarios, (drawn) => {
      // Without the bare prototypes that fast-check likes to give.
      const scenario: Scenario = JSON.parse(JSON.stringify(drawn));
      const written = writeScenario(scenario);
      assert.equal(readScenario(written, 'x.toml'), scenario);
      assert.is(writeScenario(readScenario(written, 'x.toml')), written);
    }),
    { numRuns: 300 },
  );
});

test('lengths of time read as what was written, and nothing is rounded', () => {
  fc.assert(fc.property(fc.maxSafeInteger(), (us) => durationUs(durationText(us)) === us));
  assert.is(durationText(90_250_000), '1m30s250ms');
  assert.is(durationText(-86_400_000_000), '-1d');
  assert.is(durationUs('1h30m'), 5_400_000_000);
  for (const text of ['', '5', '1.5s', 's', '5 s', '99999999999d', '--1s']) {
    assert.is(durationUs(text), undefined, text);
  }
});

test.run();
