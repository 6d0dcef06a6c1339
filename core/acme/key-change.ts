// Account key rollover (RFC 8555 §7.3.5). Invariant: the new key has signed, and belongs to no
// account; the old one never opens another account. Never here: JWS form.

import { first, last } from '../crdt/lattice.ts';
import { accountOfKey } from './account.ts';
import { answer, type Outcome } from './answer.ts';
import type { Call } from './call.ts';
import { parseInnerKeyChange, parsePayload, verifyJws } from './jws.ts';
import { problem, STALE } from './problem.ts';
import { accountKey } from './records.ts';
import { accountUrl } from './request.ts';

/** POST key-change. */
export function changeKey({ tx, policy, signed }: Call): Outcome {
  const account = signed!.account!;
  if (signed!.payload === undefined) throw problem('malformed', 'key-change needs an inner JWS');
  const inner = parseInnerKeyChange(signed!.jws);
  const reading = tx.primitives.readKey(inner.jwk);
  if (!reading.ok) throw problem('badPublicKey', reading.reason);
  const key = reading.value;
  verifyJws(inner, key.jwk, tx.primitives);
  const payload = parsePayload(inner);
  if (payload['account'] !== accountUrl(policy, account.id)) {
    throw problem('malformed', '"account" of the inner payload must be the account URL in "kid"');
  }
  const old = tx.primitives.readKey(payload['oldKey']);
  if (!old.ok || old.value.thumbprint !== accountKey(account).thumbprint) {
    throw problem('malformed', '"oldKey" is not the key this account has now', STALE);
  }
  if (key.thumbprint === old.value.thumbprint) {
    throw problem('malformed', 'the new key is the one the account has already');
  }
  const holder = accountOfKey(tx, key.thumbprint);
  if (holder.account !== undefined) {
    throw problem('malformed', 'another account has this key', {
      status: 409,
      headers: { Location: accountUrl(policy, holder.account.id) },
    });
  }
  if (holder.former !== undefined && holder.former.id !== account.id) {
    throw problem('malformed', 'this key was replaced before; use a new key', { status: 409 });
  }
  const at = tx.stamp();
  tx.put('account', account.id, {
    key: last(account.fields['key'], at, { ...key, jwk: { ...key.jwk } }),
  });
  // A key the account had before is bound to it already, and what is decided first stays.
  if (holder.former === undefined) {
    tx.put('key', key.thumbprint, { account: first(at, account.id) });
  }
  tx.log('info', 'acme', 'account key changed', { account: account.id });
  return answer(200, { location: accountUrl(policy, account.id) });
}
