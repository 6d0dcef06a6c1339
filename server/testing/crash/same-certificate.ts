// Whether two downloads are one certificate. In a cluster two nodes may sign what one order and CSR
// amount to without knowing of each other; then one of the two signatures is kept, and a client may
// see the other one first.
// Invariant: all that is signed is the same to the last octet, and the chain behind it too.
// Never here: whether that was right.

import { parseCertificate } from '../../ca/certificate.ts';

const END = '-----END CERTIFICATE-----\n';
const BEGIN = /^-----BEGIN CERTIFICATE-----\n/;

/** PEM chains that differ, if at all, in the signature of their first certificate. */
export function isSameCertificate(one: string, other: string): boolean {
  if (one === other) return true;
  const [[a, chainOfA], [b, chainOfB]] = [parts(one), parts(other)];
  return chainOfA === chainOfB && Buffer.compare(signedPart(a), signedPart(b)) === 0;
}

function parts(pem: string): readonly [first: string, chain: string] {
  const end = pem.indexOf(END);
  return [pem.slice(0, end), pem.slice(end)];
}

function signedPart(pem: string): Uint8Array {
  const der = Buffer.from(pem.replace(BEGIN, ''), 'base64');
  return parseCertificate(new Uint8Array(der)).tbs;
}
