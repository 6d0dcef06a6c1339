// Whether a CA is still the one it was: by the identifiers of the keys in its chain, and of the key
// above it, of which one has to be the same.
// Invariant: a renewed certificate, a new intermediate under the same root and a new root above the
// same intermediate are the same CA; what shares no key with it is another one.
// Never here: where it is kept what a CA was.

import { hash } from 'node:crypto';
import { toBase64Url } from '../../core/bytes.ts';
import { CaError, type CaPaths } from './ca-config.ts';
import type { Certificate } from './certificate.ts';
import {
  type Extension,
  findExtension,
  readAuthorityKeyIdentifier,
  readSubjectKeyIdentifier,
} from './extension-reader.ts';
import type { OidName } from './oids.ts';
import { attempt } from './refusal.ts';

/** What a database says of the CA it was used with. */
export interface Lineage {
  /** The database as operators call it. */
  readonly database: string;
  /** As `keyIdsOf` had them; empty when it is only known that there was a CA. */
  readonly keyIds: ReadonlySet<string>;
}

/** Identifiers of the keys in a chain and of the key that signed its top (RFC 5280 §4.2.1.1). */
export function keyIdsOf(chain: readonly Certificate[]): ReadonlySet<string> {
  const ids = chain.flatMap(({ extensions, spki }) => {
    const own = keyIdIn(extensions, 'subjectKeyIdentifier', readSubjectKeyIdentifier);
    const signer = keyIdIn(extensions, 'authorityKeyIdentifier', readAuthorityKeyIdentifier);
    return [own ?? hash('sha256', spki, 'buffer'), ...(signer ? [signer] : [])];
  });
  return new Set(ids.map(toBase64Url));
}

/** Throws a CaError when the chain is that of another CA. */
export function requireSame(
  lineage: Lineage | undefined,
  id: string,
  paths: CaPaths,
  chain: readonly Certificate[],
): void {
  if (lineage === undefined || isSame(lineage, chain)) return;
  throw new CaError(
    `the CA in ${paths.cert} is another one than that with which the database ` +
      `${lineage.database} was used as "${id}": they have no key in common. Bring back the files ` +
      'of that CA, or start with an empty database, or give this CA another id',
  );
}

/** Throws a CaError when a CA was there, and what is left of it is not its root. */
export function requireUnused(
  lineage: Lineage | undefined,
  id: string,
  paths: CaPaths,
  root: Certificate | undefined,
): void {
  if (lineage === undefined || (root !== undefined && isSame(lineage, [root]))) return;
  throw new CaError(
    `the files of the CA "${id}", ${paths.key} and ${paths.cert}, are missing, but the database ` +
      `${lineage.database} was used with this CA. Restore the files of the CA, or start with an ` +
      'empty database, whereupon a new CA is made',
  );
}

function isSame({ keyIds }: Lineage, chain: readonly Certificate[]): boolean {
  return keyIds.size === 0 || [...keyIdsOf(chain)].some((id) => keyIds.has(id));
}

/** What cannot be read identifies nothing; whether it may stand there is not asked here. */
function keyIdIn(
  extensions: readonly Extension[],
  name: OidName,
  read: (value: Uint8Array) => Uint8Array | undefined,
): Uint8Array | undefined {
  const found = findExtension(extensions, name);
  const reading = found && attempt(name, () => read(found.value));
  return reading?.ok ? reading.value : undefined;
}
