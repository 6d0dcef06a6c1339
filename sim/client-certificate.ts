// The way to a certificate as real clients go it (RFC 8555 §7.4): order, authorizations one by one,
// challenge, polling, finalize, polling, download; and the first half of it for pre-authorization.
// Invariant: whatever a client sees on its way, it asks for nothing that a real one would not.
// Never here: retries (client-transport.ts), accounts.

import type { Identifier } from '../core/acme/identifier.ts';
import type { ChallengeType } from '../core/acme/validation.ts';
import { fromBase64, toBase64Url } from '../core/bytes.ts';
import type { WebResponse } from '../core/effect.ts';
import type { JsonObject } from '../core/json.ts';
import {
  done,
  go,
  type Next,
  pathOf,
  pollUs,
  refused,
  type Scene,
  type Stages,
} from './client-flow.ts';
import { freshKey, keep } from './client-state.ts';
import { bodyOf, headerOf, problemOf } from './exchange-facts.ts';
import { PROPAGATION_US } from './internet.ts';

/** Looks at one thing before a client gives up on it. */
const MOST_POLLS = 60;
/** What a client remembers of each kind. */
const KEPT = 20;

interface Challenge {
  readonly type: ChallengeType;
  readonly url: string;
  readonly token: string;
}

export const CERTIFICATE_STAGES: Stages = {
  order: {
    ask: ({ flow, client }) => {
      flow.memory.identifiers ??= flow.with['identifiers'] as unknown as readonly Identifier[];
      const identifiers = flow.memory.identifiers.map(({ type, value }) => ({ type, value }));
      const extra = client.habits.isTalkative ? { comment: 'renewal' } : {};
      return { target: '/acme/new-order', payload: { identifiers, ...extra } };
    },
    take: ({ flow, client }, response) => {
      if (response.status !== 201) return failure(response);
      takeOrder(flow.memory, bodyOf(response));
      const url = headerOf(response, 'Location') ?? '';
      flow.memory.order = url;
      flow.memory.at = 0;
      keep(client.orders, url, KEPT);
      return go('authorization');
    },
  },

  'new-authorization': {
    ask: ({ flow }) => {
      flow.memory.identifiers ??= flow.with['identifiers'] as unknown as readonly Identifier[];
      const at = flow.memory.authorizations?.length ?? 0;
      const name = flow.memory.identifiers[at];
      if (name === undefined) return go('authorization');
      const identifier = { type: name.type, value: name.value };
      return { target: '/acme/new-authz', payload: { identifier } };
    },
    take: ({ flow }, response) => {
      if (response.status !== 201 && response.status !== 200) return failure(response);
      const url = headerOf(response, 'Location') ?? '';
      flow.memory.authorizations = [...(flow.memory.authorizations ?? []), url];
      flow.memory.at = 0;
      return go('new-authorization');
    },
  },

  /** Looks at the next authorization and puts up the answer to its challenge. */
  authorization: {
    ask: ({ flow, world }) => {
      const { authorizations = [], at = 0 } = flow.memory;
      const url = authorizations[at];
      if (url !== undefined) return { target: pathOf(world, url), payload: 'look' };
      if (flow.memory.finalize !== undefined) return go('finalize');
      return flow.memory.target === undefined ? done('authorized') : go('revoke');
    },
    take: (scene, response) => {
      const { flow, client } = scene;
      if (response.status !== 200) return failure(response);
      const { status } = bodyOf(response);
      keep(client.authorizations, flow.memory.authorizations![flow.memory.at!]!, KEPT);
      if (status === 'valid') return nextAuthorization(scene);
      return status === 'pending' ? prepare(scene, bodyOf(response)) : refused(`it is ${status}`);
    },
  },

  challenge: {
    ask: ({ flow, world }) => ({ target: pathOf(world, flow.memory.challenge!), payload: {} }),
    take: (scene, response) => {
      // It may have been decided meanwhile: by a request whose answer was lost.
      const isGone = response.status === 400 && problemOf(response) === 'malformed';
      if (response.status !== 200 && !isGone) return failure(response);
      scene.flow.memory.polls = 0;
      return go('poll-authorization', pollUs(scene, response));
    },
  },

  'poll-authorization': {
    ask: ({ flow, world }) => {
      const { authorizations = [], at = 0 } = flow.memory;
      return { target: pathOf(world, authorizations[at]!), payload: 'look' };
    },
    take: (scene, response) => {
      if (response.status !== 200) return failure(response);
      const { status } = bodyOf(response);
      if (status === 'pending') return poll(scene, response, 'poll-authorization');
      withdraw(scene);
      return status === 'valid' ? nextAuthorization(scene) : refused(`it became ${status}`);
    },
  },

  finalize: {
    ask: ({ flow, world, client }) => {
      const { memory } = flow;
      memory.leaf ??= freshKey(world, client);
      memory.csr ??= world.crypto.encodeCsr(memory.identifiers!, memory.leaf);
      return { target: pathOf(world, memory.finalize!), payload: { csr: memory.csr } };
    },
    take: (scene, response) => {
      if (response.status === 200) return follow(scene, response);
      return problemOf(response) === 'orderNotReady' ? go('poll-order') : failure(response);
    },
  },

  'poll-order': {
    ask: ({ flow, world }) => ({ target: pathOf(world, flow.memory.order!), payload: 'look' }),
    take: (scene, response) => {
      return response.status === 200 ? follow(scene, response) : failure(response);
    },
  },

  certificate: {
    ask: ({ flow, world }) => {
      return { target: pathOf(world, flow.memory.certificate!), payload: 'look' };
    },
    take: ({ flow, client }, response) => {
      if (response.status !== 200) return failure(response);
      const der = derOf(response);
      if (der === undefined) return refused('the answer is no certificate');
      const { certificate, leaf, identifiers } = flow.memory;
      const held = { url: certificate!, der, key: leaf!, identifiers: identifiers! };
      if (!client.certificates.some(({ url }) => url === certificate)) {
        keep(client.certificates, { ...held, isRevoked: false }, KEPT);
      }
      return done('certificate');
    },
  },
};

