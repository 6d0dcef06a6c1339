// Finalizing an order (RFC 8555 §7.4): the CSR is checked and decided on once, the CA signs, the
// certificate is stored. Invariant: an order that has a CSR never takes another one, and asking
// again with the same one gets the same answer. Never here: signing.

import { fromBase64Url } from '../bytes.ts';
import type { Leases } from '../cluster/leases.ts';
import { type First, first, valueOf } from '../crdt/lattice.ts';
import { LIMITS } from '../limits.ts';
import type { CsrFacts } from '../primitives.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { answer, type Outcome, waitFor } from './answer.ts';
import type { Call } from './call.ts';
import { identifierKey } from './identifier.ts';
import type { IssueRequest, IssueResult } from './issuance.ts';
import { orderAnswer, ownOrder } from './order.ts';
import type { Policy } from './policy.ts';
import { errorObject, problem } from './problem.ts';
import { accountKey, orderMade, orderStatus, registerMember } from './records.ts';
import { optionalString } from './request.ts';

/** POST order/{id}/finalize. */
export function finalizeOrder({ tx, policy, leases, signed, ids }: Call): Outcome {
  const account = signed!.account!;
  const order = ownOrder(tx, account.id, ids[0]!);
  const csr = signed!.payload && optionalString(signed!.payload, 'csr');
  if (csr === undefined) throw problem('malformed', 'finalize needs a payload with a "csr"');
  const status = orderStatus(tx, order);
  if (status === 'ready') {
    checkCsr(tx, policy, order, account, csr);
    decide(tx, leases, order, csr);
    return waitFor('order', order.id, LIMITS.finalizeWaitMs);
  }
  if (registerMember(order, 'csr', 'csr') !== csr) throw notReady(status);
  if (status === 'processing' && leases?.isForeign(order)) {
    tx.mark('a lease was refused to a retry');
  }
  if (status === 'processing' && !tx.memory.waited) {
    return waitFor('order', order.id, LIMITS.finalizeWaitMs);
  }
  const { error } = order.fields;
  if (status === 'invalid' && error !== undefined) {
    const { type, detail } = valueOf(error) as { type: string; detail: string };
    throw problem(type.endsWith(':badCSR') ? 'badCSR' : 'serverInternal', detail);
  }
  return answer(200, orderAnswer(tx, policy, order));
}

/**
 * What the CA is asked for an order whose CSR is decided: a function of what was settled when the
 * order was made, and so the same on every node. When it became ready would not do: on two sides of
 * a partition its names can be validated at two moments.
 */
export function issueRequest(order: Draft): IssueRequest {
  const { ca, createdMs, identifiers, notBeforeMs, notAfterMs } = orderMade(order);
  return {
    ca,
    order: order.id,
    identifiers,
    csr: String(registerMember(order, 'csr', 'csr')),
    notBeforeMs: notBeforeMs ?? createdMs,
    ...(notAfterMs !== undefined && { notAfterMs }),
  };
}

/** Takes in what the CA made of a CSR, while it is the order's and the order this node's. */
export function concludeIssuance(
  tx: Transaction,
  leases: Leases | undefined,
  {
    order: id,
    csr,
    result,
  }: Pick<IssueRequest, 'order' | 'csr'> & { readonly result: IssueResult },
): void {
  const order = tx.get('order', id);
  if (order === undefined || orderStatus(tx, order) !== 'processing') return;
  const isCurrent = registerMember(order, 'csr', 'csr') === csr;
  if (!isCurrent || leases?.isHeld(order, tx.now.monoMs) === false) {
    tx.mark('a result came after its lease');
    return;
  }
  // The CSR's own stamp: whichever CSR a merge keeps, the certificate that goes with it is kept too.
  const { at } = order.fields['csr'] as First;
  if (!result.ok) {
    const error = first(at, errorObject(result.problem, result.detail));
    tx.put('order', id, { error, status: 'invalid' });
    tx.log('error', 'ca', 'issuance failed', { order: id, detail: result.detail });
    return;
  }
  const { serial, ...issued } = result.certificate;
  const { ca, account, identifiers, replaced } = orderMade(order);
  const names = identifiers.map(({ type, value }) => ({ type, value }));
  const made = { ca, order: id, account, identifiers: names, ...issued };
  writeCertificate(tx, serial, { made: first(at, made), status: 'valid' });
  tx.put('order', id, { certificate: first(at, { serial }), status: 'valid' });
  if (replaced !== undefined) {
    tx.put('certificate', replaced, { replaced: first(at, { order: id }) });
  }
  const label = identifiers.map(({ value }) => value).join(',');
  tx.log('info', 'ca', 'certificate issued', { serial, order: id, account, names: label });
}

/**
 * The serial number is a function of order and CSR, so in a cluster another node may have issued
 * the same certificate, and even revoked it: then there is a record to join, which has to be read.
 */
function writeCertificate(tx: Transaction, serial: string, fields: Draft['fields']): void {
  if (tx.isAlone) tx.create('certificate', serial, fields);
  else tx.put('certificate', serial, fields);
}

function decide(tx: Transaction, leases: Leases | undefined, order: Draft, csr: string): void {
  // One stamp for both: where two nodes decide, one of them has CSR and lease.
  const at = tx.stamp();
  tx.put('order', order.id, {
    csr: first(at, { csr, atMs: tx.now.wallMs }),
    status: 'processing',
    ...leases?.claimed(order, at),
  });
  tx.emit({ kind: 'issue', request: issueRequest(tx.get('order', order.id)!) });
}

function notReady(status: string): Error {
  const why = {
    pending: 'not all its authorizations are valid yet',
    processing: 'it is being issued for another CSR',
    valid: 'its certificate was issued for another CSR',
  }[status];
  const detail = why === undefined ? `the order is ${status}` : `the order is ${status}: ${why}`;
  return problem('orderNotReady', detail);
}

/** §7.4: the CSR asks for exactly the order's names, with a key that is nobody's account or CA. */
function checkCsr(
  tx: Transaction,
  policy: Policy,
  order: Draft,
  account: Draft,
  csr: string,
): void {
  if (csr.length > LIMITS.csrLength) throw problem('badCSR', 'the CSR is too large');
  const der = fromBase64Url(csr);
  if (der === undefined) throw problem('malformed', '"csr" is not unpadded base64url of DER');
  const reading = tx.primitives.readCsr(der);
  if (!reading.ok) throw problem('badCSR', reading.reason);
  const { names, spkiHash } = reading.value;
  requireSameNames(order, names);
  if (spkiHash === accountKey(account).spkiHash) {
    throw problem('badCSR', 'the CSR has the account key; generate another key');
  }
  if (policy.cas.some((ca) => ca.keyHashes.includes(spkiHash))) {
    throw problem('badCSR', 'the CSR has a key of this CA; generate another key');
  }
}

function requireSameNames(order: Draft, names: CsrFacts['names']): void {
  const asked = new Set(names.map(identifierKey));
  const ordered = orderMade(order).identifiers.map(identifierKey);
  const missing = ordered.filter((name) => !asked.delete(name));
  if (missing.length === 0 && asked.size === 0) return;
  const parts = [
    ...(missing.length > 0 ? [`it lacks ${missing.join(', ')}`] : []),
    ...(asked.size > 0 ? [`it has ${[...asked].join(', ')} too many`] : []),
  ];
  throw problem('badCSR', `the names of the CSR are not the order's: ${parts.join('; ')}`);
}
