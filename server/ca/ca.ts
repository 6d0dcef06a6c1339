// One certificate authority, opened: it issues leaves, signs revocation lists and derives secrets.
// Invariant: nothing it does after opening needs a file, a clock or the network.
// Never here: ACME, storage of what was issued.

import { hash } from 'node:crypto';
import type { IssueRequest, IssueResult } from '../../core/acme/issuance.ts';
import { assert } from '../../core/assert.ts';
import { isSelfIssued } from './ca-checks.ts';
import type { CaConfig } from './ca-config.ts';
import type { CaDoor } from './ca-maker.ts';
import { openCaFiles } from './ca-store.ts';
import type { Certificate } from './certificate.ts';
import { buildCrl, type CrlContent } from './crl.ts';
import { issueLeaf } from './issue.ts';
import type { Issuer } from './issuer.ts';
import { type CaKeyType, deriveSecret } from './keys.ts';
import { keyIdsOf } from './lineage.ts';
import { toPem } from './pem.ts';
import type { LeafPolicy } from './profile.ts';

export interface CertificateAuthority {
  readonly id: string;
  /** Of the key that is really there, which need not be the configured type. */
  readonly keyType: CaKeyType;
  /** For OCSP answers and everything else the issuing key signs. */
  readonly issuer: Issuer;
  /** What follows the leaf in a download: issuing certificate and intermediates, PEM. */
  readonly chainPem: string;
  /** The trust anchor, PEM; undefined when only certificates below it are known here. */
  readonly rootPem: string | undefined;
  /** SHA-256 of the SubjectPublicKeyInfo of every key of this CA, unpadded base64url. */
  readonly spkiHashes: ReadonlySet<string>;
  /** Identifiers of those keys, and of the key above them, by which the CA is known again. */
  readonly keyIds: ReadonlySet<string>;
  /** What of it was made just now, in words; undefined when all was there. */
  readonly made: string | undefined;
  /** Unix milliseconds at which the issuing certificate expires. */
  readonly expiresMs: number;
  /** Issues for an order; a mistake is a result, not an exception. */
  issue(request: IssueRequest): IssueResult;
  /** A signed revocation list, DER. */
  crl(content: CrlContent): Uint8Array;
  /** 32 bytes for one purpose, the same wherever this CA key is. */
  deriveSecret(label: string): Uint8Array;
}

/** Opens a CA, making its keys and certificates on the first start. Throws CaError. */
export function openCa(config: CaConfig, door: CaDoor): CertificateAuthority {
  const { issuer, above, made } = openCaFiles(config, door);
  const all = [issuer.certificate, ...above];
  const top = all.at(-1)!;
  const spkiHashes = new Set(all.map(({ spki }) => hash('sha256', spki, 'base64url')));
  const serialSecret = deriveSecret(issuer.key, 'certificate serial numbers');
  const authority = { issuer, policy: leafPolicy(config), serialSecret, ownKeys: spkiHashes };
  return {
    id: config.id,
    keyType: issuer.key.type,
    issuer,
    chainPem: chainOf(all).map(certificatePem).join(''),
    rootPem: isSelfIssued(top) ? certificatePem(top) : undefined,
    spkiHashes,
    keyIds: keyIdsOf(all),
    made,
    expiresMs: issuer.certificate.notAfterMs,
    issue: (request) => {
      assert(request.ca === config.id, `CA ${config.id} was asked to issue for CA ${request.ca}`);
      return issueLeaf(authority, request);
    },
    crl: (content) => buildCrl({ ...content, issuer }),
    deriveSecret: (label) => deriveSecret(issuer.key, label),
  };
}

function leafPolicy(config: CaConfig): LeafPolicy {
  const { validityDays, crlUrl, ocspUrl, issuerUrl } = config;
  return {
    validityDays,
    ...(crlUrl !== undefined && { crlUrl }),
    ...(ocspUrl !== undefined && { ocspUrl }),
    ...(issuerUrl !== undefined && { issuerUrl }),
  };
}

/** Roots stay out, since clients have them; but some clients want two certificates at least. */
function chainOf(all: readonly Certificate[]): readonly Certificate[] {
  const below = all.filter((certificate) => !isSelfIssued(certificate));
  return below.length === 0 ? all.slice(0, 1) : below;
}

function certificatePem({ der }: Certificate): string {
  return toPem('CERTIFICATE', der);
}
