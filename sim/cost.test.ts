// What agreeing costs: rounds until all nodes hold a write, messages for a write, octets of a round
// in which nothing happened. The bounds of rounds are those that push-pull gossip keeps in theory
// and by measurement (one peer a round: 4 rounds for 5 nodes, 5 for 10 at the 99th percentile).

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../core/crdt/record.ts';
import { ACTORS, CHECKERS } from './cast.ts';
import { SECOND } from './clock.ts';
import type { Observation } from './observation.ts';
import { type Options, quiet } from './options.ts';
import type { Decision } from './plan.ts';
import { run } from './run.ts';

const INTERVAL_MS = 1000;
const WRITE_US = 60 * SECOND;
/** Sealing, headers and compression are the channel's; here it is what is said. */
const IDLE_OCTETS = 500;
const IDLE_OCTETS_PER_NODE = 40;

/** A certificate when all is quiet and everybody knows everybody, and all that was seen of it. */
function watch(
  options: Partial<Options>,
  seed: number,
  decisions: readonly Decision[] = [],
): readonly Observation[] {
  const seen: Observation[] = [];
  const identifiers = [{ type: 'dns', value: 'a.example' }];
  const flow: Decision = {
    kind: 'client',
    atUs: WRITE_US,
    client: 0,
    operation: 'directory',
    with: {},
  };
  const certificate: Decision = { ...flow, operation: 'certificate', with: { identifiers } };
  const plan = {
    seed,
    options: quiet({ clients: 1, safetySecs: 120, gossipIntervalMs: INTERVAL_MS, ...options }),
    decisions: [...decisions, certificate],
  };
  const result = run(plan, {
    actors: ACTORS,
    checkers: CHECKERS,
    traceSink: (observation) => seen.push(observation),
  });
  assert.is(result.verdict, 'pass');
  return seen;
}

function records({ changes }: Extract<Observation, { kind: 'durable' }>): readonly string[] {
  return changes.flatMap((change) => change.records.map(({ kind, id }) => `${kind}/${id}`));
}

/** When each node first had the certificate, from the first one on. */
function spread(seen: readonly Observation[]): readonly number[] {
  const at = new Map<number, number>();
  for (const observation of seen) {
    if (observation.kind !== 'durable' || at.has(observation.node)) continue;
    const isIt = records(observation).some((key) => key.startsWith('certificate/'));
    if (isIt && observation.atUs < 120 * SECOND) at.set(observation.node, observation.atUs);
  }
  const moments = [...at.values()].sort((a, b) => a - b);
  return moments.map((moment) => moment - moments[0]!);
}

/** Messages between nodes in a span of time. */
function gossip(
  seen: readonly Observation[],
  fromUs: number,
  toUs: number,
): readonly { readonly kind: string; readonly text: string }[] {
  return seen.flatMap((observation) => {
    if (observation.kind !== 'sent') return [];
    if (observation.atUs < fromUs || observation.atUs >= toUs) return [];
    const { content } = observation.message;
    if (content.kind === 'ask') {
      return [{ kind: 'ask', text: JSON.stringify([content.ask, content.push] as Json) }];
    }
    return content.kind === 'page' ? [{ kind: 'page', text: JSON.stringify(content.page) }] : [];
  });
}

for (const [nodes, rounds] of [
  [3, 2],
  [5, 4],
  [10, 5],
] as const) {
  test(`one peer a round: ${nodes} nodes hold a write within ${rounds} rounds`, () => {
    for (let seed = 1; seed <= 10; seed++) {
      const lags = spread(watch({ nodes, fanOut: 1 }, seed));
      assert.is(lags.length, nodes, `seed ${seed}`);
      const last = lags.at(-1)! / 1000 / INTERVAL_MS;
      assert.ok(last <= rounds, `seed ${seed}: ${last} rounds`);
    }
  });
}

test('all peers a round: a write is everywhere in a fifth of a second', () => {
  const lags = spread(watch({ nodes: 5 }, 1));
  assert.is(lags.length, 5);
  assert.ok(lags.at(-1)! < SECOND / 5, lags.join());
});

test('after a partition has healed, all nodes agree within a time-out and the back-off after it', () => {
  const from = [0, 1];
  const forUs = 20 * SECOND;
  const atUs = WRITE_US - SECOND;
  const cut: Decision = { kind: 'partition', atUs, forUs, from, to: [2, 3], bothWays: true };
  for (let seed = 1; seed <= 5; seed++) {
    const seen = watch({ nodes: 4 }, seed, [cut]);
    const lags = spread(seen);
    assert.is(lags.length, 4);
    // An ask that the cut has swallowed is given up after ten seconds; in twenty there are two or
    // three of them, after which a peer is left alone for four intervals, and another round follows.
    const boundUs = forUs + 10 * SECOND + 12 * INTERVAL_MS * 1000;
    assert.ok(lags.at(-1)! < boundUs, `seed ${seed}: ${lags.join()}`);
  }
});

test('writes that come together reach each peer in one exchange', () => {
  const nodes = 4;
  const seen = watch({ nodes }, 3);
  const pushes = gossip(seen, WRITE_US, WRITE_US + 30 * SECOND).filter(({ kind, text }) => {
    return kind === 'ask' && !text.endsWith(',null]');
  });
  const steps = seen.filter((observation) => {
    const isOwn = observation.kind === 'step' && observation.input.kind !== 'told';
    const isPersist = isOwn && observation.effects.some(({ kind }) => kind === 'persist');
    return isPersist && observation.atUs >= WRITE_US && observation.atUs < WRITE_US + 30 * SECOND;
  });
  assert.ok(pushes.length > 0 && pushes.length <= steps.length * (nodes - 1), `${pushes.length}`);
});

test('a round in which nothing happened costs some hundred octets a peer', () => {
  const nodes = 5;
  const seen = watch({ nodes }, 2);
  const messages = gossip(seen, 40 * SECOND, 50 * SECOND);
  const rounds = 10_000 / INTERVAL_MS;
  const exchanges = messages.filter(({ kind }) => kind === 'ask').length;
  // Each node asks each other one, up to a fifth sooner than the interval.
  assert.ok(exchanges <= rounds * 1.3 * nodes * (nodes - 1), `${exchanges} exchanges`);
  const largest = Math.max(...messages.map(({ text }) => text.length));
  assert.ok(largest <= IDLE_OCTETS + IDLE_OCTETS_PER_NODE * nodes, `${largest} octets`);
});

test.run();
