// The answer to a key that akamu.toml does not have: the key that was probably meant, the section
// where it belongs, or what became of it. Invariant: it always ends in something to do.
// Never here: the refusal itself (read.ts).

import { nearest } from '../../core/suggest.ts';
import { quote } from './config-error.ts';
import { SCHEMA } from './schema.ts';
import { isSection, type SettingTable } from './setting.ts';

/** Keys that operators of Akamu's namesake may bring along, and why they are not needed here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  hash_alg: 'remove it: the hash follows from key_type',
  log_path: 'remove it: the issuance log is kept in the database',
  crdt_db_url: 'remove it: replicated records are kept in [database]',
  validate_dnssec: 'remove it: let dns_resolver_addr name a resolver that validates DNSSEC',
  server_name: 'remove it: the server certificate is for the host of base_url',
  account_scope: 'remove it: accounts belong to the server',
  refresh_interval_secs: 'remove it: profiles are read from this file only',
};

const MAX_LISTED = 8;

export function describeUnknownKey(
  key: string,
  siblings: SettingTable,
  label: string,
): { readonly message: string; readonly fix: string } {
  const where = label === '' ? '' : ` in ${label}`;
  const message = `unknown ${label === '' ? 'key or section' : 'key'} ${quote(key)}${where}`;
  const close = nearest(key, Object.keys(siblings));
  const homes = sectionsWith(key, SCHEMA, '').filter((home) => home !== label);
  if (Object.hasOwn(ELSEWHERE, key)) return { message, fix: ELSEWHERE[key] ?? '' };
  if (homes.length > 0) {
    const homeNames = homes.slice(0, MAX_LISTED).map((home) => home || 'the top of the file');
    return { message, fix: `move it to ${homeNames.join(' or ')}` };
  }
  if (close !== undefined) return { message, fix: `did you mean ${quote(close)}?` };
  return { message, fix: `remove it; known here: ${list(Object.keys(siblings))}` };
}

/** The labels of all sections that have `key`. */
function sectionsWith(key: string, table: SettingTable, label: string): readonly string[] {
  const here = Object.hasOwn(table, key) ? [label] : [];
  const below = Object.entries(table).flatMap(([name, setting]) => {
    if (!isSection(setting)) return [];
    const inner = label === '' ? name : `${label.replace(/^\[+|\]+$/g, '')}.${name}`;
    if (setting.type === 'section-map') {
      return sectionsWith(key, setting.keys, `[${inner}.${setting.exampleName}]`);
    }
    const brackets = setting.type === 'sections' ? [`[[${inner}]]`] : [`[${inner}]`];
    return brackets.flatMap((next) => sectionsWith(key, setting.keys, next));
  });
  return [...here, ...below];
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).join(', ');
  return names.length > MAX_LISTED ? `${shown}, … (akamu init writes all of them)` : shown;
}
