// Is every nonce accepted at most once, and refused only for a reason (RFC 8555 §6.5)?
// Sees: a second acceptance, on whichever nodes; acceptance of a nonce that neither this process nor
// another node ever issued; badNonce for one of its own that is fresh and unspent. Cannot see: which
// of two refusals was meant, where a request is wrong in more than its nonce; whether another node
// could have been asked. A refusal is right for a nonce that another request has, too, that is of an
// earlier process or of another node, that is forged, too old, or out of the window.

import type { WebResponse } from '../../core/effect.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Now } from '../../core/time.ts';
import type { Checker, Finding } from '../checker.ts';
import { factsOf, headerOf, problemOf, saidIn } from '../exchange-facts.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { storyOf } from './story.ts';

const PROMISE = 'a nonce is good exactly once';
/** Time stamps in nonces are whole seconds. */
const SECOND_MS = 1000;

/** Problems that only a handler reports: whoever gets one has spent its nonce. */
const OF_HANDLERS: ReadonlySet<string> = new Set([
  'alreadyRevoked',
  'badCSR',
  'badRevocationReason',
  'invalidContact',
  'orderNotReady',
  'rejectedIdentifier',
  'unsupportedContact',
  'unsupportedIdentifier',
]);

interface Issued {
  /** How many were issued before it. */
  readonly number: number;
  readonly monoMs: number;
}

/** What there is to know of nonces across all nodes. */
interface Ledger {
  /** How many requests have brought a nonce by now, whichever was or will be decided first. */
  readonly used: Map<string, number>;
  readonly accepted: Set<string>;
  /** The node that issued a nonce, in whichever of its processes. */
  readonly issuers: Map<string, number>;
}

/** What one process knows of nonces. */
interface Book {
  issued: number;
  readonly fresh: Map<string, Issued>;
  /** Nonces of requests that have no answer yet. */
  readonly open: Map<number, string>;
}

export function nonceSingleUse(): Checker {
  const books: Book[] = [];
  const ledger: Ledger = { used: new Map(), accepted: new Set(), issuers: new Map() };
  return {
    name: 'nonce-single-use',
    watches: ['start', 'step'],
    observe: (observation, world) => {
      if (observation.kind === 'start') books[observation.node] = newBook();
      if (observation.kind !== 'step') return undefined;
      return judge(ledger, books[observation.node]!, observation, world);
    },
    atEnd: () => [],
  };
}

function newBook(): Book {
  return { issued: 0, fresh: new Map(), open: new Map() };
}

function judge(
  ledger: Ledger,
  book: Book,
  { node, input, effects, now }: Extract<Observation, { kind: 'step' }>,
  world: WorldView,
): Finding | undefined {
  if (input.kind === 'request' && input.web.method === 'POST') {
    const { nonce } = factsOf(input.web);
    if (nonce !== undefined) {
      book.open.set(input.request, nonce);
      ledger.used.set(nonce, (ledger.used.get(nonce) ?? 0) + 1);
    }
  }
  if (input.kind === 'abandon') book.open.delete(input.request);
  const give = (response: WebResponse): void => {
    issue(ledger, book, node, response, now, world.options.nonceWindow);
  };
  let finding: Finding | undefined;
  for (const effect of effects) {
    for (const answer of saidIn(effect)) give(answer);
    if (effect.kind !== 'respond') continue;
    const nonce = book.open.get(effect.request);
    book.open.delete(effect.request);
    if (nonce !== undefined) {
      const wrong = wrongWith(ledger, book, node, nonce, effect.response, now, world);
      if (wrong !== undefined) finding ??= found(world, node, nonce, wrong);
    }
    if (effect.response.from === undefined) give(effect.response);
  }
  return finding;
}

function wrongWith(
  { used, accepted, issuers }: Ledger,
  book: Book,
  node: number,
  nonce: string,
  response: WebResponse,
  now: Now,
  world: WorldView,
): string | undefined {
  const problem = problemOf(response);
  const issued = book.fresh.get(nonce);
  if (problem === undefined || OF_HANDLERS.has(problem)) {
    const isForeign = issuers.has(nonce) && issuers.get(nonce) !== node;
    if (issued === undefined && !isForeign) return 'was accepted, but this process never issued it';
    if (accepted.has(nonce)) return 'was accepted a second time';
    accepted.add(nonce);
    return undefined;
  }
  if (problem !== 'badNonce' || issued === undefined) return undefined;
  if ((used.get(nonce) ?? 0) > 1) return undefined;
  const isOut = issued.number + world.options.nonceWindow <= book.issued;
  const isOld = now.monoMs - issued.monoMs + SECOND_MS > LIMITS.nonceLifetimeMs;
  return isOut || isOld ? undefined : 'was refused, although it is fresh and was never used';
}

function issue(
  ledger: Ledger,
  book: Book,
  node: number,
  response: WebResponse,
  now: Now,
  window: number,
): void {
  const nonce = headerOf(response, 'Replay-Nonce');
  if (nonce === undefined) return;
  book.issued++;
  ledger.issuers.set(nonce, node);
  book.fresh.set(nonce, { number: book.issued, monoMs: now.monoMs });
  if (book.fresh.size <= 2 * window) return;
  // Out of every window: as good as never issued.
  const [oldest] = book.fresh.keys();
  book.fresh.delete(oldest!);
  ledger.used.delete(oldest!);
}

function found(world: WorldView, node: number, nonce: string, wrong: string): Finding {
  const story = storyOf(world, nonce, `n${node}: the nonce ${nonce} ${wrong}`);
  return { promise: PROMISE, nodes: [node], story };
}
