// `akamu serve`: reads the configuration, opens the log, hands over to the server.
// Invariant: nothing starts with a configuration that has a mistake. Never here: the server.

import { type LoadResult, loadConfig, renderErrors } from '../../io/config/index.ts';
import { createProcessLog } from '../../io/log.ts';
import { isForeseen } from '../../io/operator-error.ts';
import { EXIT, type ExitCode, type OptionValues, textOption, type World } from './command.ts';

export async function startServer(values: OptionValues, world: World): Promise<ExitCode> {
  let known = textOption(values, 'config');
  // A file that was read once is missed when it is gone: the defaults might let everybody in.
  const load = (): LoadResult => {
    const loaded = loadConfig(known);
    if (loaded.ok) known ??= loaded.file;
    return loaded;
  };
  const loaded = load();
  if (!loaded.ok) {
    world.tell(renderErrors(loaded.errors));
    return EXIT.failure;
  }
  const { config, file } = loaded;
  const log = createProcessLog(config.log, world.environment, world.tell);
  log.info('node', 'starting', { version: world.version, config: file ?? 'built-in defaults' });
  try {
    await world.serve(config, log, load);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? error.stack : undefined;
    const isUnforeseen = !isForeseen(error);
    log.error('node', 'stopped by a failure', { error: reason, ...(isUnforeseen && { stack }) });
    if (!isUnforeseen) log.debug('node', 'where it failed', { stack });
    return EXIT.failure;
  }
  return EXIT.ok;
}
