// Situations that a swarm has to reach, because a swarm that never got there has not tried what
// they stand for: name → why. They come from the core (`mark` effects), from actors, and from
// observations (check/situations.ts).
// Invariant: every name here is marked by somebody. Never here: how they are noticed.

export const MARKS = {
  'records merged from a peer': 'nothing is replicated without it',
  'a call carried what the peer lacked': 'a write is there after one message',
  'concurrent versions were joined': 'two nodes wrote one record without knowing of each other',
  'records were settled': 'nobody speaks any more for what a vanished node left behind',
  'records were counted': 'a database that lived alone has no digest to compare',
  'tombstones were purged': 'from then on absence is the only evidence of a deletion',
  'a full reconciliation ran': 'a node that missed a tombstone takes nothing back',
  'a lease was taken over': 'somebody works on for a node that fell silent',
  'a key was replaced': 'the others seal to the one before until they have heard of it',
  'a key was not replaced yet': 'somebody would not be understood any more',
  'a restored node got another key': 'it had understood nobody',
  'a node joined': 'it has to learn everything before it serves',
  'a node was removed for good': 'the others go on without it',
  'a removed node came back': 'nobody may listen to it',
  'a message was refused: not a member': 'a stranger, or one whose introduction is still to come',
  'a message was refused: removed': 'a removed node goes on calling',
  'a message was refused: sealed to a key that is gone': 'two nodes must meet anew',
  'a message was refused: clocks differ': 'nothing of such a message may be merged',
  'a vector had to be said in full again': 'two nodes remember different things of each other',
  'a page was not the last': 'the vector must not move on such a page',
  'a page was made before it was asked for': 'it is as old as one that was long on its way',
  'a crash lost changes': 'what was not durable must not have been shown',
  'a crash fell between commit and answer': 'the client cannot know, and tries again',
  'a crash fell in the middle of a step': 'half of the effects were never carried out',
  'a commit failed': 'the process must stop itself',
  'a backup was put back': 'old content, old numbers',
  'a node came back empty': 'it must not be taken for one that has seen everything',
  'a message was lost': 'whoever waits for it needs another way',
  'a request was parked for rows': 'it runs again from its start, later',
  'a request waited for a record': 'somebody else answers it by a write',
  'a request was abandoned': 'its answer has no address any more',
  'a nonce was redeemed remotely': 'a client brings to one node what another gave it',
  'the cluster was asked before a refusal': 'a client asks one node for what it made on another',
  'the cluster was asked before a key is bound': 'another node may have bound it a moment ago',
  'a nonce was refused': 'clients must get on with the one they are given',
  'a client retried after a lost answer': 'the same thing is asked twice',
  'a client gave up waiting for an answer': 'the answer comes to nobody',
  'a client found out which key its account has': 'a key change whose answer was lost',
  'a request was replayed': 'the same octets again have to be refused',
  'a validation failed': 'an order becomes invalid',
  'a validation stalled': 'a challenge stays in processing for long',
  'a name server gave a stale answer': 'a right client is refused',
  'work was taken up after a start': 'a probe or issuance that a crash interrupted',
  'an order was issued': 'without it nothing else is worth much',
  'a certificate was revoked': 'the one status that must never go back',
  'an operator was obeyed: revoke': 'any node can, whoever issued it',
  'an operator was obeyed: deactivate': 'the account is refused everywhere from then on',
  'an operator was obeyed: revoke-eab': 'nobody registers with that key any more',
  'an operator named what a node did not know': 'the cluster was asked, and cut off',
  'an account was deactivated': 'it must be refused from then on, everywhere',
  'an authorization was deactivated': 'orders that rely on it fall',
  'an authorization was used again': 'an order without a new challenge',
} as const;

export type MarkName = keyof typeof MARKS;

/** The names a swarm checks. */
export const MARK_NAMES: readonly string[] = Object.keys(MARKS);
