// What a revocation list is made of: every revoked certificate of a CA that has not expired long
// ago, read from the database page by page. Invariant: it sees every revocation that was durable
// when it was asked. Never here: when a list is made, its number.

import { certificateMade, registerMember } from '../core/acme/records.ts';
import { REVOCATION_REASONS } from '../core/acme/revocation-reason.ts';
import type { CrlOrder } from '../io/driver.ts';
import type { Store } from '../io/store/store.ts';
import type { CertificateAuthority } from './ca/ca.ts';
import type { RevokedEntry } from './ca/crl.ts';

const KNOWN_REASONS: ReadonlySet<number> = new Set(Object.values(REVOCATION_REASONS));
const PAGE = 1000;
/** RFC 5280 §3.3: an entry stays on at least one list issued after the certificate expired. */
const AFTER_EXPIRY_MS = 2 * 86_400_000;

/** Signs the list that was ordered. */
export async function buildList(
  store: Store,
  authority: CertificateAuthority,
  order: CrlOrder,
): Promise<Uint8Array> {
  const revoked: RevokedEntry[] = [];
  for (let afterId = ''; ; ) {
    const page = await store.select({
      kind: 'certificate',
      state: 'revoked',
      expiresAfterMs: order.thisUpdateMs - AFTER_EXPIRY_MS,
      ...(afterId !== '' && { afterId }),
      limit: PAGE,
    });
    for (const certificate of page) {
      if (certificateMade(certificate).ca !== order.ca) continue;
      // A peer that lies may say that a certificate is revoked, and not since when.
      const since = registerMember(certificate, 'revocation', 'atMs');
      const atMs = typeof since === 'number' ? since : certificateMade(certificate).notBeforeMs;
      const given = Number(registerMember(certificate, 'revocation', 'reason'));
      // A reason that no list can carry must not keep all the others from being published.
      const reason = KNOWN_REASONS.has(given) ? given : REVOCATION_REASONS.unspecified;
      revoked.push({ serial: certificate.id, atMs, reason });
    }
    if (page.length < PAGE) break;
    afterId = page.at(-1)!.id;
  }
  const { tag, thisUpdateMs, nextUpdateMs } = order;
  const number = (BigInt(order.number) << 32n) | BigInt(tag);
  return authority.crl({ number, thisUpdateMs, nextUpdateMs, revoked });
}
