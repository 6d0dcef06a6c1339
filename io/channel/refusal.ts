// Why a message between nodes is refused: one table of every reason, with the HTTP status a caller
// gets, the words for the log, and, as its name, the label in metrics.
// Invariant: every reason has its own name, status and words; nothing of a refused message is used.
// Never here: the checks themselves.

export type RefusalName =
  | 'header'
  | 'removed'
  | 'sender'
  | 'signature'
  | 'decryption'
  | 'recipient'
  | 'boot'
  | 'freshness'
  | 'replay'
  | 'size'
  | 'decoding'
  | 'unbound'
  | 'identity'
  | 'no-kem-key'
  | 'no-fast-key'
  | 'busy';

/** In the order in which a message is checked; from `unbound` on they are met elsewhere. */
export const REFUSALS: {
  readonly [name in RefusalName]: { readonly status: number; readonly line: string };
} = {
  header: { status: 400, line: 'gossip: X-Akamu-Node-Id header is missing or malformed' },
  removed: { status: 410, line: 'gossip: X-Akamu-Node-Id names a node that was removed' },
  sender: { status: 403, line: 'gossip: X-Akamu-Node-Id names no known node' },
  signature: { status: 401, line: 'gossip: message is not signed by the key of its sender' },
  decryption: { status: 422, line: 'gossip: message cannot be decrypted' },
  recipient: { status: 421, line: 'gossip: message is meant for another node' },
  /** It names no boot of ours or an earlier one: what a restart has forgotten cannot be replayed. */
  boot: { status: 409, line: 'gossip: message is meant for an earlier start of this node' },
  freshness: { status: 412, line: 'gossip: message is too old, or from the future: check clocks' },
  replay: { status: 425, line: 'gossip: message was received before' },
  size: { status: 413, line: 'gossip: message is too large' },
  decoding: { status: 415, line: 'gossip: message is authentic but makes no sense' },
  /** An answer to something else than what was asked. */
  unbound: { status: 502, line: 'gossip: answer belongs to another request' },
  /** The introduction or descriptor does not hold the proof that it needs. */
  identity: { status: 404, line: 'gossip: introduction is not authentic' },
  /** The peer is no member (yet), so there is nothing to seal for. */
  'no-kem-key': { status: 503, line: 'gossip: no KEM key for peer, skipping' },
  /** No sealed message has brought a key for this yet, or its owner has started anew. */
  'no-fast-key': { status: 428, line: 'gossip: no key for fast calls yet, or an outdated one' },
  busy: { status: 429, line: 'gossip: too many messages at once' },
};

export const REFUSAL_NAMES: readonly RefusalName[] = Object.keys(REFUSALS) as RefusalName[];

/** What the asking side logs when an answer is refused, whatever the reason. */
export const ANSWER_REFUSED = 'gossip: verify_and_open response failed';
/** What the asking side logs when a peer answers with the status of `sender`. */
export const SENDER_REJECTED = 'X-Akamu-Node-Id header rejected by peer';

/** A message that is not used, and why. `detail` is for the log, never for the peer. */
export class ChannelRefusal extends Error {
  override readonly name = 'ChannelRefusal';
  readonly refusal: RefusalName;
  readonly detail: string;

  constructor(refusal: RefusalName, detail = '') {
    const { line } = REFUSALS[refusal];
    super(detail === '' ? line : `${line}: ${detail}`);
    this.refusal = refusal;
    this.detail = detail;
  }

  /** The HTTP status for the peer. */
  get status(): number {
    return REFUSALS[this.refusal].status;
  }
}

export function refuse(refusal: RefusalName, detail = ''): never {
  throw new ChannelRefusal(refusal, detail);
}
