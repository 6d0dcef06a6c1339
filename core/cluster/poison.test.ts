// Records of a member with valid keys whose contents make no sense: real ones, bent at one place.
// Whatever comes, no step throws, neither now nor after a restart, and honest requests are answered.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rowOf } from '../../io/store/row.ts';
import { fromBase64Url } from '../bytes.ts';
import { replicaFrom } from '../crdt/facts.ts';
import type { Json, Record } from '../crdt/record.ts';
import { Client, path } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { EMPTY_PAGE } from '../testing/empty-page.ts';
import { plainIssue, type Rig } from '../testing/rig.ts';

const HOUR_MS = 3_600_000;
const LIES = 100;
const NO_CSR = { ok: false, problem: 'badCSR', detail: 'no CSR' } as const;
const EAB = new Map([['kid-1', new Uint8Array(32).fill(7)]]);

/** What stands in the place of something else. */
const ABSURD: readonly Json[] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e300,
  Number.MAX_SAFE_INTEGER,
  '',
  'zzz',
  '\0',
  '../..',
  'x'.repeat(5000),
  [],
  ['zzz'],
  [null],
  {},
  { value: 1 },
  'processing',
  'revoked',
  'valid',
];

/** A small generator of numbers (mulberry32), so that a failure has a seed. */
function draws(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface World {
  readonly cluster: Cluster;
  readonly client: Client;
  readonly records: readonly Record[];
  readonly targets: readonly string[];
}

/** A cluster of two in which there is something of everything. */
function world(): World {
  const cluster = new Cluster(['a', 'b'], {
    policy: { eabKeys: EAB },
    issuer: (request) => (fromBase64Url(request.csr) ? plainIssue(request) : NO_CSR),
    validator: ({ identifier }) => (identifier.value.startsWith('slow') ? undefined : { ok: true }),
  });
  const rig = cluster.rig('a');
  const client = new Client(rig);
  client.register({ externalAccountBinding: client.binding('kid-1', EAB.get('kid-1')!) });
  const { url } = client.certificate(['one.example.com']);
  const second = client.certificate(['two.example.com']);
  client.revoke(second.pem);
  const open = client.order(['slow.example.com', 'open.example.com']).body;
  client.prove(open);
  cluster.run(2);
  client.get('/ca/crl');
  const authorizations = (open['authorizations'] as string[]).map(path);
  const targets = [path(url), path(second.url), ...authorizations, path(client.kid)];
  return { cluster, client, records: [...rig.database.values()], targets };
}

/** The same JSON, changed at one place. */
function bent(json: Json, below: (n: number) => number): Json {
  if (typeof json !== 'object' || json === null || below(4) === 0) {
    return ABSURD[below(ABSURD.length)]!;
  }
  const names = Object.keys(json);
  if (names.length === 0) return ABSURD[below(ABSURD.length)]!;
  const name = names[below(names.length)]!;
  if (Array.isArray(json)) {
    return json.map((member, i) => (String(i) === name ? bent(member, below) : member));
  }
  const { [name]: member, ...others } = json as { readonly [name: string]: Json };
  return below(3) === 0 ? others : { ...others, [name]: bent(member!, below) };
}

/** A real record, bent, under its own id or another one; such as to win against the real one. */
function lieOf(records: readonly Record[], seed: number): Json {
  const below = draws(seed);
  const { kind, id, fields } = records[below(records.length)]!;
  let lie: Json = fields;
  for (let i = 0; i <= below(2); i++) lie = bent(lie, below);
  const first = JSON.stringify(lie).replace(/"at":"[^"]*"/g, '"at":"000000000000-0000-liar"');
  const ids = [id, id, `liar-${seed}`, 'zz', '00'];
  return [kind, ids[below(ids.length)]!, 'liar.1', 1 + seed, JSON.parse(first) as Json];
}

function tell(rig: Rig, records: readonly Json[]): void {
  rig.submit({ kind: 'told', from: 'b', page: { ...EMPTY_PAGE, records } });
}

/** Everything that a node does with what it holds. */
function live({ cluster, client, targets }: World): void {
  const before = cluster.rig('a');
  for (const record of before.database.values()) rowOf(record);
  assert.ok(replicaFrom(before.facts, 'boot') !== undefined);
  assert.ok('origin' in (replicaFrom(before.facts, 'boot') ?? {}), 'facts that can be read');
  const { database, facts } = before;
  cluster.restart('a', { database, facts });
  const rig = cluster.rig('a');
  rig.now = before.now;
  client.rig = rig;
  cluster.run(1);
  for (const target of targets) client.post(target, undefined);
  client.post(`${path(client.kid)}/orders`, undefined);
  client.post('/acme/new-account', {}, { header: { jwk: client.jwk } });
  client.certificate(['one.example.com']);
  rig.submit({ kind: 'administer', request: -1, command: { kind: 'status' } });
  for (let hours = 0; hours < 3; hours++) rig.advance(HOUR_MS);
}

test('a peer whose records make no sense is refused and named, and the node lives on', () => {
  let refused = 0;
  for (let seed = 0, made = world(); seed < LIES; seed++) {
    // Lies that are taken in stay, so now and then it begins anew.
    if (seed % 25 === 24) made = world();
    const lie = lieOf(made.records, seed);
    try {
      tell(made.cluster.rig('a'), [lie]);
      refused += blamed(made.cluster.rig('a'));
      live(made);
    } catch (error) {
      throw new Error(`seed ${seed}: ${JSON.stringify(lie).slice(0, 500)}`, { cause: error });
    }
  }
  assert.ok(refused > LIES / 4, `${refused} refused`);
});

/** How often the log has named the peer for what it sent. */
function blamed(rig: Rig): number {
  return rig.logs.filter(({ message, fields }) => {
    return message === 'peer sent what is refused' && fields['peer'] === 'b';
  }).length;
}

test.run();
