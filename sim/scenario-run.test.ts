import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTORS, CHECKERS } from './cast.ts';
import type { Checker } from './checker.ts';
import type { Cast } from './run.ts';
import { readScenario, writeGolden, writeScenario } from './scenario.ts';
import { judge } from './scenario-run.ts';

const CAST: Cast = { actors: ACTORS, checkers: CHECKERS };
const TEXT = `# What a person wrote beside it.
why = "w"
expect = "pass"
shows = ["n0 crash between events", "n0 start boot 2"]

[options]
nodes = 1
clients = 0
safetySecs = 20

[golden]
kinds = ["start", "crash"]
lines = ""

[[decisions]]
at = "5s"
do = "crash"
node = 0
boundary = 1000
down = "2s"
`;

/** A promise that breaks whenever a process dies. */
const immortal = (): Checker => ({
  name: 'immortal',
  watches: ['crash'],
  observe: () => ({ promise: 'nothing ever dies', nodes: [0], story: ['it died'] }),
  atEnd: () => [],
});

function complaint(text: string, cast: Cast = CAST): string | undefined {
  return judge(readScenario(text, 'x.toml'), cast).complaint;
}

const GOLDEN = writeGolden(TEXT, judge(readScenario(TEXT, 'x.toml'), CAST).golden!);

test('a scenario that breaks a promise it should keep fails, and the other way round', () => {
  const broken: Cast = { ...CAST, checkers: [immortal] };
  assert.match(complaint(GOLDEN, broken)!, /expected to pass, but: safety; nothing ever dies/);
  const violating = GOLDEN.replace('expect = "pass"', 'violates = "nothing ever dies"');
  assert.is(complaint(violating, broken), undefined);
  assert.match(complaint(violating)!, /expected to break "nothing ever dies", but: pass/);
});

test('a scenario must show what it says, in that order', () => {
  const elsewhere = GOLDEN.replace('n0 crash between events', 'n0 crash before a commit');
  assert.match(
    complaint(elsewhere)!,
    /does not show "n0 crash before a commit"; look with --trace/,
  );
  const turned = GOLDEN.replace(
    '["n0 crash between events", "n0 start boot 2"]',
    '["n0 start boot 2", "n0 crash between events"]',
  );
  assert.match(
    complaint(turned)!,
    /does not show "n0 crash between events" after "n0 start boot 2"/,
  );
});

test('a golden trace that has changed is shown at its first other line', () => {
  assert.match(complaint(TEXT)!, /golden line 1 was {2}and is 0:00:00\.000000 {2}n0 {2}start/);
  const sooner = GOLDEN.replace('at = "5s"', 'at = "4s"');
  assert.match(
    complaint(sooner)!,
    /golden line 2 was \S+ {2}n0 {2}crash .* and is \S+ {2}n0 {2}crash/,
  );
  const longer = GOLDEN.replace("'''\n\n", "more\n'''\n\n");
  assert.match(complaint(longer)!, /golden line 4 was more and is/);
});

test('rewriting renews the golden trace and leaves everything else as it was written', () => {
  assert.is(complaint(GOLDEN), undefined);
  const cut = (text: string): string => text.replace(/\[golden\][\s\S]*?(?=\[\[)/, '');
  assert.is(cut(GOLDEN), cut(TEXT));
  assert.match(GOLDEN, /^# What a person wrote beside it\.\n/);
  const { golden } = judge(readScenario(GOLDEN, 'x.toml'), CAST);
  assert.is(writeGolden(GOLDEN, golden!), GOLDEN);
});

test('a golden hash is that of the whole trace', () => {
  const text = TEXT.replace(/kinds[^\n]*\nlines[^\n]*/, 'hash = "0000000000000000"');
  const { result, complaint: changed, golden } = judge(readScenario(text, 'x.toml'), CAST);
  assert.match(changed!, /the trace hash was 0000000000000000 and is/);
  assert.is(golden?.hash, result.traceHash);
  assert.is(complaint(writeGolden(text, golden!)), undefined);
});

test('a scenario behaves the same after it was written anew', () => {
  const scenario = readScenario(GOLDEN, 'x.toml');
  const again = readScenario(writeScenario(scenario), 'x.toml');
  assert.is(judge(again, CAST).result.traceHash, judge(scenario, CAST).result.traceHash);
});

test.run();
