// Random plans for property tests: any valid decision, any options within their bounds.
// Invariant: whatever comes out could stand in a scenario file. Never here: seeds' own plans.

import fc from 'fast-check';
import { CHALLENGE_TYPES } from '../../core/acme/validation.ts';
import type { Json } from '../../core/crdt/record.ts';
import { SECOND } from '../clock.ts';
import { BENDS } from '../exchange-facts.ts';
import { CLIENTS } from '../message.ts';
import { OPTION_NAMES, type Options, optionSpec, quiet } from '../options.ts';
import { type Decision, type Plan, sorted } from '../plan.ts';

const TIME = fc.oneof(
  fc.nat(10_000),
  fc.nat(86_400).map((secs) => secs * 1_000_000),
  fc.maxSafeNat(),
);
const PPM = fc.nat(1_000_000);
const SIGNED_PPM = fc.integer({ min: -1_000_000, max: 1_000_000 });
const SIGNED_TIME = fc.oneof(
  TIME,
  TIME.map((us) => (us === 0 ? 0 : -us)),
);

const SOME = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const POLICY = fc.record(
  {
    authorizationExpiryMs: SOME,
    challengeTypes: fc.subarray([...CHALLENGE_TYPES], { minLength: 1 }),
    orderExpiryMs: SOME,
    renewalRetryAfterSecs: SOME,
  },
  { requiredKeys: [] },
);

interface What {
  readonly operation: string;
  readonly with: { readonly [member: string]: Json };
}

/** An operation with these members of `with`, of which all but `needed` may be left out. */
function operation(
  name: string,
  members: { readonly [member: string]: fc.Arbitrary<Json> } = {},
  needed: readonly string[] = [],
): fc.Arbitrary<What> {
  const drawn = fc.record(members, { requiredKeys: [...needed] });
  return drawn.map((given) => ({ operation: name, with: given as What['with'] }));
}

const TEXT = fc.string({ unit: 'binary' });
const PICK = { pick: fc.nat() };
const IDENTIFIERS = fc.array(
  fc.record({ type: fc.constantFrom('dns', 'ip'), value: TEXT }, { noNullPrototype: true }),
  { minLength: 1, maxLength: 3 },
);
const NAMES = { identifiers: IDENTIFIERS, forgets: fc.boolean(), hastes: fc.boolean() };

const CLIENT_OPERATION: fc.Arbitrary<What> = fc.oneof(
  operation('certificate', NAMES, ['identifiers']),
  operation('new-authorization', NAMES, ['identifiers']),
  operation('revoke', { ...PICK, by: fc.constantFrom('account', 'key', 'other') }),
  operation('download', { ...PICK, full: fc.boolean() }),
  operation('contact', { contact: fc.array(TEXT) }, ['contact']),
  operation('look-order', PICK),
  operation('key-change'),
  operation('wrong', { bend: fc.constantFrom(...BENDS) }, ['bend']),
);

function operatorOperation(nodes: number): fc.Arbitrary<What> {
  const of = fc.nat(nodes - 1);
  const removal = operation('remove', { node: of }, ['node']);
  return fc.oneof(
    operation('status'),
    operation('revoke', { ...PICK, of, reason: fc.constantFrom(0, 1, 9) }),
    operation('revoke-eab', PICK),
    ...(nodes > 1 ? [removal] : []),
  );
}

/** Any decision in a world of this size. */
export function decisions(nodes: number, clients: number): fc.Arbitrary<Decision> {
  const node = fc.nat(nodes - 1);
  const client = fc.nat(clients - 1);
  const end = fc.oneof(
    node,
    client.map((index) => CLIENTS + index),
  );
  const ends = fc.array(end, { minLength: 1, maxLength: 4 });
  const base = { atUs: TIME, node };
  const span = { atUs: TIME, forUs: TIME };
  const of = <K extends Decision['kind']>(kind: K): { kind: fc.Arbitrary<K> } => {
    return { kind: fc.constant(kind) };
  };
  return fc.oneof<fc.Arbitrary<Decision>[]>(
    fc.record({
      ...of('crash'),
      ...base,
      boundary: fc.nat(),
      unsynced: fc.boolean(),
      downUs: TIME,
    }),
    fc.record({ ...of('pause'), ...base, ...span, suspend: fc.boolean() }),
    fc.record({
      ...of('clock'),
      ...base,
      ...span,
      wallByUs: SIGNED_TIME,
      monoByUs: TIME,
      wallPpm: SIGNED_PPM,
      monoPpm: SIGNED_PPM,
    }),
    fc.record({
      ...of('disk'),
      ...base,
      ...span,
      slowdown: fc.integer({ min: 1, max: 1000 }),
      fails: fc.boolean(),
    }),
    fc.record({ ...of('restore'), ...base, backupUs: TIME, downUs: TIME }),
    fc.record({ ...of('empty'), ...base, downUs: TIME }),
    fc.record({ ...of('clone'), ...base, source: node, downUs: TIME }),
    fc.record({ ...of('partition'), ...span, from: ends, to: ends, bothWays: fc.boolean() }),
    fc.record({
      ...of('link'),
      ...span,
      from: end,
      to: end,
      delayUs: TIME,
      lossPpm: PPM,
      duplicatePpm: PPM,
      corruptPpm: PPM,
    }),
    fc.record({ ...of('reload'), ...base, policy: POLICY }),
    fc
      .record({ atUs: TIME, client, what: CLIENT_OPERATION })
      .map(({ what, ...rest }) => ({ kind: 'client', ...rest, ...what })),
    fc
      .record({ ...base, what: operatorOperation(nodes) })
      .map(({ what, ...rest }) => ({ kind: 'operator', ...rest, ...what })),
  );
}

/** Options within their bounds. */
export const OPTIONS_SET: fc.Arbitrary<Options> = fc
  .record(
    Object.fromEntries(
      OPTION_NAMES.map((name) => {
        const { min, max } = optionSpec(name);
        return [name, fc.integer({ min, max })];
      }),
    ),
    { requiredKeys: [] },
  )
  .map((given) => {
    const options = quiet(given as Partial<Options>);
    const atLeastOne = { nodes: options.nodes, clients: Math.max(1, options.clients) };
    return { ...options, ...atLeastOne, nonceWindow: options.nonceWindow & ~7 };
  });

export const PLAN: fc.Arbitrary<Plan> = OPTIONS_SET.chain((options) => {
  return fc.record({
    seed: fc.maxSafeNat(),
    options: fc.constant(options),
    decisions: fc
      .array(decisions(options.nodes, options.clients), { maxLength: 8 })
      .map((drawn) => sorted(drawn.map((one) => inTime(one, options)))),
  });
});

/** Before the safety phase is over, and no backup is put back before it was made. */
function inTime(decision: Decision, { safetySecs }: Options): Decision {
  const atUs = decision.atUs % (safetySecs * SECOND);
  if (decision.kind !== 'restore') return { ...decision, atUs };
  return { ...decision, atUs, backupUs: Math.min(decision.backupUs, atUs) };
}
