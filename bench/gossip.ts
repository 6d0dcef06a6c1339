// The gossip benchmark: what a round between two nodes costs, by records held, nodes in the cluster
// and changes to carry; and how soon a write is on every node.
// Invariant: the writes themselves are outside of what is measured, and every round ends with both
// replicas having seen the same. Never here: how results look (gossip-report.ts).

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { keyedHash } from '../core/crdt/digest.ts';
import { sha256 } from '../io/crypto/primitives.ts';
import { fillDatabase, modelsIn } from './fill.ts';
import { GossipReplica, type Traffic } from './gossip-replica.ts';
import { modelDatabase } from './model-database.ts';
import type { GossipBenchOptions } from './options.ts';
import { type Models, populate } from './population.ts';
import { ownCpuMs } from './process-usage.ts';
import { measureVisibility, type Visibility } from './visibility.ts';
import { openWorld } from './world.ts';

export interface RoundCost {
  readonly held: number;
  readonly nodes: number;
  readonly changes: number;
  readonly rounds: number;
  readonly octets: number;
  readonly messages: number;
  /** Of both nodes together, all threads. */
  readonly cpuMs: number;
}

export interface GossipResult {
  readonly options: GossipBenchOptions;
  readonly isInMemory: boolean;
  readonly rounds: readonly RoundCost[];
  readonly visibility: readonly Visibility[];
  readonly failures: readonly string[];
}

const HASH = keyedHash([1, 2, 3, 4], sha256);
const WARMUP_ROUNDS = 40;

interface Scale {
  readonly held: readonly number[];
  readonly nodes: readonly number[];
  readonly changes: readonly number[];
  readonly clusters: readonly number[];
  readonly writes: number;
}

const FULL: Scale = {
  held: [10_000, 100_000, 1_000_000],
  nodes: [3, 10, 50],
  changes: [0, 1, 100, 10_000],
  clusters: [3, 10],
  writes: 200,
};
const QUICK: Scale = {
  held: [10_000, 50_000],
  nodes: [3, 50],
  changes: [0, 1, 100],
  clusters: [3],
  writes: 40,
};

export async function runGossip(
  options: GossipBenchOptions,
  say: (line: string) => void,
): Promise<GossipResult> {
  const world = await openWorld(options.directory);
  const scale = options.isQuick ? QUICK : FULL;
  try {
    const model = await modelDatabase(world);
    const rounds: RoundCost[] = [];
    for (const held of scale.held) {
      say(`rounds between two replicas of ${held} records`);
      rounds.push(...(await measureHeld(world.directory, model, held, scale)));
    }
    const visibility: Visibility[] = [];
    for (const nodes of scale.clusters) {
      say(`writes on ${nodes} nodes, idle and under load`);
      visibility.push(...(await measureVisibility(world, nodes, scale.writes)));
    }
    const failures = visibility.flatMap((one) => one.failures);
    return { options, isInMemory: world.isInMemory, rounds, visibility, failures };
  } finally {
    world.close();
  }
}

async function measureHeld(
  directory: string,
  model: string,
  held: number,
  scale: Scale,
): Promise<readonly RoundCost[]> {
  const files = [join(directory, 'a.db'), join(directory, 'b.db')] as const;
  copyFileSync(model, files[0]);
  const models = readModels(model);
  fillDatabase({ file: files[0], count: held, seed: held, hash: HASH });
  copyFileSync(files[0], files[1]);
  const [a, b] = GossipReplica.openPair(files, HASH);
  const costs: RoundCost[] = [];
  try {
    for (let i = 0; i < WARMUP_ROUNDS; i++) await a.exchange(b, { messages: 0, octets: 0 });
    let seed = 1;
    for (const nodes of scale.nodes) {
      for (const replica of [a, b]) replica.knowOrigins(nodes);
      for (const changes of scale.changes) {
        const count = changes >= 10_000 ? 2 : changes >= 100 ? 10 : 40;
        const traffic: Traffic = { messages: 0, octets: 0 };
        let cpuMs = 0;
        for (let round = 0; round < count; round++) {
          if (changes > 0) change(a, models, changes, seed++);
          const before = ownCpuMs();
          await a.exchange(b, traffic);
          cpuMs += ownCpuMs() - before;
        }
        const { octets, messages } = traffic;
        const mean = { octets: octets / count, messages: messages / count, cpuMs: cpuMs / count };
        costs.push({ held, nodes, changes, rounds: count, ...mean });
      }
    }
  } finally {
    for (const replica of [a, b]) await replica.close();
  }
  return costs;
}

function readModels(file: string): Models {
  const database = new Database(file, { readonly: true });
  try {
    return modelsIn(database);
  } finally {
    database.close();
  }
}

/** New records, as issuances leave them. */
function change(replica: GossipReplica, models: Models, count: number, seed: number): void {
  const options = { models, count, seed: 1_000_000_000 + seed, nowMs: Date.now() };
  for (const { state, records } of populate(options, replica.state, HASH)) {
    replica.put(state, records);
  }
}
