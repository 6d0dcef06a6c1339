// A database file that holds what one real issuance leaves, and copies of that.
// Invariant: the models are made by the product, through its front door. Never here: figures.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyedHash, keyedHash } from '../core/crdt/digest.ts';
import { sha256 } from '../io/crypto/primitives.ts';
import { openCa } from '../server/ca/ca.ts';
import { digestKey } from '../server/gossip/options.ts';
import { ClusterNode } from './cluster-node.ts';
import { CsrPool } from './csr-pool.ts';
import { openClients, runFlows } from './load.ts';
import { nameOf } from './population.ts';
import type { World } from './world.ts';

/** Starts the node, issues one certificate, stops it. */
export async function issueOnce(world: World, node: ClusterNode): Promise<void> {
  await node.start([]);
  const load = { name: 'model', workers: 1, accounts: 1 };
  const clients = await openClients(load, node.directoryUrl, world.responder.keyAuthorizations);
  const prefix = nameOf(0).replace(/0\..*$/, '');
  const run = await runFlows(clients, new CsrPool(prefix), { flows: 1 });
  for (const client of clients) client.reset();
  await node.stop();
  if (run.failures.length > 0) throw new Error(run.failures[0]);
}

/** The file of a node that has issued one certificate, in the world's directory. */
export async function modelDatabase(world: World): Promise<string> {
  const node = await ClusterNode.create(world, { name: 'model' });
  try {
    await issueOnce(world, node);
  } finally {
    await node.close();
  }
  const file = join(world.directory, 'model.db');
  copyFileSync(node.databaseFile, file);
  return file;
}

/** Under which the node compares contents with others: it follows from the CA's key. */
export function hashOf({ caDirectory }: ClusterNode): KeyedHash {
  const config = {
    id: 'default',
    keyFile: join(caDirectory, 'key.pem'),
    certFile: join(caDirectory, 'cert.pem'),
    keyType: 'ec:P-256',
    validityDays: 90,
    caValidityYears: 10,
    commonName: 'bench',
  } as const;
  const random = (length: number): never => {
    throw new Error(`the CA is there: nobody needs ${length} random octets`);
  };
  return keyedHash(digestKey(openCa(config, { nowMs: Date.now(), random })), sha256);
}
