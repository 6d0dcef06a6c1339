// The simulator's command: picks what to do and ends with its exit code. Invariant: nothing of the
// host but arguments, output and the speedometer reaches a run. Never here: logic.

import { ACTORS, CHECKERS } from '../cast.ts';
import { type Arguments, readArguments, USAGE } from './arguments.ts';
import { commandFor } from './commands.ts';
import { printLine } from './output.ts';
import { realCrypto } from './real-crypto.ts';

const USAGE_CODE = 1;
const CRASH_CODE = 2;

const parsed = readArguments(process.argv.slice(2));
if (typeof parsed === 'string') {
  process.stderr.write(`${parsed}\n${USAGE.join('\n')}\n`);
  process.exitCode = USAGE_CODE;
} else if (parsed.flags.has('help')) {
  printLine(USAGE.join('\n'));
} else {
  process.exitCode = start(parsed);
}

/** A simulator that breaks must not look like one that was called wrongly. */
function start(parsed: Arguments): number {
  const { isTTY } = process.stderr;
  try {
    return commandFor(parsed)({
      arguments: parsed,
      cast: { actors: ACTORS, checkers: CHECKERS, realCrypto },
      print: printLine,
      progress: (text) => {
        if (isTTY) process.stderr.write(`\r${text.padEnd(60)}${text === '' ? '\r' : ''}`);
      },
    });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return CRASH_CODE;
  }
}
