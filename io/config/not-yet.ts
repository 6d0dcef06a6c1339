// Settings that are understood but that this version cannot honour. They are refused, because a
// certificate authority that ignores what it was told is worse than one that does not start.
// Invariant: the defaults are never refused; an entry is removed in the change that implements it.
// Never here: settings that are wrong (relations.ts, schema.ts).

import type { Config } from './config.ts';
import type { Path } from './locate.ts';
import type { Violation } from './relations.ts';
import { ADMIN } from './schema-front.ts';

export interface Limitation {
  readonly path: Path;
  /** Completes "… is not available in this version". */
  readonly what: string;
  readonly fix: string;
  readonly used: (config: Config) => boolean;
}

const ADMIN_KEYS = [
  ['bootstrap_operator_name', 'bootstrapOperatorName'],
  ['session_ttl_secs', 'sessionTtlSecs'],
  ['session_lock_secs', 'sessionLockSecs'],
  ['max_failed_auth', 'maxFailedAuth'],
  ['lockout_duration_secs', 'lockoutDurationSecs'],
] as const;

export const NOT_YET: readonly Limitation[] = [
  {
    path: ['mtc', 'enabled'],
    what: '[mtc] enabled = true',
    fix: 'set enabled = false',
    used: ({ mtc }) => mtc.enabled,
  },
  {
    path: ['profiles', 'providers'],
    what: '[profiles.providers]',
    fix: 'remove the providers',
    used: ({ profiles }) => profiles.providers.size > 0,
  },
  {
    path: ['tls', 'client_auth'],
    what: '[tls.client_auth]',
    fix: 'remove the section',
    used: ({ tls }) => tls.clientAuth !== undefined,
  },
  {
    path: ['admin', 'bootstrap_operator_cert_file'],
    what: 'an operator with a client certificate',
    fix: 'remove bootstrap_operator_cert_file and bootstrap_operator_key_file',
    used: ({ admin }) => admin.bootstrapOperatorCertFile !== undefined,
  },
  {
    path: ['admin', 'bootstrap_operator_key_file'],
    what: 'a key of an operator',
    fix: 'remove bootstrap_operator_key_file',
    used: ({ admin }) => admin.bootstrapOperatorKeyFile !== undefined,
  },
  ...ADMIN_KEYS.map(
    ([key, field]): Limitation => ({
      path: ['admin', key],
      what: `[admin] ${key}`,
      fix: 'remove it: there are no operator sessions yet',
      used: ({ admin }) => 'default' in ADMIN[key] && admin[field] !== ADMIN[key].default,
    }),
  ),
  {
    path: ['server', 'trusted_proxies'],
    what: '[server] trusted_proxies',
    fix: 'remove it: no decision depends on the address of a client yet',
    used: ({ server }) => server.trustedProxies.length > 0,
  },
  {
    path: ['server', 'audit_log_file'],
    what: '[server] audit_log_file',
    fix: 'remove it: the log on standard error has the events',
    used: ({ server }) => server.auditLogFile !== undefined,
  },
];

/** The settings of `config` that have no effect yet. */
export function unavailable(
  config: Config,
  limitations: readonly Limitation[],
): readonly Violation[] {
  return limitations
    .filter(({ used }) => used(config))
    .map(({ path, what, fix }) => ({
      paths: [path],
      message: `${what} is not available in this version`,
      fix,
    }));
}
