// Faults on a cluster of real processes: kills, standstills, cut links, a clock that is wrong, an old
// backup. One at a time, each undone before it returns, so that whoever calls can examine between.
// Invariant: which fault comes when follows from the seed; what the machine makes of it is its own.
// Never here: judging.

import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AkamuProcess } from '../akamu-process.ts';
import type { Gate } from '../crash/gate.ts';
import type { Prng } from '../crash/prng.ts';
import { type TestCluster, untilReady } from './cluster.ts';
import type { DatabaseKind } from './databases.ts';

interface Fault {
  readonly name: string;
  readonly weight: number;
  readonly strike: (nemesis: Nemesis) => Promise<string>;
}

const FAULTS: readonly Fault[] = [
  { name: 'kill', weight: 30, strike: (nemesis) => nemesis.kill([]) },
  { name: 'kill all', weight: 5, strike: (nemesis) => nemesis.killAll() },
  { name: 'standstill', weight: 15, strike: (nemesis) => nemesis.standStill() },
  { name: 'one-way cut', weight: 15, strike: (nemesis) => nemesis.cutOneWay() },
  { name: 'isolation', weight: 15, strike: (nemesis) => nemesis.isolate() },
  { name: 'wrong clock', weight: 10, strike: (nemesis) => nemesis.wrongClock() },
  { name: 'old backup', weight: 10, strike: (nemesis) => nemesis.oldBackup() },
];

const DOWN_MS = { low: 50, high: 4_000 } as const;
const CUT_MS = { low: 500, high: 6_000 } as const;
const CLOCK_OFF_MS = 10_000;
const SETTLE_MS = 30_000;

export class Nemesis {
  readonly #cluster: TestCluster;
  readonly #gate: Gate;
  readonly #prng: Prng;
  readonly #databases: readonly DatabaseKind[];
  readonly #backups: string;
  readonly struck: Map<string, number> = new Map();

  constructor(
    cluster: TestCluster,
    gate: Gate,
    prng: Prng,
    databases: readonly DatabaseKind[],
    backups: string,
  ) {
    this.#cluster = cluster;
    this.#gate = gate;
    this.#prng = prng;
    this.#databases = databases;
    this.#backups = backups;
  }

  /** One fault from its beginning to its end; what was done. */
  async strike(): Promise<string> {
    let at = this.#prng.between(0, FAULTS.reduce((sum, { weight }) => sum + weight, 0) - 1);
    const fault = FAULTS.find(({ weight }) => (at -= weight) < 0)!;
    this.struck.set(fault.name, (this.struck.get(fault.name) ?? 0) + 1);
    return `${fault.name} ${await fault.strike(this)}`;
  }

  /** SIGKILL, some time, and another process. */
  async kill(nodeArguments: readonly string[]): Promise<string> {
    const node = this.#pick();
    const downMs = this.#prng.between(DOWN_MS.low, DOWN_MS.high);
    await this.#restart(node, downMs, nodeArguments, async () => {});
    return `of node ${node}, down for ${downMs} ms`;
  }

