// What clients were shown of an object, as a rung: the part of a status that nothing may take back,
// whatever clocks say. `expired`, `ready` and the `invalid` of an expired order follow from clocks
// and other records, so they count as the rung below them.
// Invariant: higher is later. Never here: judging.

import type { WebResponse } from '../../core/effect.ts';
import { bodyOf, headerOf, idOf } from '../exchange-facts.ts';

export interface Shown {
  /** Kind and id: `order/…`. */
  readonly object: string;
  readonly id: string;
  readonly status: string;
  readonly rank: number;
}

const RANKS: { readonly [kind: string]: { readonly [status: string]: number } } = {
  account: { valid: 0, deactivated: 1, revoked: 2 },
  order: { pending: 0, ready: 0, invalid: 0, processing: 1, valid: 2 },
  authorization: { pending: 0, expired: 0, valid: 1, invalid: 2, deactivated: 3, revoked: 4 },
};

/** The object whose state an answer shows; undefined when it shows none. */
export function shownBy(response: WebResponse): Shown | undefined {
  if (response.status >= 300) return undefined;
  const body = bodyOf(response);
  switch (response.route) {
    case 'new-account':
    case 'account':
      return shown('account', idOf(headerOf(response, 'Location')), body['status']);
    case 'new-order':
    case 'order':
    case 'finalize':
      return shown('order', idOf(body['finalize']), body['status']);
    case 'authz':
    case 'new-authz': {
      const [first] = (body['challenges'] ?? []) as readonly { readonly url: string }[];
      return shown('authorization', idOf(first?.url), body['status']);
    }
    default:
      return undefined;
  }
}

/** True when `expired` is shown of something whose rung may still be `valid`. */
export function hidesRung({ object, status }: Shown): boolean {
  return object.startsWith('authorization/') && status === 'expired';
}

function shown(kind: string, id: string, status: unknown): Shown | undefined {
  if (id === '' || typeof status !== 'string') return undefined;
  return { object: `${kind}/${id}`, id, status, rank: RANKS[kind]![status] ?? 0 };
}
