// `npm run crash`: kills a real server with SIGKILL at random moments under load, starts it again,
// and examines whether everything it acknowledged is still there. With `--database postgres` or
// `mariadb` most kills hit the connection to the database instead, and the server must recover.
// Invariant: one kill counts as passed only if the examination after it found nothing at all.
// Not shown by this: losing power. The kernel keeps what a killed process has written; that commits
// are synced is shown by the tests of the database adapters.
// Never here: what clients do, what is examined.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNameServer } from '../../../bench/dns.ts';
import { startResponder } from '../../../bench/responder.ts';
import { atExit } from '../../../bench/scope.ts';
import { AkamuProcess } from '../akamu-process.ts';
import { freeStablePort } from '../ports.ts';
import { conclude } from '../verdict.ts';
import { CrashClient } from './client.ts';
import { crashDatabase } from './database.ts';
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
/** Of the kills on a database server, so many hit the process all the same. */
const PROCESS_KILLED_PERCENT = 25;
const RECOVERY_LIMIT_MS = 10_000;

const options = readOptions(process.argv.slice(2));
const report = new Report(options);
const prng = new Prng(options.seed);
const directory = mkdtempSync(join(tmpdir(), 'akamu-crash-'));
const remove = atExit(() => rmSync(directory, { recursive: true, force: true }));
const names = await startNameServer();
const responder = await startResponder();
const database = await crashDatabase(options.database, join(directory, 'akamu', 'akamu.db'));
const akamu = await AkamuProcess.create({
  directory: join(directory, 'akamu'),
  databaseUrl: database.url,
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
  if (!akamu.isRunning) ledger.violations.push(`the server ended by itself: ${akamu.logTail()}`);
  const isProcess = !database.isServer || prng.chance(PROCESS_KILLED_PERCENT);
  const restartMs = await (isProcess ? killProcess() : killConnections());
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
const damage = await database.damage();
ledger.check(damage === undefined, () => `the database is damaged: ${damage}`);
await database.dispose();
names.close();
responder.close();
report.end({ ledger, replays: examiner.replays, flows: clients.map(({ flows }) => flows) });
remove();
conclude(report.counts(ledger));

async function killProcess(): Promise<number> {
  await akamu.kill();
  if (prng.chance(KILLED_WHILE_STARTING_PERCENT)) await killWhileStarting();
  return akamu.start();
}

/** Ends its connections on the server: it must say that it is not ready, and then be again. */
async function killConnections(): Promise<number> {
  const startedMs = performance.now();
  const killed = await database.kill();
  ledger.check(killed > 0, () => 'the server had no connection to its database');
  const health = (): Promise<string | undefined> => akamu.unreadiness();
  const why = await soon(health, (reason) => reason !== undefined);
  ledger.check(
    why !== undefined && /the database (?:failed|cannot be opened)/.test(why),
    () => `without its database it said: ${why}`,
  );
  const later = await soon(health, (reason) => reason === undefined);
  ledger.check(later === undefined, () => `it did not recover: ${later} ${akamu.logTail()}`);
  if (!akamu.isRunning) await akamu.start();
  return performance.now() - startedMs;
}

/** What `ask` answers once that is as wanted, or in the end. */
async function soon<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  const endMs = performance.now() + RECOVERY_LIMIT_MS;
  for (;;) {
    const answer = await ask();
    if (wanted(answer) || performance.now() > endMs) return answer;
    await sleep(2);
  }
}

async function killWhileStarting(): Promise<void> {
  akamu.launch();
  await sleep(prng.between(START_MS.low, START_MS.high));
  await akamu.kill();
  report.killedWhileStarting++;
}
