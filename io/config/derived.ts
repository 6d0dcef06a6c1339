// Defaults that follow from other settings. The schema says each in words (`derived`); here each
// is computed, and the configuration becomes whole.
// Invariant: a value the operator wrote is never changed. Never here: fixed defaults (schema.ts).

import { dirname, join } from 'node:path';
import { parseDatabaseUrl } from './address.ts';
import type { CaConfig, Config, DatabaseConfig, GossipConfig } from './config.ts';

/** A configuration in which settings with a derived default may still be absent. */
export interface Draft extends Omit<Config, 'database' | 'ca' | 'gossip'> {
  readonly database: Partly<DatabaseConfig, 'maxConnections'>;
  readonly ca: readonly CaDraft[];
  readonly gossip: Partly<GossipConfig, 'clockSkewToleranceSecs'> | undefined;
}

type CaDraft = Partly<CaConfig, 'isDefault' | 'rootKeyFile' | 'rootCertFile' | 'caaIdentities'>;
type Partly<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]: T[P] | undefined };

const SERVER_DATABASE_CONNECTIONS = 10;

export function completeConfig(draft: Draft): Config {
  const { database, gossip } = draft;
  return {
    ...draft,
    database: {
      ...database,
      maxConnections: database.maxConnections ?? defaultConnections(database.url),
    },
    ca: draft.ca.map((ca) => completeCa(ca, draft)),
    gossip: gossip && {
      ...gossip,
      clockSkewToleranceSecs: gossip.clockSkewToleranceSecs ?? gossip.tombstoneTtlSecs,
    },
  };
}

function completeCa(ca: CaDraft, draft: Draft): CaConfig {
  return {
    ...ca,
    isDefault: ca.isDefault ?? draft.ca.length === 1,
    rootKeyFile: ca.rootKeyFile ?? join(dirname(ca.keyFile), 'root-key.pem'),
    rootCertFile: ca.rootCertFile ?? join(dirname(ca.certFile), 'root.pem'),
    caaIdentities: ca.caaIdentities ?? draft.server.caaIdentities,
  };
}

/** SQLite has one writer, and each node is the only one of its database. */
function defaultConnections(url: string): number {
  const kind = parseDatabaseUrl(url)?.kind;
  return kind === 'postgres' || kind === 'mariadb' ? SERVER_DATABASE_CONNECTIONS : 1;
}
