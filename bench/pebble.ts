// Pebble, the reference test server of ACME, as a peer to compare with.
// Invariant: it gets the same transport, TLS identity, name server and challenge port as ours, and
// its deliberate delays, nonce rejections and authorization reuse are off.
// Never here: patience with its in-memory store; it is the lighter task, and the comparison says
// so.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, type Launch, ServerProcess } from './server-process.ts';
import type { Target, TargetPlan } from './target.ts';
import type { World } from './world.ts';

export interface PebbleOptions {
  readonly rounds: number;
  readonly isValidating: boolean;
}

/** A plan for `pebble`, with validation or, as a reference, with every challenge held valid. */
export function planPebble(world: World, { rounds, isValidating }: PebbleOptions): TargetPlan {
  const name = isValidating ? 'pebble' : 'pebble, no validation';
  return { name, rounds, isPeer: true, start: () => startPebble(world, name, isValidating) };
}

async function startPebble(world: World, name: string, isValidating: boolean): Promise<Target> {
  const [port = 0, managementPort = 0] = await freePorts(2);
  const directoryUrl = `https://127.0.0.1:${port}/dir`;
  const configFile = join(world.directory, `pebble-${port}.json`);
  writeFileSync(configFile, JSON.stringify(configuration(world, port, managementPort)));
  const launch: Launch = {
    name,
    command: 'pebble',
    args: ['-config', configFile, '-dnsserver', `127.0.0.1:${world.names.port}`],
    env: {
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_VA_ALWAYS_VALID: isValidating ? '0' : '1',
      PEBBLE_WFE_NONCEREJECT: '0',
      PEBBLE_AUTHZREUSE: '0',
    },
    logFile: join(world.directory, `pebble-${port}.log`),
    readyUrl: directoryUrl,
  };
  const process = await ServerProcess.start(launch);
  const storeReads = () => Promise.resolve(undefined);
  return { name, version: packageVersion(), process, directoryUrl, storeReads };
}

function configuration(world: World, port: number, managementPort: number): unknown {
  return {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: world.tls.certificateFile,
      privateKey: world.tls.keyFile,
      httpPort: world.responder.port,
      tlsPort: world.responder.port,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
    },
  };
}

function packageVersion(): string {
  try {
    const args = ['-W', '-f', `${'$'}{Version}`, 'pebble'];
    return execFileSync('dpkg-query', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return 'of unknown version';
  }
}
