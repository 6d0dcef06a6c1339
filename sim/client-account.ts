// What clients do besides getting certificates: accounts (RFC 8555 §7.3), key change (§7.3.5),
// deactivation (§7.3.6, §7.5.2), revocation three ways (§7.6), looking at what they have, and
// requests that are wrong on purpose.
// Invariant: a client that lost an answer finds out what happened before it goes on.
// Never here: retries (client-transport.ts), orders.

import { failure } from './client-certificate.ts';
import { done, go, type Next, pathOf, refused, type Scene, type Stages } from './client-flow.ts';
import { type Ask, keyChangePayload } from './client-request.ts';
import { freshKey, type HeldCertificate, keep, startOver } from './client-state.ts';
import type { Bend } from './exchange-facts.ts';
import { headerOf, problemOf } from './exchange-facts.ts';

/** Keys of key changes whose outcome is unknown that a client remembers. */
const MOST_KEYS = 4;

export const ACCOUNT_STAGES: Stages = {
  /** Every flow begins here: without an account there is nothing to do. */
  account: {
    ask: ({ client, flow }) => {
      if (client.account !== undefined) return go(firstStage(flow.operation));
      const contact = [`mailto:client-${client.index}@example.org`];
      const payload = { termsOfServiceAgreed: true, contact };
      return { target: '/acme/new-account', payload, bareKey: client.key };
    },
    take: ({ client, flow, world }, response) => {
      if (response.status === 201 || response.status === 200) {
        client.account = headerOf(response, 'Location');
        return go(firstStage(flow.operation));
      }
      // The key was given up, here or by a key change; a person would make another one.
      startOver(world, client);
      return flow.mustSucceed ? go('account') : failure(response);
    },
  },

  contact: {
    ask: ({ client, flow, world }) => {
      const contact = flow.with['contact'] as readonly string[];
      return { target: pathOf(world, client.account!), payload: { contact } };
    },
    take: (_, response) => (response.status === 200 ? go('look-account') : failure(response)),
  },

  'look-account': {
    ask: ({ client, world }) => ({ target: pathOf(world, client.account!), payload: 'look' }),
    take: (_, response) => (response.status === 200 ? done('account') : failure(response)),
  },

  orders: {
    ask: ({ client, world }) => {
      return { target: `${pathOf(world, client.account!)}/orders`, payload: 'look' };
    },
    take: (_, response) => (response.status === 200 ? done('orders') : failure(response)),
  },

  'key-change': {
    ask: ({ client, flow, world }) => {
      flow.memory.newKey ??= freshKey(world, client);
      // If the answer is lost, the account may have either key.
      keep(client.otherKeys, flow.memory.newKey, MOST_KEYS);
      const payload = keyChangePayload(world.baseUrl, client, flow.memory.newKey);
      return { target: '/acme/key-change', payload };
    },
    take: ({ client, flow }, response) => {
      if (response.status === 200) client.key = flow.memory.newKey!;
      if (response.status === 200) client.otherKeys = [];
      return response.status === 200 ? go('look-account') : failure(response);
    },
  },

  'deactivate-account': {
    ask: ({ client, world }) => {
      return { target: pathOf(world, client.account!), payload: { status: 'deactivated' } };
    },
    take: ({ client, world }, response) => {
      // 401: it is deactivated already, by a request whose answer was lost.
      if (response.status !== 200 && response.status !== 401) return failure(response);
      startOver(world, client);
      return done('deactivated');
    },
  },

  'deactivate-authorization': {
    ask: (scene) => {
      const { client, world } = scene;
      const url = pick(scene, client.authorizations);
      if (url === undefined) return done('nothing to deactivate');
      return { target: pathOf(world, url), payload: { status: 'deactivated' } };
    },
    take: (_, response) => (response.status === 200 ? done('deactivated') : failure(response)),
  },

  'look-order': {
    ask: (scene) => {
      const url = pick(scene, scene.client.orders);
      if (url === undefined) return done('nothing to look at');
      return { target: pathOf(scene.world, url), payload: 'look' };
    },
    take: (_, response) => (response.status === 200 ? done('order') : failure(response)),
  },

  download: {
    ask: (scene) => {
      const held = pick(scene, scene.client.certificates);
      if (held === undefined) return done('nothing to download');
      const full = scene.flow.with['full'] === true ? '/full' : '';
      return { target: pathOf(scene.world, held.url) + full, payload: 'look' };
    },
    take: (_, response) => (response.status === 200 ? done('downloaded') : failure(response)),
  },

  revoke: {
    ask: (scene) => {
      const target = scene.flow.memory.target ?? toRevoke(scene);
      if (target === undefined) return done('nothing to revoke');
      scene.flow.memory.target = target;
      const by = scene.flow.with['by'];
      if (by === 'other' && scene.flow.memory.authorizations === undefined) {
        scene.flow.memory.identifiers = target.identifiers;
        return go('new-authorization');
      }
      return revokeAsk(target, by === 'key');
    },
    take: ({ flow }, response) => {
      const isRevoked = response.status === 200 || problemOf(response) === 'alreadyRevoked';
      if (!isRevoked) return failure(response);
      flow.memory.target!.isRevoked = true;
      return go('list');
    },
  },

  /** Whoever revokes looks whether the list says so. */
  list: {
    ask: () => ({ target: '/ca/crl' }),
    take: (_, response) => (response.status === 200 ? done('list') : failure(response)),
  },

  directory: {
    ask: () => ({ target: '/acme/directory' }),
    take: (_, response) => (response.status === 200 ? done('directory') : failure(response)),
  },

  wrong: {
    ask: ({ client, flow, world }): Ask => {
      const bend = flow.with['bend'] as Bend;
      return { target: pathOf(world, client.account!), payload: 'look', bend };
    },
    take: (_, { status }): Next => (status >= 400 ? done('refused') : refused('it was accepted')),
  },
};

/** Where a flow goes once there is an account. */
function firstStage(operation: string): string {
  return operation === 'certificate' ? 'order' : operation;
}

function pick<T>({ flow }: Scene, list: readonly T[]): T | undefined {
  return list.length === 0 ? undefined : list[Number(flow.with['pick'] ?? 0) % list.length];
}

function toRevoke(scene: Scene): HeldCertificate | undefined {
  const { client, others, flow } = scene;
  if (flow.with['by'] !== 'other') return pick(scene, client.certificates);
  const foreign = others.flatMap(({ certificates, index }) => {
    return index === client.index ? [] : certificates;
  });
  const provable = foreign.filter(({ identifiers }) => {
    return identifiers.every(({ value }) => !value.startsWith('*.'));
  });
  return pick(scene, provable);
}

function revokeAsk(target: HeldCertificate, byKey: boolean): Ask {
  const payload = { certificate: target.der, reason: 1 };
  return { target: '/acme/revoke-cert', payload, ...(byKey && { bareKey: target.key }) };
}
