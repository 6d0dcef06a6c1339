// Sets of files that appear together or not at all: each is written beside its place as
// `NAME.new`, synced, and the names are then switched one after the other, the deciding one last.
// Invariant: no file is ever seen half written, and a file that exists is never replaced.
// Never here: what the files hold.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

export interface NewFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** Where a file stands until the whole set is written. */
export function pendingPath(path: string): string {
  return `${path}.new`;
}

/** The text of a file, or undefined when there is none. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Writes one pending file; throws EEXIST when it is already there. The first pending file of a set
 * is therefore a lock: of two processes one gets it.
 */
export function writePending(file: NewFile): void {
  mkdirSync(dirname(file.path), { recursive: true });
  const handle = openSync(pendingPath(file.path), 'wx', file.mode);
  try {
    writeSync(handle, file.content);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Gives a pending file its name, durably. Another process may have done so already. */
export function settle(path: string): void {
  try {
    renameSync(pendingPath(path), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !existsSync(path)) throw error;
  }
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Removes a pending file, if there is one. */
export function dropPending(path: string): void {
  rmSync(pendingPath(path), { force: true });
}
