// Tests that nothing is left behind, in child processes that end in different ways.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const scope = new URL('./scope.js', import.meta.url).href;
const prelude = `
  import { atExit } from ${JSON.stringify(scope)};
  atExit(() => console.log('first'));
  const early = atExit(() => console.log('second'));
  console.log('ready');
`;

test('a crash undoes everything, newest first', async () => {
  const { output, code } = await run(`${prelude} throw new Error('crash');`);
  assert.is(output, 'ready\nsecond\nfirst\n');
  assert.is(code, 1);
});

test('Ctrl-C undoes everything and ends the program', async () => {
  const { output, code } = await run(`${prelude} setInterval(() => {}, 1000);`, 'SIGINT');
  assert.is(output, 'ready\nsecond\nfirst\n');
  assert.is(code, 130);
});

test('what was undone early is not undone again, and a failing undo stops no other', async () => {
  const script = `${prelude} early(); early(); atExit(() => { throw new Error('no'); });`;
  const { output, code } = await run(script);
  assert.is(output, 'ready\nsecond\nfirst\n');
  assert.is(code, 0);
});

async function run(
  script: string,
  signal?: NodeJS.Signals,
): Promise<{ output: string; code: number }> {
  const args = ['--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    if (signal && output === 'ready\n') child.kill(signal);
  });
  const [code] = await once(child, 'close');
  return { output, code };
}

test.run();
