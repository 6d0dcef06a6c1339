// Our own server under test, configured as an operator would and started from its entry point.
// Invariant: it validates over real http-01 and keeps its state in a database file, whose writes
// are as durable as the product makes them by default.
// Never here: imports from the product; the benchmark uses the front door only.

import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, getText, type Launch, ServerProcess } from './server-process.ts';
import type { Target, TargetPlan } from './target.ts';
import type { World } from './world.ts';

export interface AkamuOptions {
  readonly rounds: number;
  readonly isTls: boolean;
}

const entryPoint = fileURLToPath(new URL('../server/main.js', import.meta.url));
const STORE_READS = 'akamu_store_reads_total';
const manifest = fileURLToPath(new URL('../../package.json', import.meta.url));

/** A plan for `akamu`, over HTTPS or plain HTTP. */
export function planAkamu(world: World, { rounds, isTls }: AkamuOptions): TargetPlan {
  const name = isTls ? 'akamu' : 'akamu, plain http';
  return { name, rounds, isPeer: false, start: () => startAkamu(world, name, isTls) };
}

async function startAkamu(world: World, name: string, isTls: boolean): Promise<Target> {
  if (!existsSync(entryPoint)) throw new Error(`${entryPoint} is missing: build first`);
  const [port = 0, adminPort = 0] = await freePorts(2);
  const baseUrl = `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const admin = `http://127.0.0.1:${adminPort}`;
  // A directory for each start: a restarted server must not find what the one before has left.
  const directory = mkdtempSync(join(world.directory, 'akamu-'));
  const configFile = join(directory, 'akamu.toml');
  writeFileSync(configFile, configuration(world, { directory, port, adminPort, baseUrl, isTls }));
  const launch: Launch = {
    name,
    command: process.execPath,
    args: [entryPoint, 'serve', '--config', configFile],
    logFile: join(directory, 'akamu.log'),
    readyUrl: `${admin}/readyz`,
  };
  const server = await ServerProcess.start(launch);
  const directoryUrl = `${baseUrl}/acme/directory`;
  const storeReads = async () => sumOfMetric(await getText(`${admin}/metrics`), STORE_READS);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return { name, version, process: server, directoryUrl, storeReads };
}

/** The sum of a metric over its labels in Prometheus text format, or undefined when absent. */
export function sumOfMetric(text: string | undefined, name: string): number | undefined {
  const sample = new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'gm');
  const values = [...(text ?? '').matchAll(sample)].map((match) => Number(match[1]));
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

interface Site {
  readonly directory: string;
  readonly port: number;
  readonly adminPort: number;
  readonly baseUrl: string;
  readonly isTls: boolean;
}

function configuration(world: World, site: Site): string {
  const file = (name: string) => JSON.stringify(join(site.directory, name));
  const identity = [
    `cert_file = ${JSON.stringify(world.tls.certificateFile)}`,
    `key_file = ${JSON.stringify(world.tls.keyFile)}`,
  ];
  return `${[
    `listen_addr = "127.0.0.1:${site.port}"`,
    `base_url = "${site.baseUrl}"`,
    '[database]',
    `url = ${JSON.stringify(`sqlite://${join(site.directory, 'akamu.db')}`)}`,
    '[[ca]]',
    `key_file = ${file('ca-key.pem')}`,
    `cert_file = ${file('ca-cert.pem')}`,
    'key_type = "ec:P-256"',
    '[server]',
    `dns_resolver_addr = "127.0.0.1:${world.names.port}"`,
    `http_validation_port = ${world.responder.port}`,
    'http_validation_allow_private_ips = true',
    '[admin]',
    `listen_addr = "127.0.0.1:${site.adminPort}"`,
    '[tls]',
    `enabled = ${site.isTls}`,
    ...(site.isTls ? identity : []),
  ].join('\n')}\n`;
}
