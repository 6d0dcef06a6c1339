// A node of a cluster within the test's process: a real engine on a real database, gossiping over
// real HTTP on loopback; only validation is a stand-in that finds every challenge proven.
// Invariant: all nodes of one directory share a CA; what was logged is kept line by line.
// Never here: the public listener; requests go straight to the engine.

import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GossipConfig } from '../../../io/config/index.ts';
import { readConfig } from '../../../io/config/index.ts';
import { createPrimitives } from '../../../io/crypto/primitives.ts';
import { createLog, type Log } from '../../../io/log.ts';
import { createMetrics, type Metrics } from '../../../io/metrics.ts';
import type { Validator } from '../../../io/validate/validator.ts';
import { adminServer } from '../../admin.ts';
import { openCa } from '../../ca/ca.ts';
import { readCertificate } from '../../ca/certificate.ts';
import { readCsr } from '../../ca/csr.ts';
import { readPublicKey } from '../../ca/public-key.ts';
import { Engine } from '../../engine.ts';
import { listen } from '../../listen.ts';
import { exposition, watchCore } from '../../meter.ts';
import { policyOf } from '../../policy.ts';
import { openStore } from '../../store.ts';
import { freeStablePort } from '../../testing/ports.ts';
import { type GossipListener, gossipListener } from '../listener.ts';

export const BASE_URL = 'https://acme.test';

export interface MemberOptions {
  /** Holds the CA of all members and a database for each. */
  readonly directory: string;
  readonly name: string;
  /** The directory whose CA it has; its own members' without. */
  readonly caDirectory?: string;
  readonly port?: number;
  /** An SQLite file in the directory without. */
  readonly databaseUrl?: string;
  /** Undefined: single-node mode. */
  readonly gossip?: Partial<GossipConfig> | undefined;
  /** External account keys of its configuration. */
  readonly eabKeys?: { readonly [kid: string]: Uint8Array };
}

const GOSSIP: GossipConfig = {
  peers: [],
  advertiseUrl: undefined,
  intervalSecs: 0.2,
  tombstoneTtlSecs: 3600,
  ownershipTtlSecs: 5,
  fanOut: 0,
  clockSkewToleranceSecs: 30,
  gossipEnvelopeMaxAgeSecs: 300,
};
const ALWAYS_PROVEN: Validator = {
  validate: async () => ({ ok: true }),
  close: () => {},
} as unknown as Validator;
const LIMIT_MS = 10_000;

export class Member {
  readonly url: string;
  readonly lines: readonly string[];
  readonly engine: Engine;
  readonly metrics: () => string;
  readonly #server: Server;
  readonly #gossipPaths: GossipListener;
  readonly #policy: ReturnType<typeof policyOf>;

  private constructor(
    url: string,
    parts: {
      engine: Engine;
      metrics: Metrics;
      server: Server;
      lines: readonly string[];
      gossipPaths: GossipListener;
    },
    policy: ReturnType<typeof policyOf>,
  ) {
    this.url = url;
    this.engine = parts.engine;
    this.lines = parts.lines;
    this.#server = parts.server;
    this.#gossipPaths = parts.gossipPaths;
    this.#policy = policy;
    this.metrics = exposition(parts.metrics, parts.engine);
  }

  /** Starts a node; with `port` it takes the place of one that was there. */
  static async start(options: MemberOptions): Promise<Member> {
    const { directory, name, gossip } = options;
    const port = options.port ?? (await freeStablePort());
    const url = `http://127.0.0.1:${port}`;
    const lines: string[] = [];
    const log: Log = createLog({
      level: 'debug',
      format: 'text',
      timestamps: false,
      now: Date.now,
      write: (line) => lines.push(line.trimEnd()),
    });
    const config = configOf(options.caDirectory ?? directory);
    const authority = openCa(config.ca[0]! as Parameters<typeof openCa>[0], {
      nowMs: Date.now(),
      random: (length) => new Uint8Array(randomBytes(length)),
    });
    const authorities = new Map([['default', authority]]);
    const eabKeys = new Map(Object.entries(options.eabKeys ?? {}));
    const policy = { ...policyOf(config, authorities), eabKeys };
    const metrics = createMetrics(() => ({
      akamu_event_loop_lag_max_seconds: 0,
      process_resident_memory_bytes: 0,
      process_cpu_seconds_total: 0,
      process_start_time_seconds: 0,
    }));
    const file = join(directory, `${name}.db`);
    const databaseUrl = options.databaseUrl ?? `sqlite://${file}`;
    const database = { url: databaseUrl, maxConnections: 1, requireTls: false };
    const cluster = gossip && {
      config: { ...GOSSIP, ...gossip },
      url: gossip.advertiseUrl ?? url,
      authority,
      log,
      metrics,
    };
    const engine = new Engine(
      {
        open: (how) => openStore(database, how),
        primitives: createPrimitives({ readCsr, readCertificate, judgeSpki: readPublicKey }),
        authorities,
        validator: ALWAYS_PROVEN,
        log,
        watch: watchCore(metrics),
        cluster,
        recordDir: undefined,
      },
      policy,
    );
    const render = exposition(metrics, engine);
    const gossipPaths = gossipListener(engine, log, metrics);
    const server = adminServer(engine, render, gossipPaths);
    await engine.start();
    await listen(server, `127.0.0.1:${port}`, 'port');
    return new Member(url, { engine, metrics, server, lines, gossipPaths }, policy);
  }

  get node(): string {
    const view = this.engine.operator();
    if (view === 'stopped') throw new Error(view);
    return view.cluster!.descriptor.node;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Streams that peers have open to it. */
  get streams(): number {
    return this.#gossipPaths.streams();
  }

  configure(peers: readonly string[]): void {
    this.engine.configure(this.#policy, peers);
  }

  /** Waits for a line of the log. */
  async logged(pattern: RegExp): Promise<string> {
    await until(
      () => this.lines.some((line) => pattern.test(line)),
      () => `${pattern} was not logged by ${this.url}:\n${this.lines.join('\n')}`,
    );
    return this.lines.find((line) => pattern.test(line))!;
  }

  async ready(): Promise<void> {
    await until(
      () => this.engine.fault === undefined,
      () => `${this.url} is not ready: ${this.engine.fault}\n${this.lines.join('\n')}`,
    );
  }

  async close(): Promise<void> {
    await this.engine.close();
    this.#gossipPaths.close(0);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Polls until something holds. Rejects after ten seconds, in words. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  why: () => string,
): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(why());
    await sleep(10);
  }
}

/** What all members of a directory go by. */
export function configOf(directory: string): Parameters<typeof policyOf>[0] {
  const text = `base_url = "${BASE_URL}"
[[ca]]
key_file = ${JSON.stringify(join(directory, 'ca', 'key.pem'))}
cert_file = ${JSON.stringify(join(directory, 'ca', 'cert.pem'))}
`;
  const read = readConfig(text, 'test');
  if (!read.ok) throw new Error(JSON.stringify(read.errors));
  return read.config;
}
