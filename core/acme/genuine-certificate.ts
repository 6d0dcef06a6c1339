// Whether a peer's certificate is the one that its serial number names. A serial number follows from
// an order, its CSR and the period (issuance.ts), so two records of one number say the same of all
// that; they may only hold two signatures over it. And what they hold has to be that certificate.
// Invariant: no record of an honest node is found fault with, on whatever side of a partition it was
// made, and what is held of a certificate stays as it is. Never here: whether a CA has signed it:
// whoever has its key can have it sign anything.

import { fromBase64 } from '../bytes.ts';
import { sameJson } from '../crdt/canonical.ts';
import type { Record } from '../crdt/record.ts';
import type { CertificateFacts, Primitives } from '../primitives.ts';
import { type CertificateMade, certificateMade } from './records.ts';

/**
 * `certificate.made` when a record that passed `faultOf` is not the certificate that it names;
 * `held`: ours of the same number, if there is one.
 */
export function falseCertificate(
  theirs: Record,
  held: Record | undefined,
  { readCertificate }: Pick<Primitives, 'readCertificate'>,
): 'certificate.made' | undefined {
  if (theirs.kind !== 'certificate' || theirs.fields['made'] === undefined) return undefined;
  const made = certificateMade(theirs);
  const ours = held?.fields['made'] === undefined ? undefined : certificateMade(held);
  if (ours !== undefined && ours.der === made.der && saysTheSame(made, ours)) return undefined;
  const octets = fromBase64(made.der);
  const reading = octets && readCertificate(octets);
  const isGenuine =
    reading?.ok === true && reading.value.serial === theirs.id && saysTheSame(made, reading.value);
  return isGenuine ? undefined : 'certificate.made';
}

/** A node that believed in an early end would let go of a certificate, and of its revocation. */
function saysTheSame(made: CertificateMade, facts: Omit<CertificateFacts, 'serial'>): boolean {
  return (
    made.spkiHash === facts.spkiHash &&
    made.notBeforeMs === facts.notBeforeMs &&
    made.notAfterMs === facts.notAfterMs
  );
}

/**
 * Whether two records of one certificate say different things of it: whose it is, or for which names.
 * Of two honest nodes one has been lied to, and nothing shows which.
 */
export function isDisputed(theirs: Record, held: Record | undefined): boolean {
  if (theirs.kind !== 'certificate' || theirs.fields['made'] === undefined) return false;
  if (held?.fields['made'] === undefined) return false;
  const { der: _, ...facts } = certificateMade(theirs);
  const { der: __, ...known } = certificateMade(held);
  return !sameJson(facts as never, known as never);
}
