// The status of an account as everybody sees it: its own, and what follows from the external account
// key it is bound to. Invariant: it never goes back, since the use of a key is only ever found to
// have been earlier. Never here: binding.

import { toBase64Url } from '../bytes.ts';
import type { RecordKey } from '../crdt/record.ts';
import type { Primitives } from '../primitives.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { type AccountStatus, registerMember, rung } from './records.ts';

/** Ids of records end here. */
const MAX_ID = 200;

/** Status as everybody sees it: an account whose external account key is another's is revoked. */
export function accountStatus(tx: Transaction, account: Draft): AccountStatus {
  const stored = rung(account, 'status') as AccountStatus;
  return stored !== 'revoked' && hasLostKey(tx, account) ? 'revoked' : stored;
}

/** Whether the key an account is bound to was used by another account, and earlier. */
function hasLostKey(tx: Transaction, account: Draft): boolean {
  const binding = bindingOf(tx.primitives, account);
  const record = binding && tx.get(binding.kind, binding.id);
  const user = record && registerMember(record, 'used', 'account');
  return user !== undefined && user !== account.id;
}

/** The record of the external account key that an account is bound to, if it is bound to one. */
export function bindingOf(primitives: Primitives, account: Draft): RecordKey | undefined {
  const kid = registerMember(account, 'eab', 'kid');
  if (typeof kid !== 'string') return undefined;
  return { kind: 'eab', id: externalKeyId(primitives, kid) };
}

/** The key identifier, or a hash of one that is too long for a record. */
export function externalKeyId(primitives: Primitives, kid: string): string {
  if (kid.length <= MAX_ID && /^[\x21-\x7e]+$/.test(kid)) return kid;
  return `sha256=${toBase64Url(primitives.sha256(kid))}`;
}
