// The configuration for the rest of the program: the type, the reader, the file, the example.
// Invariant: nothing but re-exports. Never here: code.

export {
  type DatabaseTarget,
  type ListenAddress,
  parseDatabaseUrl,
  parseListenAddress,
} from './address.ts';
export type * from './config.ts';
export { type ConfigError, renderErrors } from './config-error.ts';
export { effectiveConfig } from './effective.ts';
export { exampleConfig } from './example.ts';
export { DEFAULT_CONFIG_FILE, type LoadResult, loadConfig } from './load.ts';
export { type ConfigResult, readConfig } from './read.ts';
