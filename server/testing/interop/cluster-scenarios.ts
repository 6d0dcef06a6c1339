// What certbot and lego see of three nodes behind a balancer that picks one at random for every
// request: nothing. Each node has a database of another kind where the environment names servers.
// Invariant: a nonce refused on any node is a failure, even where a client tried again by itself.
// Never here: how clients are run, faults.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getText } from '../../../bench/server-process.ts';
import { TestCluster } from '../cluster/cluster.ts';
import { DATABASE_KINDS, missingFor } from '../cluster/databases.ts';
import { Prng } from '../crash/prng.ts';
import { replays } from './capsule.ts';
import { Certbot } from './certbot.ts';
import { Lego } from './lego.ts';
import { leafOf, verifyChain } from './openssl.ts';
import { succeed } from './program.ts';
import { expect, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const programs = ['certbot', 'lego', 'openssl', 'curl'] as const;

export const CLUSTER_SCENARIOS: readonly Scenario[] = [
  {
    title: 'certbot obtains, renews and revokes through three nodes and notices nothing',
    programs,
    play: (stage) => onCluster(stage, certbotVisits),
  },
  {
    title: 'lego obtains by every challenge and revokes through three nodes and notices nothing',
    programs,
    play: (stage) => onCluster(stage, legoVisits),
  },
];

const SETTLE_MS = 20_000;
const POLL_MS = 100;

async function onCluster(
  stage: Stage,
  visit: (stage: Stage, cluster: TestCluster) => Promise<string>,
): Promise<void> {
  const picks = new Prng(1);
  const cluster = await TestCluster.start({
    directory: stage.path('cluster'),
    databases: DATABASE_KINDS.map((kind) => (missingFor(kind) === undefined ? kind : 'sqlite')),
    dnsAddress: stage.desk.dnsAddress,
    httpPort: stage.httpPort,
    tlsAlpnPort: stage.tlsAlpnPort,
    pick: (below) => picks.between(0, below - 1),
    isRecorded: true,
  });
  try {
    const revoked = await visit(stage, cluster);
    await cluster.settled(SETTLE_MS);
    for (const [node, origin] of cluster.origins.entries()) {
      await untilListed(stage, `${origin}/ca/crl`, revoked);
      const metrics = (await getText(`${cluster.nodes[node]!.adminUrl}/metrics`)) ?? '';
      const refused = /^akamu_acme_problems_total\{type="badNonce"\} (\d+)/m.exec(metrics)?.[1];
      expect(`nonces refused by node ${node}`, refused ?? '0', '0');
    }
    const idle = cluster.balancer.counts.filter((count) => count === 0);
    expect('nodes that clients never met', idle.length, 0);
  } finally {
    await cluster.close();
  }
  for (const { directory } of cluster.nodes) {
    const records = join(directory, 'records');
    for (const file of readdirSync(records)) await replays(join(records, file));
  }
}

/** Returns the serial number of what was revoked. */
async function certbotVisits(stage: Stage, cluster: TestCluster): Promise<string> {
  const certbot = new Certbot(stage, cluster.nodes[0]!, 'certbot', cluster.trustFile);
  const [name, other] = [stage.host('www'), stage.host('other')];
  await certbot.run(...certbot.http01([name]));
  await certbot.run(...certbot.http01([other]));
  await certbot.run('renew', '--force-renewal', '--no-random-sleep-on-renew');
  const renewed = certbot.archived(name, 2);
  await verifyChain(renewed, [name]);
  await verifyChain(certbot.issued(other), [other]);
  const revoke = ['revoke', '--cert-path', certbot.file(name, 'cert.pem')];
  await certbot.run(...revoke, '--no-delete-after-revoke');
  return leafOf(renewed).serialNumber;
}

async function legoVisits(stage: Stage, cluster: TestCluster): Promise<string> {
  const lego = new Lego(stage, cluster.nodes[0]!, 'lego', cluster.trustFile);
  const [www, alpn, zone] = [stage.host('www'), stage.host('alpn'), stage.host('zone')];
  await lego.run([www], 'http-01', [], 'run');
  await lego.run([alpn], 'tls-alpn-01', [], 'run');
  await lego.run([`*.${zone}`, zone], 'dns-01', [], 'run');
  await verifyChain(lego.issued(`*.${zone}`), [`*.${zone}`, zone]);
  await lego.run([www], 'http-01', [], 'renew', '--days', '365', '--no-random-sleep');
  await lego.run([www], 'http-01', [], 'revoke', '--keep');
  return leafOf(lego.issued(www)).serialNumber;
}

/** Every node's own list has the certificate, as OpenSSL reads the list. */
async function untilListed(stage: Stage, url: string, serial: string): Promise<void> {
  const file = stage.path('list.crl');
  const endMs = performance.now() + SETTLE_MS;
  for (;;) {
    await succeed('curl', ['-fsS', '-o', file, url]);
    const crl = ['crl', '-inform', 'DER', '-in', file, '-noout', '-text'];
    const text = await succeed('openssl', crl);
    if (text.includes(serial.replace(/^0+/, ''))) return;
    if (performance.now() > endMs) throw new Error(`${url} does not list ${serial}:\n${text}`);
    await sleep(POLL_MS);
  }
}
