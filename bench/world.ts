// The small world a run takes place in: a temporary directory, a name server, a web server for
// challenges, one TLS identity for all servers under test.
// Invariant: everything here lives in the load client's process and is accounted to the client.
// Never here: the servers under test.

import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type NameServer, startNameServer } from './dns.ts';
import { type Responder, startResponder } from './responder.ts';
import { atExit } from './scope.ts';
import { makeTlsIdentity, type TlsIdentity } from './tls-identity.ts';

export interface World {
  readonly directory: string;
  /** Whether the directory is on tmpfs, where making data durable costs nothing. */
  readonly isInMemory: boolean;
  readonly names: NameServer;
  readonly responder: Responder;
  readonly tls: TlsIdentity;
  close(): void;
}

// statfs(2).
const TMPFS_MAGIC = 0x01021994;

/** Makes a world below `parent` (default: the system's temporary directory). */
export async function openWorld(parent: string | undefined): Promise<World> {
  const base = resolve(parent ?? tmpdir());
  mkdirSync(base, { recursive: true });
  const directory = mkdtempSync(join(base, 'akamu-bench-'));
  const remove = atExit(() => rmSync(directory, { recursive: true, force: true }));
  const names = await startNameServer();
  const responder = await startResponder();
  const close = () => {
    names.close();
    responder.close();
    remove();
  };
  const isInMemory = statfsSync(directory).type === TMPFS_MAGIC;
  const tls = makeTlsIdentity(directory, Date.now());
  return { directory, isInMemory, names, responder, tls, close };
}
