// From configuration and opened CAs to what the core goes by. Invariant: a pure function, so a
// reload gives the same policy as a restart. Never here: defaults (io/config), files.

import type { CaPolicy, Policy } from '../core/acme/policy.ts';
import { CHALLENGE_TYPES } from '../core/acme/validation.ts';
import { toBase64Url } from '../core/bytes.ts';
import type { CaConfig, Config } from '../io/config/index.ts';
import type { CertificateAuthority } from './ca/ca.ts';

const DAY_MS = 86_400_000;

/** The opened CAs by id. */
export type Authorities = ReadonlyMap<string, CertificateAuthority>;

/** The policy a configuration amounts to; the CA that issues comes first. */
export function policyOf(config: Config, authorities: Authorities): Policy {
  const { server } = config;
  const ordered = [...config.ca].sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
  const [issuing, ...others] = ordered.map((ca) => caPolicy(ca, authorities.get(ca.id)!));
  const identities = [...server.caaIdentities, ...config.ca.flatMap((ca) => ca.caaIdentities)];
  return {
    baseUrl: config.baseUrl,
    cas: [issuing!, ...others],
    challengeTypes: CHALLENGE_TYPES,
    orderExpiryMs: server.orderExpirySecs * 1000,
    authorizationExpiryMs: server.authzExpirySecs * 1000,
    externalAccountRequired: server.externalAccountRequired,
    eabKeys: new Map(
      [...server.eabKeys].map(([kid, secret]) => [kid, Buffer.from(secret, 'base64url')]),
    ),
    caaIdentities: [...new Set(identities)],
    renewalRetryAfterSecs: server.ariRetryAfterSecs,
    ...(server.ariExplanationUrl !== undefined && {
      renewalExplanationUrl: server.ariExplanationUrl,
    }),
    ...(server.termsOfServiceUrl !== undefined && { termsOfServiceUrl: server.termsOfServiceUrl }),
    ...(server.websiteUrl !== undefined && { websiteUrl: server.websiteUrl }),
  };
}

function caPolicy(config: CaConfig, authority: CertificateAuthority): CaPolicy {
  const { chainPem, rootPem } = authority;
  const isRootInChain = rootPem !== undefined && chainPem.includes(rootPem);
  return {
    id: config.id,
    chainPem,
    fullChainPem: chainPem + (rootPem === undefined || isRootInChain ? '' : rootPem),
    rootPem: rootPem ?? chainPem,
    keyHashes: [...authority.spkiHashes],
    keyId: toBase64Url(authority.issuer.keyId),
    validityMs: config.validityDays * DAY_MS,
    crlNextUpdateMs: config.crlNextUpdateSecs * 1000,
  };
}
