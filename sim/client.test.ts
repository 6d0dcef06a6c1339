import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../core/crdt/record.ts';
import { CHECKERS } from './check/all.ts';
import type { Checker } from './checker.ts';
import { clients } from './client.ts';
import { planClients } from './client-plan.ts';
import { MINUTE, SECOND } from './clock.ts';
import { type Options, quiet } from './options.ts';
import { type ClientDecision, type Fault, planOf } from './plan.ts';
import { Draws } from './prng.ts';
import { type Result, run } from './run.ts';

type Step = readonly [operation: string, input?: { readonly [member: string]: Json }];

/** Notes of flows: how each ended. */
function notes(lines: string[]): () => Checker {
  return () => ({
    name: 'notes',
    watches: ['note'],
    observe: (observation) => {
      if (observation.kind === 'note') lines.push(observation.text);
      return undefined;
    },
    atEnd: () => [],
  });
}

/** Client 0 does these things, half a minute apart. */
function play(
  steps: readonly Step[],
  options: Partial<Options> = {},
  faults: readonly Fault[] = [],
): { readonly result: Result; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const decisions = steps.map(([operation, input = {}], index): ClientDecision => {
    const atUs = (1 + 30 * index) * SECOND;
    return { kind: 'client', atUs, client: 0, operation, with: input };
  });
  const all = quiet({ nodes: 1, clients: 1, flowsPerHour: 0, safetySecs: 600, ...options });
  const plan = { seed: 7, options: all, decisions: [...decisions, ...faults] };
  const result = run(plan, { actors: [clients], checkers: [...CHECKERS, notes(lines)] });
  return { result, lines: lines.map((line) => line.replace(/ \d+:/, ':')) };
}

const dns = (...names: string[]) => ({
  identifiers: names.map((value) => ({ type: 'dns', value })),
});
const CERTIFICATE: Step = ['certificate', dns('a.example', '*.a.example', 'b.example')];

test('a client that forgets to publish its answer gets no certificate, but one later', () => {
  const { result, lines } = play([['certificate', { ...dns('a.example'), forgets: true }]]);
  assert.is(result.verdict, 'pass');
  assert.equal(lines, [
    'certificate: refused, it became invalid',
    'certificate: done, certificate',
  ]);
});

test('requests that are bent are refused, each in its way', () => {
  const bends = ['url', 'signature', 'nonce', 'content-type', 'kid'];
  const { result, lines } = play(bends.map((bend): Step => ['wrong', { bend }]));
  assert.is(result.verdict, 'pass');
  assert.is(lines.filter((line) => line === 'wrong: done, refused').length, bends.length);
});

test('every kind of flow comes to its end in a world without faults', () => {
  const { result, lines } = play([
    CERTIFICATE,
    ['certificate', { identifiers: [{ type: 'ip', value: '192.0.2.1' }] }],
    ['new-authorization', dns('c.example')],
    ['contact', { contact: ['mailto:x@example.org'] }],
    ['key-change'],
    ['download', { pick: 0, full: true }],
    ['revoke', { by: 'account', pick: 0 }],
    ['revoke', { by: 'key', pick: 1 }],
    ['look-order', { pick: 0 }],
    ['orders'],
    ['list'],
    ['directory'],
    ['deactivate-authorization', { pick: 0 }],
    ['deactivate-account'],
    ['look-account'],
  ]);
  assert.is(result.verdict, 'pass');
  assert.is(lines.length, 16);
  assert.equal(
    lines.filter((line) => !line.includes(': done')),
    [],
  );
});

test('a certificate is revoked by another account that proves all its names', () => {
  const identifiers = [{ type: 'dns', value: 'shared.example' }];
  const at = (secs: number, client: number, operation: string, input: ClientDecision['with']) => {
    return { kind: 'client', atUs: secs * SECOND, client, operation, with: input } as const;
  };
  const lines: string[] = [];
  const decisions = [
    at(1, 0, 'certificate', { identifiers }),
    at(60, 1, 'revoke', { by: 'other', pick: 0 }),
  ];
  const options = quiet({ nodes: 1, clients: 2, flowsPerHour: 0 });
  const result = run(
    { seed: 3, options, decisions },
    { actors: [clients], checkers: [...CHECKERS, notes(lines)] },
  );
  assert.is(result.verdict, 'pass');
  assert.ok(lines.some((line) => /^revoke \d+: done, list/.test(line)));
});

test('a flow survives a node that dies in the middle of it', () => {
  const crash: Fault = { kind: 'crash', atUs: 1_200_000, node: 0, boundary: 3, downUs: SECOND };
  const { result, lines } = play([CERTIFICATE], {}, [crash]);
  assert.is(result.verdict, 'pass');
  assert.ok((result.counts['crash'] ?? 0) > 0);
  assert.is(lines[0], 'certificate: done, certificate');
});

test('a flow survives a network that loses a third of all messages', () => {
  const { result, lines } = play([CERTIFICATE], { lossPpm: 330_000, clientTimeoutMs: 2000 });
  assert.is(result.verdict, 'pass');
  assert.ok((result.marks['a client retried after a lost answer'] ?? 0) > 0);
  assert.ok(lines.includes('certificate: done, certificate'));
});

test('the plan of a seed keeps its other flows when it has another number of clients', () => {
  const [few, many] = [2, 5].map((count) => {
    return planClients(new Draws(9), quiet({ clients: count })) as readonly ClientDecision[];
  });
  assert.equal(
    few,
    many!.filter(({ client }) => client < 2),
  );
  assert.ok(few!.every(({ atUs }) => atUs < 10 * MINUTE));
  assert.ok(planOf(9, {}, [planClients]).decisions.length > 0);
});

test.run();
