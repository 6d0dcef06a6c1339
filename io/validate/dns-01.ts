// The dns-01 challenge (RFC 8555 §8.4). Invariant: control is shown by one TXT record, among
// however many, that equals the digest of the key authorization; a name and its wildcard share one
// owner name, so several clients' values side by side are normal. Never here: DNS transport.

import { createHash } from 'node:crypto';
import type { ValidationRequest } from '../../core/acme/validation.ts';
import type { Attempt } from './attempt.ts';
import { failed, quoted, refused } from './failure.ts';
import type { Resolver } from './resolver.ts';

const LISTED_VALUES = 3;

/** Resolves when the client has shown control; rejects with a ProbeFailure otherwise. */
export async function probeDns01(
  { resolver }: { readonly resolver: Resolver },
  attempt: Attempt,
  { identifier, keyAuthorization }: ValidationRequest,
): Promise<void> {
  if (identifier.type !== 'dns') {
    // RFC 8738 §7.
    throw refused('rejectedIdentifier', 'dns-01 cannot show control of an IP address');
  }
  const owner = `_acme-challenge.${identifier.value}`;
  attempt.begin('dns', `looking up TXT for ${owner}`);
  const values = await resolver.texts(owner);
  const expected = createHash('sha256').update(keyAuthorization).digest('base64url');
  if (values.includes(expected)) return;
  const listed = values.slice(0, LISTED_VALUES).map((value) => quoted(value));
  const more = values.length > LISTED_VALUES ? ` and ${values.length - LISTED_VALUES} more` : '';
  const got = `${listed.join(', ')}${more}`;
  throw failed('incorrectResponse', `TXT ${owner}: expected "${expected}", got ${got}`);
}
