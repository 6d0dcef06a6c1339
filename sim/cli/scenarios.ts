// `npm run scenarios`: replays every scenario file, one line each, and says which are not as they
// were. `--rewrite` renews golden traces; further arguments pick files by a part of their path or of
// the name that is shown, in which dashes are blanks.
// Invariant: the exit code is 0 only when every file that was asked for is as expected.
// Never here: what a scenario means.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ACTORS, CHECKERS } from '../cast.ts';
import { EXIT_CODES } from '../run.ts';
import { readScenario, ScenarioError, writeGolden } from '../scenario.ts';
import { type Judged, judge } from '../scenario-run.ts';
import { printLine } from './output.ts';

const FOLDER = 'scenarios';
const USAGE_CODE = 1;

interface Told {
  readonly mark: 'ok' | 'FAIL' | 'new' | 'bad';
  readonly text: string;
  readonly code: number;
}

function main(argv: readonly string[]): number {
  const isRewriting = argv.includes('--rewrite');
  const wanted = argv.filter((word) => !word.startsWith('--'));
  const unknown = argv.find((word) => word.startsWith('--') && word !== '--rewrite');
  if (unknown !== undefined) {
    process.stderr.write(`there is no flag ${unknown}; there is --rewrite\n`);
    return USAGE_CODE;
  }
  const files = filesUnder(FOLDER).filter((file) => {
    return wanted.length === 0 || wanted.some((part) => spaced(file).includes(spaced(part)));
  });
  if (files.length === 0) {
    process.stderr.write(`no scenario has ${wanted.join(' or ')} in its path\n`);
    return USAGE_CODE;
  }
  const codes = files.map((file) => {
    const { mark, text, code } = replay(file, isRewriting);
    printLine(`${mark.padEnd(5)}${nameOf(file).padEnd(76)} ${text}`);
    return code;
  });
  const good = codes.filter((code) => code === 0).length;
  printLine(`${good} of ${codes.length} as expected`);
  return codes.find((code) => code !== 0) ?? 0;
}

function replay(file: string, isRewriting: boolean): Told {
  const text = readFileSync(file, 'utf8');
  const startMs = performance.now();
  try {
    const scenario = readScenario(text, file);
    const cast = { actors: ACTORS, checkers: CHECKERS };
    let judged = judge(scenario, cast);
    let isNew = false;
    if (isRewriting && judged.golden !== undefined) {
      const renewed = writeGolden(text, judged.golden);
      isNew = renewed !== text;
      if (isNew) writeFileSync(file, renewed);
      judged = judge(readScenario(renewed, file), cast);
    }
    return told(judged, isNew, performance.now() - startMs);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return { mark: 'bad', text: error.message, code: USAGE_CODE };
  }
}

function told({ complaint, result }: Judged, isNew: boolean, hostMs: number): Told {
  const figures = `${String(result.events).padStart(7)} events ${Math.round(hostMs)} ms`;
  if (complaint === undefined) return { mark: isNew ? 'new' : 'ok', text: figures, code: 0 };
  const code = EXIT_CODES[result.verdict] || EXIT_CODES.safety;
  return { mark: 'FAIL', text: complaint, code };
}

/** `situations/a node crashes.toml` without folder and ending, dashes as spaces. */
function nameOf(file: string): string {
  return spaced(relative(FOLDER, file).replace(/\.toml$/, ''));
}

function spaced(text: string): string {
  return text.replaceAll('-', ' ');
}

function filesUnder(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.toml'))
    .sort()
    .map((name) => join(folder, name));
}

process.exitCode = main(process.argv.slice(2));
