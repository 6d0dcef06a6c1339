// What a correct CA would have answered an operator, given the records its node holds: it does what
// it is asked, once, and says what stands then. Written from what README.md promises operators.
// Invariant: reads only. Never here: which acts happen (operator-acts.ts).

import { registerMember, rung } from '../core/acme/records.ts';
import type { WebResponse } from '../core/effect.ts';
import type { CaCommand } from '../core/input.ts';
import { bodyOf } from './exchange-facts.ts';
import type { NodeShelf } from './model-shelf.ts';
import { aboutOf } from './operator-acts.ts';

/** The status after a command, and the one that says it is still to be done. */
const STATUS = {
  revoke: { done: 'revoked', open: 'valid' },
  deactivate: { done: 'deactivated', open: 'valid' },
  'revoke-eab': { done: 'revoked', open: 'active' },
} as const;

/**
 * What is wrong with an answer; undefined when nothing is. `isNew`: the command came in this very
 * step; one that waited may have been overtaken by what others had done. `isConfigured`: the node's
 * configuration has the key that is to be withdrawn.
 */
export function wrongCommandAnswer(
  command: CaCommand,
  response: WebResponse,
  shelf: NodeShelf,
  isNew: boolean,
  isConfigured: boolean,
): string | undefined {
  const { status } = response;
  const body = bodyOf(response);
  const now = aboutOf(shelf, command);
  if (status !== 200) {
    if (typeof body['error'] !== 'string' || typeof body['fix'] !== 'string') return 'no fix';
    if (status === 503) return undefined;
    const isThere = now !== undefined || isConfigured;
    return status === 404 && !isThere
      ? undefined
      : `${status}, and the record is there: ${isThere}`;
  }
  if (now === undefined) return '200, and the record is not there';
  const before = shelf.lookingBack(() => aboutOf(shelf, command));
  const { done, open } = STATUS[command.kind];
  if (rung(now, 'status') !== done) return `200, and it is ${rung(now, 'status')}`;
  if (body['status'] !== done) return `status ${body['status']}`;
  const wasOpen = before === undefined ? isConfigured : rung(before, 'status') === open;
  if (body['changed'] !== wasOpen && (isNew || body['changed'] === true)) {
    return `changed is ${body['changed']}, and it was ${before && rung(before, 'status')}`;
  }
  if (command.kind !== 'revoke') return undefined;
  const reason = registerMember(now, 'revocation', 'reason');
  if (body['reason'] !== reason) return `reason ${body['reason']} instead of ${String(reason)}`;
  const isOther = body['changed'] === true && reason !== (command.reason ?? 0);
  return isOther ? `reason ${String(reason)} was not asked for` : undefined;
}
