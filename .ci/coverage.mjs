#!/usr/bin/env node
// Checks how much of each folder's code the tests ran: `node .ci/coverage.mjs DIRECTORY`, where
// DIRECTORY is what NODE_V8_COVERAGE was while they ran. Tests run once, not again for this.
// Invariant: a file that no test ever loaded counts as not covered at all; only files without any
// code (types alone) are left out. Never here: running tests.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Per cent of lines. The benchmark is a tool of developers and has tests, but no threshold. */
const THRESHOLDS = { core: 95, io: 85, server: 85, sim: 85 };
const WORST_SHOWN = 5;
const NO_SOURCE = /\.(?:test|contract)\.ts$|(?:^|\/)testing\//;

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: coverage.mjs DIRECTORY');
const covered = readSummary(directory);
const rows = Object.entries(THRESHOLDS).map(([folder, threshold]) => measure(folder, threshold));
for (const row of rows) print(row);
process.exitCode = rows.every(({ isEnough }) => isEnough) ? 0 : 1;

/** Lines of each source file that was loaded, by path. */
function readSummary(temporary) {
  const reports = join(temporary, 'report');
  const include = Object.keys(THRESHOLDS).flatMap((folder) => ['--include', `${folder}/**/*.ts`]);
  const where = ['--temp-directory', temporary, '--reports-dir', reports];
  const args = ['c8', 'report', ...where, '--reporter', 'json-summary', '--exclude-after-remap'];
  execFileSync('npx', [...args, ...include], { stdio: ['ignore', 'inherit', 'inherit'] });
  const summary = JSON.parse(readFileSync(join(reports, 'coverage-summary.json'), 'utf8'));
  const files = Object.entries(summary).filter(([path]) => path !== 'total');
  return new Map(files.map(([path, { lines }]) => [relative('.', path), lines]));
}

function measure(folder, threshold) {
  const files = sourcesOf(folder).map((path) => ({ path, ...linesOf(path) }));
  const sum = (name) => files.reduce((total, file) => total + file[name], 0);
  const total = sum('total');
  if (total === 0) throw new Error(`there is no code in ${folder}`);
  const percent = (100 * sum('covered')) / total;
  return { folder, threshold, files, total, percent, isEnough: percent >= threshold };
}

function sourcesOf(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .filter((path) => !NO_SOURCE.test(path))
    .sort();
}

function linesOf(path) {
  const known = covered.get(path);
  if (known !== undefined) return { total: known.total, covered: known.covered };
  const emitted = readFileSync(join('dist', path.replace(/\.ts$/, '.js')), 'utf8');
  const code = emitted
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|\/?\*|export \{\};|$)/.test(line));
  return { total: code.length, covered: 0 };
}

function print({ folder, threshold, files, total, percent, isEnough }) {
  const verdict = isEnough ? 'enough' : 'NOT ENOUGH';
  const share = `${percent.toFixed(1)} % of ${total} lines`;
  console.log(`${folder}: ${share} in ${files.length} files (at least ${threshold} %): ${verdict}`);
  const missing = (file) => file.total - file.covered;
  const worst = files.filter(missing).sort((left, right) => missing(right) - missing(left));
  for (const file of worst.slice(0, WORST_SHOWN)) {
    console.log(`  ${missing(file)} of ${file.total} lines missing in ${file.path}`);
  }
}
