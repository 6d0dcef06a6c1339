// Every command of `akamu`, with its options and its handler.
// Invariant: no two commands have the same words, and none is the beginning of another's.
// Never here: code.

import type { Command, Option } from './command.ts';
import { checkConfig } from './config-check.ts';
import { initialize } from './init.ts';
import { startServer } from './start-server.ts';

const CONFIG: Option = {
  name: 'config',
  short: 'c',
  value: 'FILE',
  doc: 'The configuration file; without it ./akamu.toml if there is one, else built-in defaults.',
};

export const COMMANDS: readonly Command[] = [
  {
    words: ['serve'],
    summary: 'Run the server.',
    details: ['Runs until SIGTERM or SIGINT. The log goes to standard error.'],
    options: [CONFIG],
    run: startServer,
  },
  {
    words: ['init'],
    summary: 'Write a configuration file with every setting explained.',
    details: ['Writes ./akamu.toml, or FILE. A file that exists stays unless --force is given.'],
    options: [
      {
        name: 'config',
        short: 'c',
        value: 'FILE',
        doc: 'The file to write; ./akamu.toml without.',
      },
      { name: 'force', doc: 'Replace the file if it exists.' },
    ],
    run: initialize,
  },
  {
    words: ['config', 'check'],
    summary: 'Check a configuration file and show every mistake in it.',
    details: [
      'Exits with 0 when the server would take the configuration and with 1 when not.',
      'With --json the configuration in force, or the mistakes, go to standard output.',
    ],
    options: [CONFIG, { name: 'json', doc: 'Write the result as JSON; secrets are left out.' }],
    run: checkConfig,
  },
];
