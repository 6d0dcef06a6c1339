// External account binding (RFC 8555 §7.3.4). A key of the configuration becomes a record, with its
// secret sealed, so that every node of a cluster knows it; and it is good for one account.
//
// In a cluster the record counts: a configuration that has another secret for a known key is told
// so in the log, and a new secret needs a new key identifier. A node that works alone goes by its
// configuration.
//
// On two sides of a partition one key can be used twice. The earlier use stands; the other account
// then counts as revoked on every node that knows of both, and for good, since uses only become
// earlier. Nothing of it is lost, but it can do no more: its owner needs a new account key, and a
// new external account key. So a key that was used may be revoked, but never deleted.
//
// Invariant: no secret leaves this file unsealed but as the key of a MAC. Never here: JWS.

import { fromBase64Url, toBase64Url } from '../bytes.ts';
import { first, valueOf } from '../crdt/lattice.ts';
import type { Json } from '../crdt/record.ts';
import type { Chore } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { KeyFacts } from '../primitives.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { externalKeyId } from './account-status.ts';
import type { Call } from './call.ts';
import type { Held } from './held.ts';
import { parseExternalAccountBinding, verifyExternalAccountBinding } from './jws.ts';
import type { Policy } from './policy.ts';
import { problem, STALE } from './problem.ts';
import { registerMember, rung } from './records.ts';
import type { SignedRequest } from './request.ts';

/** What an account remembers of its binding. */
export interface Binding {
  readonly kid: string;
  readonly jws: Json;
}

/** Verifies the binding in a request for a new account, and uses up its key. */
export function bindExternalAccount(
  { tx, policy, sealingKey }: Pick<Call, 'tx' | 'policy' | 'sealingKey'>,
  { jws, key, payload = {} }: SignedRequest & { readonly key: KeyFacts },
  account: string,
): Binding | undefined {
  const binding = payload['externalAccountBinding'];
  if (binding === undefined) {
    if (!policy.externalAccountRequired) return undefined;
    throw problem('externalAccountRequired', 'new accounts need an externalAccountBinding', STALE);
  }
  const inner = parseExternalAccountBinding(binding, jws);
  const id = externalKeyId(tx.primitives, inner.kid);
  const record = tx.get('eab', id);
  const configured = policy.eabKeys.get(inner.kid);
  const stored = (): Uint8Array | undefined => opened(tx, sealingKey, id, record);
  const secret = tx.isAlone ? (configured ?? stored()) : (stored() ?? configured);
  if (secret === undefined) {
    throw problem('unauthorized', 'the external account key is unknown', STALE);
  }
  verifyExternalAccountBinding(inner, key.thumbprint, secret, tx.primitives);
  if (record !== undefined && isWithdrawn(record)) {
    throw problem('unauthorized', 'the external account key was revoked; ask for a new one');
  }
  const user = record && registerMember(record, 'used', 'account');
  if (user !== undefined && user !== account) {
    throw problem('unauthorized', 'the external account key was used before; ask for a new one');
  }
  const at = tx.stamp();
  const made = record?.fields['made'] ?? first(at, { createdMs: tx.now.wallMs });
  const used = record?.fields['used'] ?? first(at, { account });
  tx.put('eab', id, { made, status: 'active', used });
  return { kid: inner.kid, jws: binding };
}

/** What came of a withdrawal. */
export interface Withdrawal {
  /** The account that had used the key before; it stays what it is. */
  readonly usedBy: Json;
  /** False when it was withdrawn already. */
  readonly isNew: boolean;
}

/**
 * Withdraws a key for good; undefined when neither records nor the configuration know it. `by`: who
 * wanted it, for the log.
 */
export function withdrawKey(
  tx: Transaction,
  policy: Policy,
  kid: string,
  by: string,
): Withdrawal | undefined {
  const id = externalKeyId(tx.primitives, kid);
  const record = tx.get('eab', id);
  if (record === undefined && !policy.eabKeys.has(kid)) return undefined;
  const usedBy = (record && registerMember(record, 'used', 'account')) ?? null;
  if (record !== undefined && isWithdrawn(record)) return { usedBy, isNew: false };
  const made = record?.fields['made'] ?? first(tx.stamp(), { createdMs: tx.now.wallMs });
  tx.put('eab', id, { made, status: 'revoked' });
  tx.log('info', 'acme', 'external account key revoked', { kid, by });
  return { usedBy, isNew: true };
}

/** Makes records of the configured keys, a page at a time. Returns the next page. */
export function publishKeys(
  tx: Transaction,
  { policy, sealingKey }: Held,
  chore: Chore,
): Chore | undefined {
  const kids = [...policy.eabKeys.keys()].filter((kid) => kid > chore.afterId).sort();
  const page = kids.slice(0, LIMITS.selectionPage);
  const idOf = (kid: string): string => externalKeyId(tx.primitives, kid);
  tx.need(page.map((kid) => ({ kind: 'eab', id: idOf(kid) })));
  for (const kid of page) {
    const id = idOf(kid);
    const content = policy.eabKeys.get(kid)!;
    const sealed = toBase64Url(tx.primitives.seal(sealingKey, contextOf(id), content));
    publish(tx, kid, id, sealed);
  }
  return kids.length > page.length ? { ...chore, afterId: page.at(-1)! } : undefined;
}

function publish(tx: Transaction, kid: string, id: string, sealed: string): void {
  const record = tx.get('eab', id);
  if (record !== undefined && isWithdrawn(record)) {
    tx.log('warn', 'acme', 'an external account key of the configuration was revoked', { kid });
    return;
  }
  const stored = record && valueOf(record.fields['secret']);
  if (stored === undefined) {
    const at = tx.stamp();
    const made = record?.fields['made'] ?? first(at, { createdMs: tx.now.wallMs });
    tx.put('eab', id, { made, status: 'active', secret: first(at, sealed) });
  } else if (stored !== sealed) {
    tx.log(
      'warn',
      'acme',
      'the cluster has another secret for an external account key than the configuration, or one ' +
        'sealed under another CA key; the one of the cluster stays; choose a new key identifier',
      { kid },
    );
  }
}

function opened(
  { primitives }: Transaction,
  sealingKey: Uint8Array,
  id: string,
  record: Draft | undefined,
): Uint8Array | undefined {
  const text = record && valueOf(record.fields['secret']);
  const sealed = typeof text === 'string' ? fromBase64Url(text) : undefined;
  return sealed && primitives.unseal(sealingKey, contextOf(id), sealed);
}

function isWithdrawn(record: Draft): boolean {
  return rung(record, 'status') === 'revoked' || record.fields['deleted'] !== undefined;
}

function contextOf(id: string): string {
  return `eab/${id}`;
}
