// `akamu node …`: what a node of a cluster is called and known by, and who is let in or out.
// Invariant: only `identity` works on a server that is down, and it changes nothing then.
// Never here: the cluster's rules.

import { readFileSync } from 'node:fs';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { NODE_ID, readDescriptor } from '../../io/channel/descriptor.ts';
import { type Config, loadConfig, renderErrors } from '../../io/config/index.ts';
import { openStore } from '../store.ts';
import { AdminFailure, askAdmin } from './admin-client.ts';
import { EXIT, type ExitCode, type OptionValues, textOption, type World } from './command.ts';

const DESCRIPTOR_FACT = 'node-key/descriptor';

/** Prints the node's descriptor: from the running server, else from its database. */
export function showIdentity(values: OptionValues, world: World): Promise<ExitCode> {
  return withConfig('akamu node identity', values, world, async (config) => {
    const descriptor = await askAdmin(config, 'GET', '/admin/gossip/identity').catch((error) => {
      if (error instanceof AdminFailure && error.isDown) return storedDescriptor(config);
      throw error;
    });
    if (values.has('json')) world.print(`${JSON.stringify(descriptor)}\n`);
    else world.print(pageOf(descriptor));
  });
}

/** Gives the running node a new encapsulation key. */
export function rotateKey(values: OptionValues, world: World): Promise<ExitCode> {
  return withConfig('akamu node rotate', values, world, async (config) => {
    const descriptor = await askAdmin(config, 'POST', '/admin/gossip/rotate');
    if (values.has('json')) world.print(`${JSON.stringify(descriptor)}\n`);
    else world.print(pageOf(descriptor));
  });
}

/** Has a node refused for ever. */
export function removeNode(values: OptionValues, world: World): Promise<ExitCode> {
  return withConfig('akamu node remove', values, world, async (config) => {
    const node = textOption(values, 'ID')!;
    if (!NODE_ID.test(node)) {
      throw new AdminFailure('no node has this id; `akamu cluster status` shows them');
    }
    const force = values.has('force');
    await askAdmin(config, 'POST', '/admin/gossip/remove', { node, force });
    world.tell(`${node} is removed: every node refuses it from now on, for ever\n`);
  });
}

/** Pins a node whose descriptor came by another way than the network. */
export function registerNode(values: OptionValues, world: World): Promise<ExitCode> {
  return withConfig('akamu node register', values, world, async (config) => {
    const descriptor = readDescriptorFile(textOption(values, 'FILE')!);
    await askAdmin(config, 'POST', '/admin/gossip/register', descriptor);
    world.tell(`${descriptor.node} at ${descriptor.url} is registered\n`);
  });
}

/** Runs with the configuration; failures that name their fix are told, not thrown. */
export async function withConfig(
  command: string,
  values: OptionValues,
  world: World,
  run: (config: Config) => Promise<void>,
): Promise<ExitCode> {
  const loaded = loadConfig(textOption(values, 'config'));
  if (!loaded.ok) {
    world.tell(renderErrors(loaded.errors));
    return EXIT.failure;
  }
  try {
    await run(loaded.config);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof AdminFailure)) throw error;
    world.tell(`${command}: ${error.message}\n`);
    return EXIT.failure;
  }
}

async function storedDescriptor({ database, gossip }: Config): Promise<unknown> {
  let text: string | undefined;
  try {
    const store = await openStore(database, { mustExist: true });
    text = (await store.meta()).get(DESCRIPTOR_FACT);
    await store.close();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AdminFailure(`the server does not run, and its database cannot be read: ${reason}`);
  }
  if (text !== undefined) return JSON.parse(text);
  throw new AdminFailure(
    gossip === undefined
      ? 'this node has no keys: add a [gossip] section and start it once with: akamu serve'
      : 'this node has no keys yet: start it once with: akamu serve',
  );
}

function readDescriptorFile(file: string): NodeDescriptor {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message;
    throw new AdminFailure(`${file}: ${reason}; write it with: akamu node identity --json`);
  }
  const read = readDescriptor(json);
  if (!('fault' in read)) return read;
  throw new AdminFailure(
    `${file} is not the descriptor of a node (${read.fault}); write it on that node with: ` +
      'akamu node identity --json',
  );
}

function pageOf(json: unknown): string {
  const read = readDescriptor(json);
  if ('fault' in read) throw new AdminFailure(`this is no descriptor: ${read.fault}`);
  const rows = [
    ['node', read.node],
    ['url', read.url],
    ['keys made', new Date(read.madeMs).toISOString()],
    ['kem', `ML-KEM-768 ${read.kem.slice(0, 24)}…`],
    ['certificate', `ECDSA P-256 ${read.certificate.slice(0, 24)}…`],
  ] as const;
  return rows.map(([name, value]) => `${name.padEnd(13)}${value}\n`).join('');
}
