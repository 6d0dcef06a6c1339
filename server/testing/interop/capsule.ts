// Replays what a server recorded, as a contributor does: with the simulator's command line.
// Never here: what is recorded.

import { fileURLToPath } from 'node:url';
import { fail, succeed } from './program.ts';
import { expect } from './scenario.ts';

const SIMULATOR = fileURLToPath(new URL('../../../sim/cli/main.js', import.meta.url));

/** Throws unless every step came to the same effects; what the simulator printed. */
export async function replays(file: string): Promise<string> {
  const said = await succeed(process.execPath, [SIMULATOR, '--capsule', file]);
  expect(`the verdict on ${file}`, /^verdict same$/m.test(said), true);
  return said;
}

/** Throws unless the replay differs and says where. */
export async function differs(file: string): Promise<void> {
  const said = /is not as recorded[\s\S]*verdict different/;
  await fail(said, process.execPath, [SIMULATOR, '--capsule', file]);
}
