// `npm run crash`: kills a real server with SIGKILL at random moments under load, starts it again,
// and examines whether everything it acknowledged is still there.
// Invariant: one kill counts as passed only if the examination after it found nothing at all.
// Not shown by this: losing power. The kernel keeps what a killed process has written; that commits
// are synced is shown by the tests of the database adapters.
// Never here: what clients do, what is examined.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { startNameServer } from '../../../bench/dns.ts';
import { startResponder } from '../../../bench/responder.ts';
import { atExit } from '../../../bench/scope.ts';
import { AkamuProcess } from '../akamu-process.ts';
import { freeStablePort } from '../ports.ts';
import { conclude } from '../verdict.ts';
import { CrashClient } from './client.ts';
import { Examiner } from './examination.ts';
import { Gate } from './gate.ts';
import { Ledger } from './ledger.ts';
import { readOptions } from './options.ts';
import { Prng } from './prng.ts';
import { Report } from './report.ts';

/** How long the clients have the server before it is killed. */
const LIFE_MS = { low: 40, high: 600 } as const;
/** Now and then it is killed again, so long after it was started. */
const START_MS = { low: 20, high: 400 } as const;
const KILLED_WHILE_STARTING_PERCENT = 25;

const options = readOptions(process.argv.slice(2));
const report = new Report(options);
const prng = new Prng(options.seed);
const directory = mkdtempSync(join(tmpdir(), 'akamu-crash-'));
const remove = atExit(() => rmSync(directory, { recursive: true, force: true }));
const names = await startNameServer();
const responder = await startResponder();
const akamu = await AkamuProcess.create({
  directory: join(directory, 'akamu'),
  dnsAddress: `127.0.0.1:${names.port}`,
  httpPort: responder.port,
  tlsAlpnPort: await freeStablePort(),
});
report.firstStartMs = await akamu.start();

const gate = new Gate();
const ledger = new Ledger();
const world = {
  directoryUrl: akamu.directoryUrl,
  gate,
  ledger,
  keyAuthorizations: responder.keyAuthorizations,
};
const clients = Array.from({ length: options.clients }, (_, index) => {
  return new CrashClient(world, new Prng(options.seed, index + 1), `client-${index}`);
});
const running = Promise.all(clients.map((client) => client.run()));
running.catch((error: unknown) => {
  ledger.violations.push(`a client broke: ${(error as Error).stack}`);
});
const examiner = new Examiner(akamu.baseUrl, ledger, new Prng(options.seed, 1000));

for (let kill = 1; kill <= options.kills; kill++) {
  await sleep(prng.between(LIFE_MS.low, LIFE_MS.high));
  const lifeEnded = !akamu.isRunning;
  await akamu.kill();
  if (lifeEnded) ledger.violations.push(`the server ended by itself: ${akamu.logTail()}`);
  if (prng.chance(KILLED_WHILE_STARTING_PERCENT)) await killWhileStarting();
  const restartMs = await akamu.start();
  await gate.close();
  const startedMs = performance.now();
  await examiner.examine({ everything: kill === options.kills, spent: gate.lastAccepted });
  report.killed({ kill, restartMs, examinationMs: performance.now() - startedMs, ledger });
  gate.open();
}

await gate.close();
gate.end();
await running.catch(() => {});
for (const client of clients) client.close();
await akamu.stop();
checkDatabase();
names.close();
responder.close();
report.end({ ledger, replays: examiner.replays, flows: clients.map(({ flows }) => flows) });
remove();
conclude(report.counts(ledger));

async function killWhileStarting(): Promise<void> {
  akamu.launch();
  await sleep(prng.between(START_MS.low, START_MS.high));
  await akamu.kill();
  report.killedWhileStarting++;
}

/** What SQLite itself thinks of the file after all this. */
function checkDatabase(): void {
  const database = new Database(join(directory, 'akamu', 'akamu.db'), { readonly: true });
  const result = String(database.pragma('integrity_check', { simple: true }));
  database.close();
  ledger.check(result === 'ok', () => `the database is damaged: ${result}`);
}
