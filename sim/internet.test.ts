import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ValidationRequest, ValidationResult } from '../core/acme/validation.ts';
import { SECOND } from './clock.ts';
import { PROPAGATION_US, SimulatedInternet } from './internet.ts';
import { quiet } from './options.ts';
import { Draws } from './prng.ts';
import { Queue } from './queue.ts';
import type { World } from './world.ts';

const REQUEST: ValidationRequest = {
  type: 'http-01',
  identifier: { type: 'dns', value: 'a.example' },
  wildcard: false,
  token: 'token',
  keyAuthorization: 'token.key',
  accountUrl: '',
  caaIdentities: [],
};

function worldOf(serverFailPpm: number): { readonly world: World; readonly queue: Queue } {
  const queue = new Queue();
  const options = quiet({ serverFailPpm });
  const parts = {
    options,
    draws: new Draws(1),
    get nowUs(): number {
      return queue.nowUs;
    },
    schedule: (atUs: number, action: () => void) => queue.add(atUs, action),
    mark: () => undefined,
  };
  return { world: parts as unknown as World, queue };
}

/** Probes and waits; what came back, and when. */
function probe(
  internet: SimulatedInternet,
  queue: Queue,
  request: ValidationRequest,
): ValidationResult | undefined {
  let result: ValidationResult | undefined;
  internet.validate(0, request, (found) => {
    result = found;
  });
  while (result === undefined && queue.runNext(queue.nowUs + 60 * SECOND));
  return result;
}

test('a name that shows nothing, something else, or nothing any more, is not proven', () => {
  const { world, queue } = worldOf(0);
  const internet = new SimulatedInternet(world);
  assert.is(probe(internet, queue, REQUEST)?.ok, false);
  internet.publish('http-01', 'a.example', 'token', 'token.other');
  assert.is(probe(internet, queue, REQUEST)?.ok, false);
  internet.publish('http-01', 'a.example', 'token', 'token.key');
  assert.is(probe(internet, queue, REQUEST)?.ok, true);
  internet.withdraw('http-01', 'a.example', 'token', 'token.key');
  assert.is(probe(internet, queue, REQUEST)?.ok, false);
});

test('RFC 8555 §8.4: a name server shows a new record after a while, beside others', () => {
  const { world, queue } = worldOf(0);
  const internet = new SimulatedInternet(world);
  const request = { ...REQUEST, type: 'dns-01' } as const;
  internet.publish('dns-01', 'a.example', 'another', 'another.key');
  internet.publish('dns-01', 'a.example', 'token', 'token.key');
  assert.is(probe(internet, queue, request)?.ok, false);
  queue.runNext(PROPAGATION_US);
  assert.is(probe(internet, queue, request)?.ok, true);
});

test('servers that always fail prove nothing, each in its way, until they are healed', () => {
  const { world, queue } = worldOf(1_000_000);
  const internet = new SimulatedInternet(world);
  internet.publish('http-01', 'a.example', 'token', 'token.key');
  const problems = new Set<string>();
  for (let i = 0; i < 60; i++) {
    const result = probe(internet, queue, { ...REQUEST, token: `${i}` });
    problems.add(result?.ok === false ? result.problem : 'none');
  }
  assert.equal([...problems].sort(), ['connection', 'dns', 'unauthorized']);
  internet.heal();
  assert.is(probe(internet, queue, REQUEST)?.ok, true);
  assert.is(internet.underWay, 0);
});

test.run();
