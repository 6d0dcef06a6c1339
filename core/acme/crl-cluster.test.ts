import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client, path } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { accepted } from '../testing/expect.ts';

const NAMES = ['a', 'b', 'c'];

/** The serials on the list that a node shows now. */
function listed(cluster: Cluster, node: string): readonly string[] {
  return JSON.parse(accepted(new Client(cluster.rig(node)).get('/ca/crl')).text);
}

/** The numbers of the lists that a node has ordered, as they stand in the lists. */
function numbers(cluster: Cluster, node: string): readonly bigint[] {
  const { listOrders } = cluster.rig(node);
  return listOrders.map(({ number, tag }) => (BigInt(number) << 32n) | BigInt(tag));
}

function issued(client: Client, name: string): { readonly serial: string; readonly pem: string } {
  const { url, pem } = client.certificate([name]);
  return { serial: path(url).split('/').at(-1)!, pem };
}

test('upstream failure 14: what one node revokes is on the list of every node', () => {
  const cluster = new Cluster(NAMES);
  const client = Client.registered(cluster.rig('a'));
  const { serial, pem } = issued(client, 'a.example.com');
  cluster.run(1);
  for (const node of NAMES) assert.equal(listed(cluster, node), []);
  client.rig = cluster.rig('b');
  accepted(client.revoke(pem));
  assert.equal(listed(cluster, 'b'), [serial]);
  cluster.run(1);
  for (const node of NAMES) assert.equal(listed(cluster, node), [serial]);
});

test('RFC 5280 §5.2.3: a list made in knowledge of another has a greater number', () => {
  const cluster = new Cluster(NAMES);
  const client = Client.registered(cluster.rig('a'));
  const order: bigint[] = [];
  for (const node of ['a', 'b', 'c', 'a', 'c']) {
    client.rig = cluster.rig(node);
    accepted(client.revoke(issued(client, `n${order.length}.example.com`).pem));
    listed(cluster, node);
    order.push(numbers(cluster, node).at(-1)!);
    cluster.run(1);
  }
  for (const [i, number] of order.slice(1).entries()) assert.ok(number > order[i]!);
});

test('RFC 5280 §5.2.3: two sides of a partition give their lists different numbers', () => {
  const cluster = new Cluster(NAMES);
  const client = Client.registered(cluster.rig('a'));
  const pems = [issued(client, 'a.example.com'), issued(client, 'b.example.com')] as const;
  cluster.run(1);
  cluster.split(['a'], ['b', 'c']);
  for (const [i, node] of ['a', 'b'].entries()) {
    client.rig = cluster.rig(node);
    accepted(client.revoke(pems[i]!.pem));
    assert.equal(listed(cluster, node), [pems[i]!.serial]);
  }
  const [a, b] = ['a', 'b'].map((node) => cluster.rig(node).listOrders.at(-1)!);
  assert.is(a!.number, b!.number, 'both counted to the same');
  const parted = [numbers(cluster, 'a').at(-1)!, numbers(cluster, 'b').at(-1)!];
  assert.is.not(parted[0], parted[1]);
  cluster.mend();
  cluster.run(25);
  const all = pems.map(({ serial }) => serial).sort();
  for (const node of NAMES) {
    assert.equal([...listed(cluster, node)].sort(), all);
    for (const before of parted) assert.ok(numbers(cluster, node).at(-1)! > before);
  }
});

test('a node that starts again goes on above every number it knows of', () => {
  const cluster = new Cluster(NAMES);
  listed(cluster, 'a');
  cluster.run(1);
  const { database, facts } = cluster.rig('b');
  cluster.restart('b', { database, facts });
  cluster.run(2);
  listed(cluster, 'b');
  assert.ok(numbers(cluster, 'b').at(-1)! > numbers(cluster, 'a').at(-1)!);
});

test.run();
