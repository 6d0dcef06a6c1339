// The content of a call over the fast channel, read strictly. Never here: sealing (fast-channel.ts).

import type { Json } from '../../core/crdt/record.ts';
import { isJsonObject } from '../../core/json.ts';
import { LIMITS } from '../../core/limits.ts';
import type { FastCall } from './channel.ts';
import { membersOf } from './content.ts';
import { refuse } from './refusal.ts';

/** Refuses with `decoding`. */
export function readFastCall(json: Json): FastCall {
  const kind = isJsonObject(json) ? json['kind'] : undefined;
  if (kind === 'sync') {
    const { ask, push } = membersOf(json, ['ask', 'kind', 'push']);
    return { kind: 'sync', ask: ask!, push: push! };
  }
  if (kind !== 'redeem') return refuse('decoding', 'this is no call');
  const { nonces, reads, ask } = membersOf(json, ['ask', 'kind', 'nonces', 'reads']);
  if (!isListOfNonces(nonces)) return refuse('decoding', 'there is no list of nonces');
  if (!Array.isArray(reads) || reads.length !== nonces.length) {
    return refuse('decoding', 'there is not one read, or null, for each nonce');
  }
  return { kind: 'redeem', nonces, reads, ask: ask! };
}

function isListOfNonces(json: Json | undefined): json is readonly string[] {
  if (!Array.isArray(json) || json.length > LIMITS.redemptionNonces) return false;
  return json.every((nonce) => typeof nonce === 'string');
}
