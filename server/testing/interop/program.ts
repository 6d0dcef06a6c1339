// Runs client programs (certbot, lego, openssl, curl) to their end and keeps what they print.
// Invariant: a program gets only the environment given here, no input, and at most a minute; a
// proxy or a trust store of the host never decides a test. Never here: what programs are told.

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { atExit } from '../../../bench/scope.ts';

export interface Outcome {
  /** The exit code; undefined when a signal ended it. */
  readonly code: number | undefined;
  /** Standard output and standard error as they came. */
  readonly output: string;
}

export type Environment = Readonly<Record<string, string>>;

const TIME_LIMIT_MS = 60_000;
const MAX_OUTPUT_CHARACTERS = 1_000_000;
const SHOWN_CHARACTERS = 3_000;

/** Runs a program that is expected to succeed; its output. Throws with the output otherwise. */
export async function succeed(
  program: string,
  args: readonly string[],
  environment: Environment = {},
): Promise<string> {
  const { code, output } = await run(program, args, environment);
  if (code === 0) return output;
  throw new Error(`${describe(program, args)} ended with ${code}, saying:\n${tail(output)}`);
}

/** Runs a program that must fail and say `why`. Throws when it succeeds or says something else. */
export async function fail(
  why: RegExp,
  program: string,
  args: readonly string[],
  environment: Environment = {},
): Promise<void> {
  const { code, output } = await run(program, args, environment);
  if (code === 0) throw new Error(`${describe(program, args)} should have failed (${why})`);
  if (why.test(output)) return;
  throw new Error(`${describe(program, args)} failed without ${why}, saying:\n${tail(output)}`);
}

/** Whether a program is on the search path. */
export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function run(program: string, args: readonly string[], environment: Environment): Promise<Outcome> {
  const env = { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', ...environment };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const forget = atExit(() => child.kill('SIGKILL'));
  const timer = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT_MS);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT_CHARACTERS);
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      forget();
      resolve({ code: code ?? undefined, output });
    });
  });
}

function describe(program: string, args: readonly string[]): string {
  return [program, ...args].join(' ');
}

function tail(output: string): string {
  return output.slice(-SHOWN_CHARACTERS).trim();
}
