// `npm run cluster`: three real nodes, on SQLite, PostgreSQL and MariaDB, behind a balancer that picks
// a node at random for every request. First nothing is wrong, and clients must not notice that there
// are several nodes; then one fault follows another, and after each of them, once healed, every node
// must show everything that any of them has acknowledged.
// Invariant: a part that did not take place is counted as skipped, never as passed.
// Never here: what clients do, what is examined, which faults there are.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNameServer } from '../../../bench/dns.ts';
import { startResponder } from '../../../bench/responder.ts';
import { atExit } from '../../../bench/scope.ts';
import { CrashClient } from '../crash/client.ts';
import { Examiner } from '../crash/examination.ts';
import { Gate } from '../crash/gate.ts';
import { Ledger } from '../crash/ledger.ts';
import { Prng } from '../crash/prng.ts';
import { freeStablePort } from '../ports.ts';
import { conclude } from '../verdict.ts';
import { TestCluster } from './cluster.ts';
import { missingFor } from './databases.ts';
import { Nemesis } from './nemesis.ts';
import { readOptions } from './options.ts';

const SETTLE_LIMIT_MS = 60_000;
/** A flow takes tenths of a second, with all clients at once. */
const FLOW_LIMIT_MS = 1_000;
const START_LIMIT_MS = 60_000;
/** How long clients go on after a fault before everything is examined. */
const CALM_MS = 500;
const MAX_SHOWN = 20;
/** Beyond what was asked for. A test that stands still says what the nodes said last. */
const PATIENCE_MS = 240_000;

const options = readOptions(process.argv.slice(2));
const { seed, flows, clients: clientCount, seconds } = options;
const wanted = options.databases;
const databases = wanted.map((kind) => (missingFor(kind) === undefined ? kind : 'sqlite'));
const skipped = wanted.filter((kind) => missingFor(kind) !== undefined);
say(`cluster test: --seed ${seed} --flows ${flows} --clients ${clientCount} --seconds ${seconds}`);
say(`nodes           ${databases.join(', ')}`);
for (const kind of skipped)
  say(`skipped         a node on ${kind}: ${missingFor(kind)} is not set`);

const prng = new Prng(seed);
const directory = mkdtempSync(join(tmpdir(), 'akamu-cluster-'));
const remove = atExit(() => rmSync(directory, { recursive: true, force: true }));
const names = await startNameServer();
const responder = await startResponder();
const picks = new Prng(seed, 7);
const cluster = await TestCluster.start({
  directory,
  databases,
  dnsAddress: `127.0.0.1:${names.port}`,
  httpPort: responder.port,
  tlsAlpnPort: await freeStablePort(),
  pick: (below) => picks.between(0, below - 1),
});

let [passed, failed, shown] = [0, 0, 0];
const gate = new Gate();
const ledger = new Ledger({ isCluster: true });
const world = {
  directoryUrl: `${cluster.baseUrl}/acme/directory`,
  gate,
  ledger,
  keyAuthorizations: responder.keyAuthorizations,
};
const clients = Array.from({ length: clientCount }, (_, index) => {
  return new CrashClient(world, new Prng(seed, index + 1), `client-${index}`);
});
const startedMs = performance.now();
const running = Promise.all(clients.map((client) => client.run()));
let isBroken = false;
running.catch((error: unknown) => {
  isBroken = true;
  ledger.violations.push(`a client broke: ${(error as Error).stack}`);
});
const examiners = cluster.origins.map((origin, node) => {
  return new Examiner(cluster.baseUrl, ledger, new Prng(seed, 1000 + node), origin);
});
const settleMs: number[] = [];
const flowsDone = (): number => clients.reduce((sum, client) => sum + client.flows, 0);

