import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exampleConfig } from '../../io/config/index.ts';
import { OperatorError } from '../../io/operator-error.ts';
import type { World } from './command.ts';
import { COMMANDS } from './commands.ts';
import { runCommandLine } from './run.ts';
import { programVersion } from './version.ts';

interface Context {
  directory: string;
  before: string;
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const test = suite<Context>('run');

test.before.each((context) => {
  context.before = process.cwd();
  context.directory = mkdtempSync(join(tmpdir(), 'akamu-cli-'));
  process.chdir(context.directory);
});
test.after.each((context) => {
  process.chdir(context.before);
  rmSync(context.directory, { recursive: true });
});

async function akamu(
  args: readonly string[],
  serve: World['serve'] = async () => {},
): Promise<Outcome> {
  let out = '';
  let err = '';
  const code = await runCommandLine(args, {
    print: (text) => {
      out += text;
    },
    tell: (text) => {
      err += text;
    },
    environment: { JOURNAL_STREAM: '1:1' },
    version: '1.2.3',
    serve,
  });
  return { code, out, err };
}

test('a wrong command line exits with 2, on standard error, and names the help', async () => {
  assert.equal(await akamu(['config', 'chekc']), {
    code: 2,
    out: '',
    err: 'akamu: unknown command "chekc" of "config"; did you mean "check"?\nRead: akamu config --help\n',
  });
  assert.is((await akamu([])).code, 2);
});

test('serve does not start with a mistake in the configuration', async () => {
  writeFileSync('akamu.toml', 'listen_adr = "x"\n');
  let started = false;
  const outcome = await akamu(['serve'], async () => {
    started = true;
  });
  assert.is(started, false);
  assert.is(outcome.code, 1);
  assert.match(outcome.err, /^akamu\.toml:1:1: error: unknown key/);
});

test('serve that fails says why and exits with 1', async () => {
  const outcome = await akamu(['serve'], async () => {
    throw new Error('port 8443 is taken');
  });
  assert.is(outcome.code, 1);
  assert.match(outcome.err, /\nERROR node: stopped by a failure error="port 8443 is taken" /);
});

test('serve that fails for a reason that was foreseen keeps the stack for debugging', async () => {
  const fail = async (): Promise<never> => {
    throw new OperatorError('port 8443 is taken');
  };
  const line = 'ERROR node: stopped by a failure error="port 8443 is taken"\n';
  assert.ok((await akamu(['serve'], fail)).err.endsWith(line));
  writeFileSync('akamu.toml', '[log]\nlevel = "debug"\n');
  const { err } = await akamu(['serve'], fail);
  assert.match(err, `${line}DEBUG node: where it failed stack="OperatorError: port 8443 is taken`);
});

test('a command that throws exits with 1 and does not take the process along', async () => {
  const run = async (): Promise<never> => {
    throw new Error('broken');
  };
  const command = { words: ['x'], summary: '', details: [], options: [], run };
  let told = '';
  const world = { tell: (text: string) => void (told += text) } as unknown as World;
  assert.is(await runCommandLine(['x'], world, [command]), 1);
  assert.match(told, /^akamu x: Error: broken\n/);
});

test('config check shows every mistake and exits with 1', async () => {
  writeFileSync('bad.toml', 'a = 1\n[log]\nlevel = "loud"\n');
  const outcome = await akamu(['config', 'check', '-c', 'bad.toml']);
  assert.is(outcome.code, 1);
  assert.is(outcome.out, '');
  assert.match(outcome.err, /^bad\.toml:1:1: error: .*\n/);
  assert.match(outcome.err, /\nbad\.toml:3:9: error: /);
});

test('config check --json: mistakes are data', async () => {
  writeFileSync('bad.toml', 'a = 1\n');
  const outcome = await akamu(['config', 'check', '-c', 'bad.toml', '--json']);
  assert.is(outcome.code, 1);
  assert.is(outcome.err, '');
  const { ok, errors } = JSON.parse(outcome.out) as { ok: boolean; errors: { fix?: string }[] };
  assert.is(ok, false);
  assert.equal(Object.keys(errors[0] ?? {}), ['file', 'line', 'column', 'message', 'fix']);
});

test('config check --json: the configuration in force is data', async () => {
  const outcome = await akamu(['config', 'check', '--json']);
  assert.is(outcome.code, 0);
  const result = JSON.parse(outcome.out) as { file: unknown; config: { listen_addr: unknown } };
  assert.is(result.file, null);
  assert.is(result.config.listen_addr, '127.0.0.1:8443');
  assert.is((await akamu(['config', 'check'])).err, 'the built-in defaults: no mistakes\n');
});

test('init writes what serve takes, readable by its owner only', async () => {
  const outcome = await akamu(['init']);
  assert.is(outcome.code, 0);
  assert.is(outcome.err, 'wrote akamu.toml\nnext: edit it, then: akamu config check\n');
  assert.is(readFileSync('akamu.toml', 'utf8'), exampleConfig());
  assert.is(statSync('akamu.toml').mode & 0o777, 0o600);
  assert.is((await akamu(['config', 'check'])).err, 'akamu.toml: no mistakes\n');
});

test('init leaves a file that exists, unless forced, and leaves nothing behind', async () => {
  writeFileSync('mine.toml', 'mine');
  const refused = await akamu(['init', '-c', 'mine.toml']);
  assert.is(refused.code, 1);
  assert.match(refused.err, /it exists; give --force to replace it/);
  assert.is(readFileSync('mine.toml', 'utf8'), 'mine');
  assert.is((await akamu(['init', '-c', 'mine.toml', '--force'])).code, 0);
  assert.is(readFileSync('mine.toml', 'utf8'), exampleConfig());
  assert.equal(readdirSync('.'), ['mine.toml']);
  assert.match((await akamu(['init', '-c', 'no/where.toml'])).err, /cannot be written \(ENOENT\)/);
  assert.is((await akamu(['init', '-c', 'no/where.toml', '--force'])).code, 1);
});

test('serve gets the configuration, a log, and a way to read the file again', async () => {
  writeFileSync('akamu.toml', '[log]\nlevel = "debug"\n');
  const levels: unknown[] = [];
  const outcome = await akamu(['serve'], async (config, log, reload) => {
    levels.push(config.log.level);
    log.debug('test', 'here');
    writeFileSync('akamu.toml', '[log]\nlevel = "warn"\n');
    const again = reload();
    levels.push(again.ok && again.config.log.level);
  });
  assert.equal(levels, ['debug', 'warn']);
  assert.is(outcome.code, 0);
  assert.is(outcome.out, '');
  assert.is(
    outcome.err,
    'INFO node: starting version="1.2.3" config="akamu.toml"\nDEBUG test: here\n',
  );
});

test('a file that was read once and is gone is a mistake, and not the defaults', async () => {
  for (const args of [['serve'], ['serve', '--config', 'akamu.toml']]) {
    writeFileSync('akamu.toml', '[server]\nexternal_account_required = true\n');
    await akamu(args, async (_config, _log, reload) => {
      rmSync('akamu.toml');
      const again = reload();
      assert.equal(again.ok ? 'defaults' : again.errors[0]!.message, 'there is no such file');
    });
  }
});

test('a file that appears at ./akamu.toml after a start without one is read, and then missed', async () => {
  await akamu(['serve'], async (_config, _log, reload) => {
    assert.ok(reload().ok);
    writeFileSync('akamu.toml', '[log]\nlevel = "warn"\n');
    const found = reload();
    assert.is(found.ok && found.config.log.level, 'warn');
    rmSync('akamu.toml');
    assert.not.ok(reload().ok);
  });
});

test('help shows every command and every option, within 100 columns', async () => {
  const top = await akamu(['--help']);
  assert.is(top.code, 0);
  for (const command of COMMANDS) {
    assert.match(top.out, `  ${command.words.join(' ')} `);
    const help = await akamu([...command.words, '--help']);
    const about = command.argument === undefined ? '' : `${command.argument.name} `;
    assert.match(help.out, `Usage: akamu ${command.words.join(' ')} ${about}[OPTIONS]\n`);
    if (command.argument !== undefined) assert.match(help.out, command.argument.doc);
    for (const { name } of command.options) assert.match(help.out, `--${name}`);
    assert.ok(help.out.split('\n').every((line) => line.length <= 100));
  }
  assert.match((await akamu(['config', '--help'])).out, 'Usage: akamu config COMMAND [OPTIONS]\n');
});

test('the version is that of package.json', async () => {
  assert.match(programVersion(), /^\d+\.\d+\.\d+/);
  assert.equal(await akamu(['--version']), { code: 0, out: 'akamu 1.2.3\n', err: '' });
});

test.run();
