import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client, type JsonBody, path, type Reply } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';

const NAMES = ['a', 'b', 'c'];

/** Small, seeded, and good enough to pick a node (mulberry32). */
function dice(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** A client behind a load balancer without sense, with a pool of nonces. */
class Traveller extends Client {
  readonly #cluster: Cluster;
  readonly #roll: (bound: number) => number;
  readonly #take: (pool: string[]) => string;
  readonly #pool: string[] = [];
  readonly refusals: string[] = [];
  requests = 0;

  constructor(cluster: Cluster, roll: (bound: number) => number, take: (pool: string[]) => string) {
    super(cluster.rig('a'));
    this.#cluster = cluster;
    this.#roll = roll;
    this.#take = take;
    // Pools of real clients hold nonces of several nodes from the start.
    for (const name of NAMES) this.#fill(name);
  }

  #fill(name: string): void {
    this.rig = this.#cluster.rig(name);
    this.#pool.push(super.nonce(), super.nonce());
  }

  override nonce(): string {
    return this.#take(this.#pool);
  }

  override post(target: string, payload: JsonBody | undefined, bend = {}): Reply {
    this.rig = this.#cluster.rig(NAMES[this.#roll(NAMES.length)]!);
    const reply = super.post(target, payload, bend);
    this.#pool.push(reply.header('replay-nonce')!);
    this.requests++;
    if (reply.status >= 400) this.refusals.push(`${target} ${reply.text}`);
    return reply;
  }
}

const POOLS: { readonly [name: string]: (roll: (n: number) => number) => (p: string[]) => string } =
  {
    'last in, first out': () => (pool) => pool.pop()!,
    'first in, first out': () => (pool) => pool.shift()!,
    random: (roll) => (pool) => pool.splice(roll(pool.length), 1)[0]!,
  };

for (const [name, pool] of Object.entries(POOLS)) {
  test(`every request may go to any node, with nonces ${name}`, () => {
    for (let seed = 1; seed <= 6; seed++) {
      const roll = dice(seed);
      const cluster = new Cluster(NAMES);
      cluster.run(2);
      const client = new Traveller(cluster, roll, pool(roll));
      client.register();
      for (let i = 0; i < 3; i++) {
        const { url, pem } = client.certificate([`n${i}.example.com`, `m${i}.example.com`]);
        assert.match(client.post(path(url), undefined).text, /BEGIN CERTIFICATE/);
        assert.is(client.revoke(pem).status, 200);
      }
      const next = new Client(cluster.rig('a'));
      assert.is(client.post('/acme/key-change', client.keyChange(next)).status, 200);
      assert.equal(client.refusals, [], `seed ${seed}`);
      assert.ok(client.requests > 25);
    }
  });
}

test('with tiny caches and tiny pages too', () => {
  const roll = dice(7);
  const limits = { cacheRecords: 16 };
  const cluster = new Cluster(NAMES, { limits }, { records: 2, octets: 2_000 });
  cluster.run(2);
  const client = new Traveller(cluster, roll, (pool) => pool.splice(roll(pool.length), 1)[0]!);
  client.register();
  for (let i = 0; i < 3; i++) client.certificate([`tiny${i}.example.com`]);
  assert.equal(client.refusals, []);
});

test.run();
