// `npm run interop`: plays every scenario of real clients against real servers, two at a time.
// Invariant: when it ends, nothing it started runs and nothing it wrote is left, however it ends.
// Never here: scenarios.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from '../../../bench/scope.ts';
import { conclude } from '../verdict.ts';
import { ADDRESS_SCENARIOS } from './address-scenarios.ts';
import { CERTBOT_SCENARIOS } from './certbot-scenarios.ts';
import { CLUSTER_SCENARIOS } from './cluster-scenarios.ts';
import { DnsDesk } from './dns-desk.ts';
import { LEGO_SCENARIOS } from './lego-scenarios.ts';
import { perform, type Verdict } from './scenario.ts';
import { SERVER_SCENARIOS } from './server-scenarios.ts';

const AT_A_TIME = 2;

/** A word on the command line plays only the scenarios whose title contains it. */
const wanted = process.argv[2] ?? '';
const scenarios = [
  ...CERTBOT_SCENARIOS,
  ...LEGO_SCENARIOS,
  ...SERVER_SCENARIOS,
  ...ADDRESS_SCENARIOS,
  ...CLUSTER_SCENARIOS,
].filter(({ title }) => title.includes(wanted));

const parent = mkdtempSync(join(tmpdir(), 'akamu-interop-'));
const remove = atExit(() => rmSync(parent, { recursive: true, force: true }));
const desk = new DnsDesk();
await desk.open();

const verdicts: Verdict[] = [];
let next = 0;
async function performInTurn(): Promise<void> {
  while (next < scenarios.length) {
    const index = next++;
    verdicts.push(await perform(scenarios[index]!, `scenario-${index}`, parent, desk));
  }
}
await Promise.all(Array.from({ length: AT_A_TIME }, performInTurn));
await desk.close();
remove();

const count = (verdict: Verdict): number => verdicts.filter((one) => one === verdict).length;
conclude({ passed: count('passed'), failed: count('failed'), skipped: count('skipped') });
