// The configuration file on disk: finds it, reads it, hands it to the reader.
// Invariant: one read of a bounded, regular file; whatever goes wrong comes back as an error that
// names the file and the fix. Never here: what a key means, writing a file (server/cli/init.ts).

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Config } from './config.ts';
import type { ConfigError } from './config-error.ts';
import { readConfig } from './read.ts';

/** Read from the working directory when it is there. */
export const DEFAULT_CONFIG_FILE = 'akamu.toml';
const MAX_FILE_BYTES = 1 << 20;

export type LoadResult =
  /** `file` is undefined for the built-in defaults. */
  | { readonly ok: true; readonly config: Config; readonly file: string | undefined }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Without a path: akamu.toml of the working directory if there is one, else the defaults. */
export function loadConfig(path?: string): LoadResult {
  const file = path ?? DEFAULT_CONFIG_FILE;
  const read = readTextFile(file);
  if (!read.ok && read.code === 'ENOENT' && path === undefined) {
    const defaults = readConfig('', 'the built-in defaults');
    return defaults.ok ? { ...defaults, file: undefined } : defaults;
  }
  if (!read.ok) return { ok: false, errors: [fileError(file, read.message, read.fix)] };
  const result = readConfig(read.text, file);
  return result.ok ? { ...result, file } : result;
}

type ReadResult =
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false;
      readonly code: string | undefined;
      readonly message: string;
      readonly fix: string;
    };

function readTextFile(file: string): ReadResult {
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK a named pipe would be waited for before it can be refused.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = fstatSync(descriptor);
    if (!status.isFile()) return refused('is not a regular file', 'name a file');
    if (status.size > MAX_FILE_BYTES) {
      return refused(`is larger than ${MAX_FILE_BYTES} bytes`, 'name a configuration file');
    }
    const bytes = readFileSync(descriptor);
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof TypeError) return refused('is not UTF-8', 'save it as UTF-8');
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    return { ok: false, code, ...explain(code) };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function refused(message: string, fix: string): ReadResult {
  return { ok: false, code: undefined, message, fix };
}

function explain(code: string | undefined): { readonly message: string; readonly fix: string } {
  switch (code) {
    case 'ENOENT':
      return { message: 'there is no such file', fix: 'write one with: akamu init --config FILE' };
    case 'EACCES':
    case 'EPERM':
      return { message: 'it may not be read', fix: 'let the user that runs akamu read it' };
    default:
      return { message: `it cannot be read (${code ?? 'unknown error'})`, fix: 'check the path' };
  }
}

function fileError(file: string, message: string, fix: string): ConfigError {
  return { file, line: 0, column: 0, message, fix, excerpt: [] };
}
