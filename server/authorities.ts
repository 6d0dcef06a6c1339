// Opens the CAs of a configuration for a node that has a database: what the database knows of a CA
// is known before any key is made, and a CA is opened only if it is the same as before.
// Invariant: no new CA is made silently, and none beside a database that was used with another.
// Never here: the files of a CA, what they hold.

import { hash, randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { certificateMade } from '../core/acme/records.ts';
import type { CaConfig, Config } from '../io/config/index.ts';
import type { Log } from '../io/log.ts';
import type { Store } from '../io/store/store.ts';
import { type CertificateAuthority, openCa } from './ca/ca.ts';
import type { Lineage } from './ca/lineage.ts';
import { fromPem } from './ca/pem.ts';
import type { Authorities } from './policy.ts';
import { databaseName } from './store.ts';

/** `ca/ID` in the small facts: identifiers of keys, separated by spaces. */
const FACT = 'ca/';
/** Certificates that are looked at together. */
const PAGE = 500;

/** Rejects with a CaError that names the fix. */
export async function openAuthorities(
  config: Config,
  store: Store,
  log: Log,
): Promise<Authorities> {
  const facts = await store.meta();
  const authorities = new Map<string, CertificateAuthority>();
  for (const ca of config.ca) {
    const keyIds = keyIdsIn(facts.get(FACT + ca.id)) ?? (await forgottenKeyIds(ca, store));
    const lineage = keyIds && { database: databaseName(config.database), keyIds };
    authorities.set(ca.id, openOne(ca, lineage, log));
  }
  return authorities;
}

/** Notes which CAs a node runs with, once it does: a start that failed may have had the wrong ones. */
export async function rememberAuthorities(store: Store, authorities: Authorities): Promise<void> {
  const facts = await store.meta();
  const meta = new Map<string, string>();
  for (const [id, { keyIds }] of authorities) {
    const fact = [...keyIds].sort().join(' ');
    if (fact !== facts.get(FACT + id)) meta.set(FACT + id, fact);
  }
  if (meta.size > 0) await store.commit({ records: [], forget: [], meta });
}

function keyIdsIn(fact: string | undefined): ReadonlySet<string> | undefined {
  return fact === undefined ? undefined : new Set(fact.split(' '));
}

/**
 * For a CA that would be made and that no fact knows: an empty set if the database has certificates
 * of it, perhaps from other nodes. It is looked through once in the life of a CA.
 */
async function forgottenKeyIds(
  { id, keyFile, certFile }: CaConfig,
  store: Store,
): Promise<ReadonlySet<string> | undefined> {
  if (existsSync(keyFile) || existsSync(certFile)) return undefined;
  let afterId = '';
  for (;;) {
    const page = await store.select({ kind: 'certificate', afterId, limit: PAGE });
    if (page.some((record) => certificateMade(record).ca === id)) return new Set();
    if (page.length < PAGE) return undefined;
    afterId = page.at(-1)!.id;
  }
}

function openOne(ca: CaConfig, lineage: Lineage | undefined, log: Log): CertificateAuthority {
  const authority = openCa(plainConfig(ca), {
    nowMs: Date.now(),
    random: (length) => new Uint8Array(randomBytes(length)),
    ...(lineage && { lineage }),
  });
  const { id, keyType, expiresMs, made, rootPem } = authority;
  if (made !== undefined) {
    log.warn('ca', `made ${made}`, { id, root_sha256: rootPem && fingerprint(rootPem) });
  }
  log.info('ca', 'opened', { id, key_type: keyType, expires: new Date(expiresMs).toISOString() });
  warnAbout(ca, expiresMs, log);
  return authority;
}

/** As `openssl x509 -noout -fingerprint -sha256` shows it. */
function fingerprint(pem: string): string {
  const digest = hash('sha256', fromPem(pem)[0]!.der, 'hex');
  return digest.toUpperCase().replace(/..(?=.)/g, '$&:');
}

/** What works today but will hurt: an issuing certificate near its end, a key that others can read. */
function warnAbout(ca: CaConfig, expiresMs: number, log: Log): void {
  const daysLeft = Math.floor((expiresMs - Date.now()) / 86_400_000);
  if (daysLeft < ca.validityDays) {
    log.warn('ca', 'expires soon: certificates are issued for less than validity_days', {
      id: ca.id,
      days_left: daysLeft,
    });
  }
  if ((statSync(ca.keyFile).mode & 0o077) !== 0) {
    log.warn('ca', 'the key file can be read by others; chmod it to 600', { file: ca.keyFile });
  }
}

function plainConfig({ crlUrl, ocspUrl, ...rest }: CaConfig): Parameters<typeof openCa>[0] {
  return {
    ...rest,
    ...(crlUrl !== undefined && { crlUrl }),
    ...(ocspUrl !== undefined && { ocspUrl }),
  };
}
