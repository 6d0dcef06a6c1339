// Makes certificate requests (PKCS#10, RFC 2986): what a client does, for the load generator and
// the tests. Invariant: what is made here, csr.ts reads. Never here: mistakes on purpose.

import type { Identifier } from '../../core/acme/identifier.ts';
import { bitString, contextTag, encode, integer, sequence, setOf } from '../../core/der.ts';
import { subjectAltName } from './extensions.ts';
import type { CaKey } from './keys.ts';
import { encodeName } from './name.ts';
import { encodedOid } from './oids.ts';

export interface CsrContent {
  /** Anything that signs; CA keys do. */
  readonly key: Pick<CaKey, 'publicKey' | 'signatureAlgorithm' | 'sign'>;
  readonly names: readonly Identifier[];
  readonly commonName?: string;
}

/** DER of a signed request. */
export function makeCsr(content: CsrContent): Uint8Array {
  const { key, names, commonName } = content;
  const request = sequence(subjectAltName(names, 'not critical'));
  const info = sequence(
    integer(0),
    encodeName(commonName === undefined ? {} : { commonName }),
    key.publicKey.spki,
    encode(contextTag(0, 'constructed'), sequence(encodedOid('extensionRequest'), setOf(request))),
  );
  return sequence(info, key.signatureAlgorithm, bitString(key.sign(info)));
}