/** The answer says no, and asking again would not help. */
export function failure(response: WebResponse): Next {
  return refused(`${response.status} ${problemOf(response) ?? ''}`);
}

function takeOrder(memory: Scene['flow']['memory'], body: JsonObject): void {
  memory.authorizations = body['authorizations'] as readonly string[];
  memory.finalize = String(body['finalize']);
  memory.identifiers = body['identifiers'] as unknown as readonly Identifier[];
}

function nextAuthorization({ flow }: Scene): Next {
  flow.memory.at = flow.memory.at! + 1;
  return go('authorization');
}

/** Publishes the answer to one of the challenges, unless this client forgets to. */
function prepare(scene: Scene, body: JsonObject): Next {
  const { flow, client, internet } = scene;
  const challenges = body['challenges'] as unknown as readonly Challenge[];
  const usual = challenges.find(({ type }) => type === client.habits.challenge);
  const { type, url, token } = usual ?? challenges[0]!;
  const { value: name } = body['identifier'] as unknown as Identifier;
  const keyAuthorization = `${token}.${client.key.thumbprint}`;
  flow.memory.challenge = url;
  flow.memory.published = { type, name, token, keyAuthorization };
  const forgets = flow.with['forgets'] === true && !flow.mustSucceed;
  if (!forgets) internet.publish(type, name, token, keyAuthorization);
  // Some wait until name servers agree; the others find out why one should.
  const waits = type === 'dns-01' && (flow.mustSucceed || flow.with['hastes'] !== true);
  return go('challenge', waits ? PROPAGATION_US : 0);
}

function withdraw({ flow, internet }: Scene): void {
  const { published } = flow.memory;
  if (published === undefined) return;
  const { type, name, token, keyAuthorization } = published;
  internet.withdraw(type, name, token, keyAuthorization);
}

/** Where an order's status leads. */
function follow(scene: Scene, response: WebResponse): Next {
  const { memory } = scene.flow;
  const body = bodyOf(response);
  switch (body['status']) {
    case 'valid':
      memory.certificate = String(body['certificate']);
      return go('certificate');
    case 'ready':
      return poll(scene, response, 'finalize');
    case 'processing':
      return poll(scene, response, 'poll-order');
    case 'pending':
      memory.at = 0;
      return poll(scene, response, 'authorization');
    default:
      return refused('the order is invalid');
  }
}

function poll(scene: Scene, response: WebResponse, stage: string): Next {
  const { memory } = scene.flow;
  memory.polls = (memory.polls ?? 0) + 1;
  if (memory.polls > MOST_POLLS) return { end: 'lost', why: 'it takes too long' };
  return go(stage, pollUs(scene, response));
}

/** The leaf of a PEM chain, base64url. */
function derOf({ body }: WebResponse): string | undefined {
  if (typeof body !== 'string') return undefined;
  const base64 = body.split('-----')[2]?.replaceAll('\n', '');
  const der = base64 === undefined ? undefined : fromBase64(base64);
  return der && toBase64Url(der);
}
