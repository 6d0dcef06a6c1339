// Does every answer a node gives match what a correct CA would have answered, given the records
// that node has at that moment (model.ts)? Status, problem type, body and headers.
// Sees: wrong refusals and wrong grants, bodies that disagree with the records, missing headers.
// Cannot see: whether the records themselves are right (the other checkers), bodies of lists and
// directories beyond their form. Excuses: for a request that was parked, what changed meanwhile.

import type { Json } from '../../core/crdt/record.ts';
import type { WebResponse } from '../../core/effect.ts';
import type { CaCommand, WebRequest } from '../../core/input.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Now } from '../../core/time.ts';
import type { Checker, Finding } from '../checker.ts';
import { factsOf, problemOf, relayedIn } from '../exchange-facts.ts';
import { outcomesOf } from '../model.ts';
import { wrongBody, wrongForm } from '../model-body.ts';
import { wrongCommandAnswer } from '../model-command.ts';
import { NodeShelf, type Origins } from '../model-shelf.ts';
import type { Observation } from '../observation.ts';
import { idOf, isAct } from '../operator-acts.ts';
import type { WorldView } from '../world.ts';
import { storyOf } from './story.ts';

const PROMISE = 'answers are those of a correct CA';

interface AtNode {
  readonly shelf: NodeShelf;
  /** Requests without an answer, and whether they were there before the present step. */
  readonly open: Map<number, WebRequest>;
  /** Calls of other nodes about nonces, with the reads that came with them. */
  readonly asked: Map<number, readonly Json[]>;
  /** What operators want, and has no answer yet. */
  readonly commands: Map<number, CaCommand>;
}

/** By the text of a request. */
interface Relays {
  /** Requests without an answer. */
  readonly sent: Map<string, WebRequest>;
  /** What the issuers of their nonces have answered. */
  readonly said: Map<string, WebResponse>;
}

export function answers(): Checker {
  const nodes: AtNode[] = [];
  const origins: Origins = new Map();
  const relays: Relays = { sent: new Map(), said: new Map() };
  return {
    name: 'answers',
    watches: ['start', 'step'],
    // What a liar has written is what a node goes by; the model has not heard of it.
    believesPeers: true,
    observe: (observation, world) => {
      if (observation.kind === 'start') {
        const shelf = new NodeShelf(observation.disk, origins);
        nodes[observation.node] = { shelf, open: new Map(), asked: new Map(), commands: new Map() };
      }
      return observation.kind === 'step'
        ? follow(nodes[observation.node]!, relays, observation, world)
        : undefined;
    },
    atEnd: () => [],
  };
}

function follow(
  { shelf, open, asked, commands }: AtNode,
  { sent, said }: Relays,
  { node, input, effects, now }: Extract<Observation, { kind: 'step' }>,
  world: WorldView,
): Finding | undefined {
  if (input.kind === 'request') {
    open.set(input.request, input.web);
    sent.set(String(input.web.body), input.web);
  }
  if (input.kind === 'redeem-asked') asked.set(input.exchange, input.reads);
  if (input.kind === 'abandon') {
    sent.delete(String(open.get(input.request)?.body));
    open.delete(input.request);
  }
  if (input.kind === 'administer' && isAct(input.command.kind)) {
    commands.set(input.request, input.command as CaCommand);
  }
  let finding: Finding | undefined;
  for (const effect of effects) {
    if (effect.kind === 'persist') shelf.apply(effect.records, effect.forget);
    if (effect.kind === 'tell') {
      const reads = asked.get(effect.exchange) ?? [];
      asked.delete(effect.exchange);
      for (const [at, response] of relayedIn(effect.page).entries()) {
        const text = String((reads[at] as JsonObject | null)?.['body']);
        const web = sent.get(text);
        if (response !== undefined) said.set(text, response);
        if (web === undefined || response === undefined) continue;
        // Where the page had to wait for rows, the answers are of before.
        if (input.kind !== 'redeem-asked') continue;
        const wrong = wrongWith(shelf, web, response, now, true);
        if (wrong !== undefined) finding ??= found(world, node, web, wrong);
      }
    }
    if (effect.kind !== 'respond') continue;
    const web = open.get(effect.request);
    open.delete(effect.request);
    if (web !== undefined) sent.delete(String(web.body));
    const isNew = 'request' in input && input.request === effect.request;
    const command = commands.get(effect.request);
    commands.delete(effect.request);
    if (command !== undefined) {
      const isConfigured =
        command.kind === 'revoke-eab' && world.nodes[node]!.policy.eabKeys.has(command.kid);
      const answer = effect.response;
      const wrong = wrongCommandAnswer(command, answer, shelf, isNew, isConfigured);
      if (wrong !== undefined) finding ??= foundOf(world, node, command, wrong);
    }
    if (web !== undefined) {
      const wrong =
        effect.response.from === undefined
          ? wrongWith(shelf, web, effect.response, now, isNew)
          : wrongRelay(said, web, effect.response);
      if (wrong !== undefined) finding ??= found(world, node, web, wrong);
    }
    shelf.settle();
  }
  shelf.settle();
  return finding;
}

function wrongWith(
  shelf: NodeShelf,
  web: WebRequest,
  response: WebResponse,
  now: Now,
  isNew: boolean,
): string | undefined {
  const form = wrongForm(web, response);
  if (form !== undefined) return form;
  const problem = problemOf(response);
  if (problem === 'badNonce' || response.status === 503) return undefined;
  const facts = factsOf(web);
  const actual = problem === undefined ? String(response.status) : `${response.status} ${problem}`;
  const before = shelf.lookingBack(() => outcomesOf(facts, shelf, now.wallMs));
  // What let a parked request run on came with the persist before it, and it saw that.
  const right = isNew ? before : [...before, ...outcomesOf(facts, shelf, now.wallMs)];
  const isRight = right.some((outcome) => matches(outcome, actual));
  // A parked request was authenticated, and its rows were read, by what was there before.
  const isExcused = !isNew && (problem === undefined || right.includes('400 malformed'));
  if (!isRight && !isExcused) {
    return `${actual} where a correct CA answers ${right.join(' or ') || 'later'}`;
  }
  return problem === undefined ? wrongBody(facts, response, shelf, now.wallMs) : undefined;
}

/** What is handed on has to be what another node has answered to just this; it was judged there. */
function wrongRelay(
  said: Relays['said'],
  web: WebRequest,
  response: WebResponse,
): string | undefined {
  const answer = said.get(String(web.body));
  said.delete(String(web.body));
  const isSame = answer?.body === response.body && sameHeaders(answer, response);
  return isSame ? undefined : `what is handed on from ${response.from} is not its answer to this`;
}

function sameHeaders(a: WebResponse, b: WebResponse): boolean {
  return JSON.stringify(a.headers) === JSON.stringify(b.headers);
}

function matches(outcome: string, actual: string): boolean {
  return outcome === actual || outcome === '*' || (outcome === '4xx' && actual.startsWith('4'));
}

function found(world: WorldView, node: number, web: WebRequest, wrong: string): Finding {
  const { ids } = factsOf(web);
  const end = `n${node}: ${web.method} ${web.target}: ${wrong}`;
  return { promise: PROMISE, nodes: [node], story: storyOf(world, ids[0] ?? web.target, end) };
}

function foundOf(world: WorldView, node: number, command: CaCommand, wrong: string): Finding {
  const end = `n${node}: ${command.kind} ${idOf(command)}: ${wrong}`;
  return { promise: PROMISE, nodes: [node], story: storyOf(world, idOf(command), end) };
}