  async killAll(): Promise<string> {
    const downMs = this.#prng.between(DOWN_MS.low, DOWN_MS.high);
    await Promise.all(this.#cluster.nodes.map((akamu) => akamu.kill()));
    await sleep(downMs);
    for (const akamu of this.#cluster.nodes) akamu.launch();
    await Promise.all(this.#cluster.nodes.map(untilReady));
    return `for ${downMs} ms`;
  }

  async standStill(): Promise<string> {
    const node = this.#pick();
    const forMs = this.#prng.between(DOWN_MS.low, DOWN_MS.high);
    this.#cluster.nodes[node]!.pause();
    await sleep(forMs);
    this.#cluster.nodes[node]!.resume();
    return `of node ${node} for ${forMs} ms`;
  }

  async cutOneWay(): Promise<string> {
    const from = this.#pick();
    const to = this.#others(from)[this.#prng.between(0, this.#others(from).length - 1)]!;
    const forMs = this.#prng.between(CUT_MS.low, CUT_MS.high);
    this.#cluster.links[from]![to]!.cut();
    await sleep(forMs);
    this.#cluster.links[from]![to]!.heal();
    return `from node ${from} to node ${to} for ${forMs} ms`;
  }

  async isolate(): Promise<string> {
    const node = this.#pick();
    const forMs = this.#prng.between(CUT_MS.low, CUT_MS.high);
    const links = this.#others(node).flatMap((other) => [
      this.#cluster.links[node]![other]!,
      this.#cluster.links[other]![node]!,
    ]);
    for (const link of links) link.cut();
    await sleep(forMs);
    for (const link of links) link.heal();
    return `of node ${node} for ${forMs} ms`;
  }

  /** The node's next process has a clock that is off by 10 s; the one after it is right again. */
  async wrongClock(): Promise<string> {
    const node = this.#pick();
    const offMs = this.#prng.chance(50) ? CLOCK_OFF_MS : -CLOCK_OFF_MS;
    await this.#restart(node, 100, clockArguments(offMs), async () => {});
    const forMs = this.#prng.between(CUT_MS.low, CUT_MS.high);
    await sleep(forMs);
    await this.#restart(node, 100, [], async () => {});
    return `of node ${node}, off by ${offMs} ms for ${forMs} ms`;
  }

  /**
   * A node comes back with a database of some time ago. What only it had acknowledged would be lost
   * with any disk, so first it serves nobody until the others have everything.
   */
  async oldBackup(): Promise<string> {
    const node = this.#databases.indexOf('sqlite');
    if (node < 0) return 'skipped: no node has a database that is a file';
    const { directory } = this.#cluster.nodes[node]!;
    const backup = join(this.#backups, `node-${node}`);
    const hadOne = existsSync(backup);
    await this.#gate.close();
    this.#cluster.balancer.use(node, false);
    await this.#cluster.settled(SETTLE_MS);
    await this.#cluster.nodes[node]!.kill();
    this.#gate.open();
    await this.#restart(node, 1_000, [], async () => {
      const fresh = `${backup}.new`;
      copyDatabase(directory, fresh);
      if (hadOne) copyDatabase(backup, directory);
      rmSync(backup, { recursive: true, force: true });
      cpSync(fresh, backup, { recursive: true });
      rmSync(fresh, { recursive: true });
    });
    this.#cluster.balancer.use(node, true);
    return hadOne ? `on node ${node}` : `of node ${node} was taken`;
  }

  async #restart(
    node: number,
    downMs: number,
    nodeArguments: readonly string[],
    meanwhile: () => Promise<void>,
  ): Promise<void> {
    const akamu: AkamuProcess = this.#cluster.nodes[node]!;
    await akamu.kill();
    await meanwhile();
    await sleep(downMs);
    akamu.launch(nodeArguments);
    await untilReady(akamu);
  }

  #pick(): number {
    return this.#prng.between(0, this.#cluster.nodes.length - 1);
  }

  #others(node: number): readonly number[] {
    return [...this.#cluster.nodes.keys()].filter((other) => other !== node);
  }
}

/** The files of an SQLite database, its log included. */
function copyDatabase(from: string, to: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    const file = `akamu.db${suffix}`;
    rmSync(join(to, file), { force: true });
    if (existsSync(join(from, file))) cpSync(join(from, file), join(to, file));
  }
}

/** Arguments of Node.js that make its wall clock wrong. */
export function clockArguments(offMs: number): readonly string[] {
  const code = `
    const RealDate = Date;
    const now = () => RealDate.now() + ${offMs};
    globalThis.Date = class extends RealDate {
      constructor(...args) { super(...(args.length === 0 ? [now()] : args)); }
      static now() { return now(); }
    };`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}
