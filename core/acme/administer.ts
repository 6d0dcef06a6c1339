// What an operator wants of the CA: to revoke a certificate, to deactivate an account, to withdraw an
// external account key. Whoever asks is believed: the shell lets in operators only.
// Invariant: to ask again changes nothing and shows what stands; nothing is refused for want of what
// another node has written before that one was asked. Never here: who may ask, how it is printed.

import { unreachable } from '../assert.ts';
import { done, refusal } from '../command-answer.ts';
import type { WebResponse } from '../effect.ts';
import type { CaCommand } from '../input.ts';
import type { Transaction } from '../transaction.ts';
import { deactivate } from './account.ts';
import { accountStatus } from './account-status.ts';
import { revoke } from './certificate.ts';
import { withdrawKey } from './external-account.ts';
import type { Policy } from './policy.ts';
import { certificateMade, registerMember, rung } from './records.ts';
import { isRevocationReason, REVOCATION_REASONS } from './revocation-reason.ts';

/** Who the log says it was: operators have no names yet. */
const BY = 'local operator';
/** RFC 5280 §4.1.2.2: at most 20 octets. */
const SERIAL = /^(?:[0-9a-f]{2}){1,20}$/;
const ACCOUNT = /^[A-Za-z0-9_-]{1,128}$/;
/** As [server.eab_keys] takes it. */
const KID = /^[\x21-\x7e]{1,255}$/;

/** Carries out a command. `unready`: why this node does not serve, if it does not. */
export function administerCa(
  tx: Transaction,
  policy: Policy,
  unready: string | undefined,
  command: CaCommand,
): WebResponse {
  if (unready !== undefined) {
    const fix = 'try again once /readyz answers 200, or ask another node';
    return refusal(503, `this node does not serve: ${unready}`, fix);
  }
  switch (command.kind) {
    case 'revoke':
      return revokeSerial(tx, command.serial, command.reason ?? REVOCATION_REASONS.unspecified);
    case 'deactivate':
      return deactivateAccount(tx, command.account);
    case 'revoke-eab':
      return withdraw(tx, policy, command.kid);
    default:
      return unreachable(command);
  }
}

function revokeSerial(tx: Transaction, serial: string, reason: number): WebResponse {
  if (!SERIAL.test(serial)) {
    const fix = 'write it in lower-case hexadecimal, as the view certificates has it';
    return refusal(400, 'this is no serial number', fix);
  }
  if (!isRevocationReason(reason)) {
    return refusal(400, 'this is no reason to revoke', 'use 0 to 6, 9 or 10 (RFC 5280 §5.3.1)');
  }
  const certificate = tx.get('certificate', serial);
  if (certificate === undefined) {
    return unknown(
      tx,
      'no certificate has this serial number',
      'look it up in the view certificates',
    );
  }
  const isNew = rung(certificate, 'status') !== 'revoked';
  if (isNew) revoke(tx, certificate, reason, BY);
  const current = tx.get('certificate', serial)!;
  return done({
    serial,
    names: certificateMade(current).identifiers.map(({ value }) => value),
    status: 'revoked',
    reason: registerMember(current, 'revocation', 'reason') ?? REVOCATION_REASONS.unspecified,
    revokedMs: registerMember(current, 'revocation', 'atMs') ?? null,
    changed: isNew,
  });
}

function deactivateAccount(tx: Transaction, id: string): WebResponse {
  if (!ACCOUNT.test(id)) {
    return refusal(400, 'this is no id of an account', "it is the last part of the account's URL");
  }
  const account = tx.get('account', id);
  if (account === undefined) {
    return unknown(tx, 'no account has this id', 'look it up in the view accounts');
  }
  const isNew = accountStatus(tx, account) === 'valid';
  if (isNew) deactivate(tx, account, BY);
  const status = accountStatus(tx, tx.get('account', id)!);
  return done({ account: id, status, changed: isNew });
}

function withdraw(tx: Transaction, policy: Policy, kid: string): WebResponse {
  if (!KID.test(kid)) {
    return refusal(400, 'this is no key identifier', 'use a name of [server.eab_keys]');
  }
  const withdrawal = withdrawKey(tx, policy, kid, BY);
  if (withdrawal === undefined) {
    return unknown(tx, 'no external account key has this identifier', 'see [server.eab_keys]');
  }
  const { usedBy, isNew } = withdrawal;
  return done({ kid, status: 'revoked', usedBy, changed: isNew });
}

/** Refuses what this node does not know, once the cluster has been asked. */
function unknown(tx: Transaction, error: string, fix: string): WebResponse {
  if (!tx.askMembers('a refusal')) {
    return refusal(503, `${error}, and some members did not answer`, 'try again');
  }
  const elsewhere = tx.isAlone ? '' : ', or ask another node: this one may be cut off';
  return refusal(404, error, fix + elsewhere);
}
