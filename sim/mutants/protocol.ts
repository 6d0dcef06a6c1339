// Defects of the ACME front: nonces, signatures, what answers say, requests that are never
// answered. Invariant and never here: see mutant.ts.

import type { Json } from '../../core/crdt/record.ts';
import type { WebResponse } from '../../core/effect.ts';
import type { WebRequest } from '../../core/input.ts';
import type { Stage } from '../stage.ts';
import {
  everyNth,
  type Members,
  type Mutant,
  onAnswer,
  onEffect,
  onInput,
  onPrimitives,
  onStep,
  type Step,
} from './mutant.ts';

const MINUTE_MS = 60_000;

export const PROTOCOL: readonly Mutant[] = [
  {
    name: 'a nonce is good twice',
    what: 'a request that was answered before is answered the same again',
    catchers: ['nonce-single-use'],
    seeds: 2,
    options: { duplicatePpm: 100_000 },
    build: onStep(answersAgain),
  },
  {
    name: 'a node starts again under the same boot id',
    what: 'nonces of the process before are taken for own ones',
    catchers: ['nonce-single-use'],
    seeds: 3,
    options: { crashesPerHour: 600, faultSecs: 1 },
    build: (sound) => ({
      ...sound,
      createNode: (machine, stage) => {
        const bytes: Stage['draws']['bytes'] = (count, of, entity) => {
          return stage.draws.bytes(count, of, entity, 1);
        };
        const draws = { value: { bytes } };
        return sound.createNode(machine, Object.create(stage, { draws }) as Stage);
      },
    }),
  },
  {
    name: 'good nonces are refused',
    what: 'the key of nonces changes every minute, and what is in flight is lost',
    catchers: ['nonce-single-use'],
    seeds: 2,
    build: onPrimitives((real, machine) => ({
      hmac: (hash, key, data) => {
        const minute = Math.floor(machine.now().monoMs / MINUTE_MS);
        return real.hmac(
          hash,
          key.map((octet) => octet ^ (minute & 0xff)),
          data,
        );
      },
    })),
  },
  {
    name: 'answers carry no nonce',
    what: 'the header that the next request needs is left out',
    catchers: ['answers', 'liveness: clients'],
    seeds: 1,
    build: onAnswer((response) => ({
      ...response,
      headers: response.headers.filter(([name]) => name !== 'Replay-Nonce'),
    })),
  },
  {
    name: 'bad signatures are accepted',
    what: 'every signature verifies',
    catchers: ['answers'],
    seeds: 16,
    build: onPrimitives(() => ({ verify: () => true })),
  },
  {
    name: 'the names of a CSR are read wrong',
    what: 'the last name of a CSR goes unseen',
    catchers: ['answers'],
    seeds: 1,
    build: onPrimitives((real) => ({
      readCsr: (der) => {
        const reading = real.readCsr(der);
        if (!reading.ok) return reading;
        return { ok: true, value: { ...reading.value, names: reading.value.names.slice(0, -1) } };
      },
    })),
  },
  {
    name: 'an order is shown valid before it has a certificate',
    what: 'orders that are ready or being processed are answered as valid',
    catchers: ['answers', 'durable-before-visible'],
    seeds: 6,
    build: onAnswer((response) => {
      return editBody(response, ['order', 'finalize'], (body) => {
        const isEarly = body['status'] === 'ready' || body['status'] === 'processing';
        return isEarly ? { ...body, status: 'valid' } : body;
      });
    }),
  },
  {
    name: 'a client is shown less than before',
    what: 'each second look at a valid order shows it as being processed',
    catchers: ['monotonicity-seen', 'answers'],
    options: { flowsPerHour: 2400 },
    seeds: 8,
    build: (sound) => {
      const isDue = everyNth(2);
      return onAnswer((response) => {
        return editBody(response, ['order'], (body) => {
          return body['status'] === 'valid' && isDue() ? { ...body, status: 'processing' } : body;
        });
      })(sound);
    },
  },
  {
    name: 'the list of orders names those of others',
    what: 'an account’s list ends with the order that was made last by anybody',
    catchers: ['answers'],
    seeds: 4,
    build: (sound) => {
      let last: readonly Json[] = [];
      return onAnswer((response) => {
        const made = response.headers.find(([name]) => name === 'Location')?.[1];
        if (response.route === 'new-order' && made !== undefined) last = [made];
        return editBody(response, ['orders'], (body) => {
          return { ...body, orders: [...(body['orders'] as readonly Json[]), ...last] };
        });
      })(sound);
    },
  },
  {
    name: 'what was made is not found again',
    what: 'each second look at an order is answered as if there were none',
    catchers: ['read-your-writes', 'answers'],
    seeds: 3,
    options: { flowsPerHour: 2400 },
    build: (sound) => {
      const isDue = everyNth(2);
      return onAnswer((response) => {
        const isHit = response.route === 'order' && response.status === 200 && isDue();
        return isHit ? notFound(response) : response;
      })(sound);
    },
  },
  {
    name: 'timers are never set',
    what: 'a node never asks to be woken',
    catchers: ['liveness: convergence', 'liveness: clients', 'liveness: nodes'],
    seeds: 1,
    build: onEffect(() => (effect) => (effect.kind === 'wake' ? [] : [effect])),
  },
  {
    name: 'parked requests are never answered',
    what: 'a request that had to wait gets no answer',
    catchers: ['liveness: clients', 'liveness: liveness'],
    seeds: 2,
    build: onEffect(() => (effect, input) => {
      const isParked = effect.kind === 'respond' && input.kind !== 'request';
      return isParked ? [] : [effect];
    }),
  },
  {
    name: 'an answer of the database goes missing',
    what: 'each seventh load is never handed to the node that asked for it',
    catchers: ['liveness: clients', 'liveness: nodes', 'liveness: convergence'],
    seeds: 3,
    // Clients ask again; what a node begins with, it asks for once.
    options: { crashesPerHour: 600, faultSecs: 1 },
    build: (sound) => {
      const isLost = everyNth(7);
      return onInput((input) => {
        return input.kind === 'loaded' && isLost() ? undefined : input;
      })(sound);
    },
  },
];

function answersAgain(step: Step): Step {
  const open = new Map<number, WebRequest>();
  const answers = new Map<string, WebResponse>();
  return (now, input) => {
    if (input.kind === 'request' && input.web.method === 'POST') open.set(input.request, input.web);
    return step(now, input).map((effect) => {
      const web = effect.kind === 'respond' ? open.get(effect.request) : undefined;
      if (effect.kind !== 'respond' || typeof web?.body !== 'string') return effect;
      const response = answers.get(web.body);
      if (effect.response.status < 300) answers.set(web.body, effect.response);
      return response === undefined ? effect : { ...effect, response };
    });
  };
}

function notFound({ headers, route }: WebResponse): WebResponse {
  const type = 'urn:ietf:params:acme:error:malformed';
  const kept = headers.filter(([name]) => name !== 'Content-Type');
  return {
    status: 404,
    headers: [...kept, ['Content-Type', 'application/problem+json']],
    body: JSON.stringify({ type, detail: 'there is no such order', status: 404 }),
    route,
    problem: 'malformed',
  };
}

/** An answer of one of these routes with its JSON body edited. */
function editBody(
  response: WebResponse,
  routes: readonly string[],
  edit: (body: Members) => Members,
): WebResponse {
  const { body, route, status } = response;
  if (status >= 300 || !routes.includes(route) || typeof body !== 'string') return response;
  return { ...response, body: JSON.stringify(edit(JSON.parse(body) as Members)) };
}
