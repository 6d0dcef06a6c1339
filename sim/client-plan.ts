// Which flows the clients of a seed begin, and when: one table of operations with their weights and
// what each is drawn with. Invariant: draws are keyed by client and count, so a flow that is taken
// out shifts no other. Never here: how flows go on.

import type { Json } from '../core/crdt/record.ts';
import { HOUR, SECOND } from './clock.ts';
import { BENDS } from './exchange-facts.ts';
import type { Options } from './options.ts';
import type { ClientDecision, Planner } from './plan.ts';
import { type Draws, type Sequence, stream } from './prng.ts';

type With = { readonly [member: string]: Json };

interface Operation {
  readonly name: string;
  readonly weight: number;
  readonly draw: (sequence: Sequence, client: number) => With;
}

const GAP = stream('client.gap');
const WHAT = stream('client.what');
const FLOW = stream('client.flow');

const some: Operation['draw'] = (sequence) => ({ pick: sequence.below(1000) });
const none: Operation['draw'] = () => ({});

const OPERATIONS: readonly Operation[] = [
  { name: 'certificate', weight: 40, draw: drawCertificate },
  { name: 'new-authorization', weight: 8, draw: drawPreauthorization },
  { name: 'revoke', weight: 12, draw: drawRevocation },
  { name: 'download', weight: 6, draw: (s) => ({ pick: s.below(1000), full: s.below(2) === 1 }) },
  { name: 'contact', weight: 6, draw: drawContact },
  { name: 'look-account', weight: 3, draw: none },
  { name: 'look-order', weight: 6, draw: some },
  { name: 'orders', weight: 4, draw: none },
  { name: 'key-change', weight: 5, draw: none },
  { name: 'deactivate-authorization', weight: 4, draw: some },
  { name: 'deactivate-account', weight: 2, draw: none },
  { name: 'list', weight: 3, draw: none },
  { name: 'directory', weight: 1, draw: none },
  { name: 'wrong', weight: 4, draw: (sequence) => ({ bend: sequence.pick(BENDS) }) },
];

const WEIGHT = OPERATIONS.reduce((sum, { weight }) => sum + weight, 0);

/** Flows of all clients during the safety phase. */
export const planClients: Planner = (draws, options) => {
  const decisions: ClientDecision[] = [];
  for (let client = 0; client < options.clients; client++) {
    decisions.push(...planClient(draws, options, client));
  }
  return decisions;
};

function planClient(draws: Draws, options: Options, client: number): readonly ClientDecision[] {
  if (options.flowsPerHour === 0) return [];
  const meanUs = Math.floor(HOUR / options.flowsPerHour);
  const decisions: ClientDecision[] = [];
  let atUs = 0;
  for (let count = 0; ; count++) {
    atUs += 1 + draws.exponential(meanUs, GAP, client, count);
    if (atUs >= options.safetySecs * SECOND) return decisions;
    // The first thing a client is set up for is a certificate.
    const at = count === 0 ? 0 : draws.below(WEIGHT, WHAT, client, count);
    const { name, draw } = operationAt(at);
    const sequence = draws.sequence(FLOW, client * 65_536 + count);
    decisions.push({ kind: 'client', atUs, client, operation: name, with: draw(sequence, client) });
  }
}

function operationAt(weight: number): Operation {
  let rest = weight;
  for (const operation of OPERATIONS) {
    if (rest < operation.weight) return operation;
    rest -= operation.weight;
  }
  return OPERATIONS[0]!;
}

/** One to four names, some of them wildcards, addresses, or names others prove as well. */
function drawCertificate(sequence: Sequence, client: number): With {
  const count = 1 + (sequence.below(2) === 0 ? 0 : sequence.below(4));
  const names = new Map<string, With>();
  for (let i = 0; i < count; i++) {
    const name = drawName(sequence, client);
    names.set(String(name['value']), name);
  }
  return {
    identifiers: [...names.values()],
    forgets: sequence.chance(60_000),
    hastes: sequence.chance(300_000),
  };
}

function drawPreauthorization(sequence: Sequence, client: number): With {
  const name = drawName(sequence, client);
  const value = String(name['value']).replace('*.', '');
  return { identifiers: [{ type: name['type']!, value }], forgets: false };
}

function drawName(sequence: Sequence, client: number): With {
  const kind = sequence.below(10);
  const number = sequence.below(6);
  if (kind === 0) return { type: 'ip', value: `192.0.2.${(client * 6 + number) % 256}` };
  if (kind === 1) return { type: 'ip', value: `2001:db8::${client + 1}:${number + 1}` };
  if (kind === 2) return { type: 'dns', value: `*.c${client}-${number}.example` };
  if (kind < 5) return { type: 'dns', value: `shared-${number}.example` };
  return { type: 'dns', value: `c${client}-${number}.example` };
}

function drawRevocation(sequence: Sequence): With {
  const by = sequence.pick(['account', 'account', 'key', 'other']);
  return { by, pick: sequence.below(1000) };
}

function drawContact(sequence: Sequence, client: number): With {
  const count = sequence.below(3);
  const contact: string[] = [];
  for (let i = 0; i < count; i++)
    contact.push(`mailto:c${client}-${sequence.below(1000)}@example.org`);
  return { contact };
}
