// `akamu init`: writes a configuration file in which every setting is explained.
// Invariant: a file that exists is not touched without --force, and even then it is either the old
// one or the new one, never half of one. Never here: what the file says (io/config/example.ts).

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { DEFAULT_CONFIG_FILE, exampleConfig } from '../../io/config/index.ts';
import { EXIT, type ExitCode, type OptionValues, textOption, type World } from './command.ts';

/** The file may come to hold keys and a database password. */
const FILE_MODE = 0o600;

export async function initialize(values: OptionValues, world: World): Promise<ExitCode> {
  const file = textOption(values, 'config') ?? DEFAULT_CONFIG_FILE;
  try {
    if (values.has('force')) replaceFile(file, exampleConfig());
    else writeFileSync(file, exampleConfig(), { flag: 'wx', mode: FILE_MODE });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const reason =
      code === 'EEXIST'
        ? 'it exists; give --force to replace it'
        : `it cannot be written (${code})`;
    world.tell(`akamu init: ${file}: ${reason}\n`);
    return EXIT.failure;
  }
  const option = file === DEFAULT_CONFIG_FILE ? '' : ` --config ${file}`;
  world.tell(`wrote ${file}\nnext: edit it, then: akamu config check${option}\n`);
  return EXIT.ok;
}

function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.new`;
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: FILE_MODE });
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}
