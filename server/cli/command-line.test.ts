import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command } from './command.ts';
import { type CommandLine, parseCommandLine } from './command-line.ts';
import { COMMANDS } from './commands.ts';

const parse = (...args: string[]): CommandLine => parseCommandLine(args, COMMANDS);

/** What is wrong with a command line, and which help it names. */
function mistake(...args: string[]): string {
  const parsed = parse(...args);
  return parsed.kind === 'mistake' ? `${parsed.message} [${parsed.words.join(' ')}]` : parsed.kind;
}

function run(...args: string[]): readonly unknown[] {
  const parsed = parse(...args);
  return parsed.kind === 'run' ? [parsed.command.words.join(' '), ...parsed.values] : [parsed];
}

test('an unknown command is named, with the nearest one', () => {
  assert.is(mistake('sevre'), 'unknown command "sevre"; did you mean "serve"? []');
  assert.is(
    mistake('config', 'chekc'),
    'unknown command "chekc" of "config"; did you mean "check"? [config]',
  );
  assert.is(mistake('frobnicate'), 'unknown command "frobnicate" []');
  assert.is(mistake('help', 'initt'), 'unknown command "initt"; did you mean "init"? []');
});

test('an unknown option is named, with the nearest one', () => {
  assert.is(
    mistake('serve', '--confg', 'x'),
    'unknown option "--confg"; did you mean "--config"? [serve]',
  );
  assert.is(
    mistake('init', '--forse=1'),
    'unknown option "--forse"; did you mean "--force"? [init]',
  );
  assert.is(mistake('--verson'), 'unknown option "--verson"; did you mean "--version"? []');
  assert.is(mistake('serve', '-x'), 'unknown option "-x" [serve]');
});

test('a command that is not whole says so', () => {
  assert.is(mistake(), 'no command []');
  assert.is(mistake('config'), '"config" needs one of its commands [config]');
  assert.is(
    mistake('config', '--json'),
    '"config" needs one of its commands before "--json" [config]',
  );
});

test('an option that is not whole says so', () => {
  assert.is(mistake('serve', '--config'), '--config needs a value: FILE [serve]');
  assert.is(mistake('serve', '--config='), '--config needs a value: FILE [serve]');
  assert.is(
    mistake('config', 'check', '-c', '--json'),
    '--config needs a value: FILE [config check]',
  );
  assert.is(mistake('init', '--force=yes'), '--force takes no value [init]');
  assert.is(mistake('serve', '-c', 'a', '--config', 'b'), '--config is given twice [serve]');
  assert.is(mistake('serve', 'akamu.toml'), '"serve" takes no argument "akamu.toml" [serve]');
});

test('what was typed cannot steer the terminal', () => {
  const said = mistake('\u001b[31m\u009b\u202e');
  assert.equal(said.match(/[\p{Cc}\p{Cf}]/gu), null);
});

test('an option takes its value in each of three spellings', () => {
  for (const args of [['-c', 'a=b'], ['--config', 'a=b'], ['--config=a=b']]) {
    assert.equal(run('serve', ...args), ['serve', ['config', 'a=b']]);
  }
  assert.equal(run('config', 'check', '--json'), ['config check', ['json', true]]);
  assert.equal(run('init', '--force', '--config', 'x'), ['init', ['force', true], ['config', 'x']]);
});

test('help and version are there at every level', () => {
  assert.equal(parse('--help'), { kind: 'help', words: [] });
  assert.equal(parse('config', '-h'), { kind: 'help', words: ['config'] });
  assert.equal(parse('config', 'check', '--json', '--help'), {
    kind: 'help',
    words: ['config', 'check'],
  });
  assert.equal(parse('help', 'config'), { kind: 'help', words: ['config'] });
  assert.equal(parse('help'), { kind: 'help', words: [] });
  assert.equal(parse('-V'), { kind: 'version' });
  assert.equal(parse('serve', '--version'), { kind: 'version' });
});

test('the table has no two commands of the same words, and none begins another', () => {
  const starts = (long: Command, short: Command): boolean =>
    short.words.every((word, index) => long.words[index] === word);
  for (const left of COMMANDS) {
    for (const right of COMMANDS) assert.is(left !== right && starts(left, right), false);
  }
});

test('a command that is about something says so when it is not given', () => {
  assert.match(mistake('node', 'remove'), /^"node remove" needs ID: .* \[node remove\]$/);
  assert.match(mistake('node', 'remove', '--config', 'x'), '"node remove" needs ID');
  assert.match(mistake('node', 'remove', 'a', 'b'), 'takes no second argument "b"');
  assert.match(mistake('node', 'remove', '-x'), 'unknown option "-x"');
});

test('what a command is about comes before, between or after its options', () => {
  const expected = ['node remove', ['ID', 'a'], ['config', 'x']];
  assert.equal(run('node', 'remove', 'a', '--config', 'x'), expected);
  const sorted = [expected[0], expected[2], expected[1]];
  assert.equal(run('node', 'remove', '--config', 'x', 'a'), sorted);
});

test('an id that begins like an option is an id', () => {
  const id = `-${'a'.repeat(26)}`;
  assert.equal(run('node', 'remove', id), ['node remove', ['ID', id]]);
  assert.equal(run('node', 'remove', '--', '--config'), ['node remove', ['ID', '--config']]);
});

test.run();
