// The version of this program, from the one place that states it: package.json.
// Invariant: read at run time, so a build cannot carry an old one. Never here: other versions.

import { readFileSync } from 'node:fs';

export function programVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const isObject = typeof parsed === 'object' && parsed !== null;
  return isObject && 'version' in parsed ? String(parsed.version) : 'unknown';
}
