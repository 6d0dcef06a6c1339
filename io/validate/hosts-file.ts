// The system's static host table (hosts(5)), which private networks lean on. Invariant: an answer
// reflects the file as it is now: its stamp is looked at on every question, and it is read again
// when the stamp has changed. Never here: DNS.

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { canonicalIp } from '../../core/acme/ip-address.ts';

export const HOSTS_FILE: string =
  process.platform === 'win32'
    ? `${process.env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts';

/** Addresses by lower-case name, in the file's order and RFC 5952 form. */
export type HostTable = ReadonlyMap<string, readonly string[]>;

/** Tells whether a file changed since the last time it was asked. */
export class FileStamp {
  readonly #path: string;
  #last = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** True the first time, and whenever the file was replaced, written, created or removed. */
  changed(): boolean {
    const stat = statSync(this.#path, { throwIfNoEntry: false });
    const stamp = stat === undefined ? 'absent' : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
    const changed = stamp !== this.#last;
    this.#last = stamp;
    return changed;
  }
}

export class HostsFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #stamp: FileStamp;
  #table: HostTable = new Map();

  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#stamp = new FileStamp(path);
  }

  /** The addresses the file gives `name`; none when it does not mention it or cannot be read. */
  addresses(name: string): readonly string[] {
    try {
      if (this.#stamp.changed()) this.#table = parseHosts(readPrefix(this.#path, this.#maxBytes));
    } catch {
      this.#table = new Map();
    }
    return this.#table.get(name.toLowerCase()) ?? [];
  }
}

/** Reads hosts(5) text. Lines that are no entry are skipped, as the system's resolver does. */
export function parseHosts(text: string): HostTable {
  const table = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const canonical = canonicalIp(address!);
    if (canonical === undefined) continue;
    for (const name of names) {
      const known = table.get(name.toLowerCase());
      if (known === undefined) table.set(name.toLowerCase(), [canonical]);
      else if (!known.includes(canonical)) known.push(canonical);
    }
  }
  return table;
}

function readPrefix(path: string, maxBytes: number): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.min(maxBytes, statSync(path).size));
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
}
