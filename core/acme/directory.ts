// What needs no signature: the directory and its meta (RFC 8555 §7.1.1), new-nonce (§7.2) and the
// CA's own certificates. Invariant: nothing here touches a record. Never here: signed resources.

import { answer, type Outcome } from './answer.ts';
import type { Call } from './call.ts';
import { issuingCa } from './policy.ts';

/** GET directory. */
export function directory({ policy }: Call): Outcome {
  const { baseUrl, termsOfServiceUrl, websiteUrl, caaIdentities } = policy;
  const meta = {
    ...(termsOfServiceUrl !== undefined && { termsOfService: termsOfServiceUrl }),
    ...(websiteUrl !== undefined && { website: websiteUrl }),
    ...(caaIdentities.length > 0 && { caaIdentities }),
    externalAccountRequired: policy.externalAccountRequired,
  };
  return answer(200, {
    body: {
      newNonce: `${baseUrl}/acme/new-nonce`,
      newAccount: `${baseUrl}/acme/new-account`,
      newOrder: `${baseUrl}/acme/new-order`,
      newAuthz: `${baseUrl}/acme/new-authz`,
      revokeCert: `${baseUrl}/acme/revoke-cert`,
      keyChange: `${baseUrl}/acme/key-change`,
      renewalInfo: `${baseUrl}/acme/renewal-info`,
      meta,
    },
    headers: { 'Cache-Control': 'public, max-age=0, no-cache' },
  });
}

/** HEAD answers 200, GET 204 (§7.2); the nonce and `no-store` are put on by the frame. */
export function newNonce({ web }: Call): Outcome {
  return answer(web.method === 'GET' ? 204 : 200);
}

/** GET /ca/root: the trust anchor, for operators to hand out. */
export function rootCertificate({ policy }: Call): Outcome {
  return answer(200, { body: issuingCa(policy).rootPem, contentType: 'application/x-pem-file' });
}

/** GET /ca/chain: what follows a leaf, the target of `Link: rel="up"` (RFC 8555 §7.4.2). */
export function issuerChain({ policy }: Call): Outcome {
  return answer(200, {
    body: issuingCa(policy).chainPem,
    contentType: 'application/pem-certificate-chain',
  });
}
