// `akamu cluster status` and `akamu node remove` against members of a real cluster.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Member, until } from '../gossip/testing/member.ts';
import { freeStablePort } from '../testing/ports.ts';
import { type ClusterStatus, isHealthy, statusPage } from './cluster-status.ts';
import { type Outcome, runCommand } from './testing/command.ts';

let directory = '';

test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'akamu-status-'));
});
test.after.each(() => rmSync(directory, { recursive: true }));

async function akamu(
  port: number,
  args: readonly string[],
  print?: (text: string) => void,
): Promise<Outcome> {
  const file = join(directory, 'akamu.toml');
  writeFileSync(file, `[admin]\nlisten_addr = "127.0.0.1:${port}"\n`);
  return runCommand([...args, '--config', file], print);
}

async function statusOf(member: Member): Promise<ClusterStatus> {
  const { out } = await akamu(member.port, ['cluster', 'status', '--json']);
  return JSON.parse(out) as ClusterStatus;
}

const HEALTHY: ClusterStatus = {
  node: 'a'.repeat(27),
  url: 'http://a:1',
  incarnation: '1',
  ready: true,
  reason: null,
  position: 7,
  members: [
    {
      node: 'b'.repeat(27),
      url: 'http://b:1',
      reachable: true,
      lastExchangeMs: 3_400,
      lagEvents: { there: 2, here: 0 },
      digest: 'equal',
      incarnation: '2',
      clockSkewSecs: 12,
    },
  ],
  strangers: [],
  removed: [],
  leases: 0,
  redemptions: 0,
};

test('a cluster is not well when a node is missing, silent, unready or of another mind', () => {
  assert.ok(isHealthy(HEALTHY));
  const [member] = HEALTHY.members;
  const sick: readonly Partial<ClusterStatus>[] = [
    { ready: false },
    { strangers: ['http://c:1'] },
    { members: [{ ...member!, reachable: false }] },
    { members: [{ ...member!, reachable: null }] },
    { members: [{ ...member!, digest: 'different' }] },
  ];
  for (const change of sick) assert.not.ok(isHealthy({ ...HEALTHY, ...change }));
});

test('the page has a line for each node, and says what is missing', () => {
  assert.is(
    statusPage({ ...HEALTHY, ready: false, reason: 'starting', strangers: ['http://c:1'] }),
    `this node    ${'a'.repeat(27)} at http://a:1
ready        no: starting
incarnation  1, 7 events
under way    0 leases, 0 redemptions
not met yet  http://c:1

NODE                         URL         REACHABLE  HEARD    LACKS  OWES US  CLOCK  DIGEST
${'b'.repeat(27)}  http://b:1  yes        3 s ago  2      0        +12 s  equal
`,
  );
  assert.match(statusPage({ ...HEALTHY, members: [] }), /no other nodes\n$/);
});

test('the status of a server that is down is a failure with a fix', async () => {
  const { code, err } = await akamu(await freeStablePort(), ['cluster', 'status', '--watch']);
  assert.is(code, 1);
  assert.match(err, 'start the server with: akamu serve');
});

test('a cluster is watched while a node joins it, and while one is removed', async () => {
  const a = await Member.start({ directory, name: 'a', gossip: {} });
  const b = await Member.start({ directory, name: 'b', gossip: { peers: [a.url] } });
  try {
    await until(
      async () => isHealthy(await statusOf(b)),
      () => `it never got well:\n${b.lines.join('\n')}`,
    );
    const shown = await akamu(b.port, ['cluster', 'status']);
    assert.is(shown.code, 0);
    assert.match(shown.out, new RegExp(`^this node +${b.node} at ${b.url}\n`));
    assert.match(
      shown.out,
      new RegExp(`\n${a.node} +${a.url} +yes .* [-+]?[01] s +(equal|unknown)\n`),
    );

    let pages = 0;
    const watched = await akamu(b.port, ['cluster', 'status', '--watch'], () => {
      if (++pages === 2) throw new Error('enough');
    });
    assert.match(watched.err, 'enough');
    assert.is(watched.out.split('this node').length, 3);

    assert.match((await akamu(b.port, ['node', 'remove', b.node])).err, 'does not remove itself');
    for (const id of ['x'.repeat(27), 'node2', 'http://b']) {
      const unknown = await akamu(b.port, ['node', 'remove', id]);
      assert.is(unknown.code, 1);
      assert.match(
        unknown.err,
        /^akamu node remove: .*no node has this id; `akamu cluster status` /,
      );
      assert.not.match(unknown.err, 'body');
    }
    const refused = await akamu(b.port, ['node', 'remove', a.node]);
    assert.is(refused.code, 1);
    assert.match(refused.err, 'this node answers; stop it first, or give --force');
    assert.equal((await statusOf(b)).removed, []);
    const removed = await akamu(b.port, ['node', 'remove', a.node, '--force']);
    assert.is(removed.code, 0, removed.err);
    assert.equal((await statusOf(b)).removed, [a.node]);
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
});

test('a node that was stopped a moment ago is removed, also when another is at its URL', async () => {
  const a = await Member.start({ directory, name: 'a', gossip: {} });
  const b = await Member.start({ directory, name: 'b', gossip: { peers: [a.url] } });
  const c = await Member.start({ directory, name: 'c', gossip: { peers: [a.url] } });
  const gone = [b.node, c.node];
  let successor: Member | undefined;
  try {
    const status = async (): Promise<ClusterStatus> => statusOf(a);
    await until(
      async () => (await status()).members.filter(({ reachable }) => reachable).length === 2,
      () => `they never met:\n${a.lines.join('\n')}`,
    );
    await Promise.all([b.close(), c.close()]);
    successor = await Member.start({ directory, name: 'd', port: c.port, gossip: {} });
    for (const node of gone) {
      const { code, err } = await akamu(a.port, ['node', 'remove', node]);
      assert.is(code, 0, err);
    }
    assert.equal((await status()).removed, [...gone].sort());
  } finally {
    await Promise.all([a.close(), b.close(), c.close(), successor?.close()]);
  }
});

test('a node is registered from the identity that another printed', async () => {
  const a = await Member.start({ directory, name: 'a', gossip: {} });
  const b = await Member.start({ directory, name: 'b', gossip: {} });
  try {
    const file = join(directory, 'b.json');
    writeFileSync(file, (await akamu(b.port, ['node', 'identity', '--json'])).out);
    const { code, err } = await akamu(a.port, ['node', 'register', file]);
    assert.is(code, 0, err);
    assert.match(err, `${b.node} at ${b.url} is registered`);
    assert.equal(
      (await statusOf(a)).members.map(({ node }) => node),
      [b.node],
    );
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
});

test.run();
