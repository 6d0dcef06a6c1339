// `akamu config check`: says whether the server would take a configuration, and what is wrong.
// Invariant: it reads exactly what `akamu serve` reads and changes nothing; no secret is printed.
// Never here: what a mistake is.

import {
  type ConfigError,
  effectiveConfig,
  loadConfig,
  renderErrors,
} from '../../io/config/index.ts';
import { EXIT, type ExitCode, type OptionValues, textOption, type World } from './command.ts';

export async function checkConfig(values: OptionValues, world: World): Promise<ExitCode> {
  const loaded = loadConfig(textOption(values, 'config'));
  const asJson = values.has('json');
  if (!loaded.ok) {
    if (asJson) printJson(world, { ok: false, errors: loaded.errors.map(plainError) });
    else world.tell(renderErrors(loaded.errors));
    return EXIT.failure;
  }
  const { config, file } = loaded;
  if (asJson) {
    printJson(world, { ok: true, file: file ?? null, config: effectiveConfig(config) });
  } else {
    world.tell(`${file ?? 'the built-in defaults'}: no mistakes\n`);
  }
  return EXIT.ok;
}

/** The drawing is for people; the rest is for programs. */
function plainError({ file, line, column, message, fix }: ConfigError): object {
  return { file, line, column, message, fix };
}

function printJson(world: World, value: object): void {
  world.print(`${JSON.stringify(value, undefined, 2)}\n`);
}