const flowsEndMs = startedMs + START_LIMIT_MS + (flows * FLOW_LIMIT_MS) / clientCount;
while (flowsDone() < flows && !isBroken && performance.now() < flowsEndMs) await sleep(20);
const tookSecs = (performance.now() - startedMs) / 1000;
ledger.check(flowsDone() >= flows, () => `only ${flowsDone()} of ${flows} flows were finished`);
const rate = (ledger.certificates.size / tookSecs).toFixed(0);
say(`flows           ${flowsDone()} in ${tookSecs.toFixed(1)} s, ${rate} certificates/s`);
say(`requests        ${cluster.balancer.counts.join(', ')} by node`);
say(`slowest answer  ${gate.slowestMs.toFixed(0)} ms`);
for (const [trouble, count] of Object.entries(gate.troubles)) {
  ledger.check(count === 0, () => `${count} requests had to be made again: ${trouble}`);
}
await examineAll('no fault', true);
const patience = setTimeout(
  () => {
    say('the test stands still');
    showLogs();
    process.exit(1);
  },
  seconds * 1000 + PATIENCE_MS,
);

const backups = join(directory, 'backups');
mkdirSync(backups);
const nemesis = new Nemesis(cluster, gate, prng, databases, backups);
const endMs = performance.now() + seconds * 1000;
while (performance.now() < endMs) {
  ledger.isExcusing = true;
  let what: string;
  try {
    what = await nemesis.strike();
  } catch (error) {
    what = `a fault that could not be undone: ${(error as Error).message}`;
    ledger.violations.push(what);
  }
  await sleep(CALM_MS);
  await examineAll(what, performance.now() >= endMs);
}

await gate.close();
gate.end();
await running.catch(() => {});
for (const client of clients) client.close();
await cluster.close();
names.close();
responder.close();
report();
remove();
clearTimeout(patience);
conclude({ passed, failed, skipped: skipped.length });

/** Lets nobody in, waits until the nodes agree, and has each show what any has acknowledged. */
async function examineAll(after: string, everything: boolean): Promise<void> {
  await gate.close();
  for (const [node, akamu] of cluster.nodes.entries()) {
    ledger.check(akamu.isRunning, () => `node ${node} ended by itself`);
  }
  try {
    settleMs.push(await cluster.settled(SETTLE_LIMIT_MS));
    ledger.isExcusing = false;
    const touched = [...ledger.touched];
    for (const examiner of examiners) {
      for (const url of touched) ledger.touched.add(url);
      await examiner.examine({ everything, spent: gate.lastAccepted });
    }
  } catch (error) {
    ledger.isExcusing = false;
    ledger.violations.push((error as Error).message);
  }
  const found = ledger.violations.slice(shown);
  shown = ledger.violations.length;
  for (const violation of found.slice(0, MAX_SHOWN)) say(`  VIOLATION ${violation}`);
  if (found.length === 0) passed++;
  else failed++;
  if (found.length > 0) showLogs();
  const { certificates, checks } = ledger;
  say(
    `  after ${after}: ${certificates.size} certificates, ${checks} checks, ${found.length} wrong`,
  );
  gate.open();
}

/** What the nodes said last: the first thing to read when something is wrong. */
function showLogs(): void {
  for (const [node, akamu] of cluster.nodes.entries()) {
    say(`  node ${node} said last:\n${akamu.logTail().replaceAll(/^/gm, '    ')}`);
  }
}

function report(): void {
  const revoked = [...ledger.certificates.values()].filter(
    ({ revocation }) => revocation === 'acknowledged',
  );
  const sorted = settleMs.toSorted((left, right) => left - right);
  const at = (part: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * part)]!);
  const faults = [...nemesis.struck].map(([name, count]) => `${count} ${name}`);
  say(`faults          ${faults.length === 0 ? 'none' : faults.join(', ')}`);
  say(`acknowledged    ${ledger.certificates.size} certificates, ${revoked.length} revocations`);
  say(`checks          ${ledger.checks}; ${ledger.excused} stale sights during faults excused`);
  say(`signed twice    ${ledger.signedTwice}: two nodes did, and one signature stays`);
  say(`made again      ${JSON.stringify(gate.troubles)}`);
  say(`equal digests   after median ${at(0.5)} ms, at most ${at(1)} ms`);
  say(`violations      ${ledger.violations.length}`);
  say(`time            ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
