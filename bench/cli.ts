// Entry point of the benchmark: reads the command line, runs, prints, sets the exit code.
// Invariant: standard output carries the result only; progress goes to standard error.
// Never here: anything that measures or computes.

import { runCluster } from './cluster.ts';
import { renderCluster, summarizeCluster } from './cluster-report.ts';
import { runGossip } from './gossip.ts';
import { renderGossip } from './gossip-report.ts';
import { runGrowth } from './growth.ts';
import { renderGrowth } from './growth-report.ts';
import { runIssuance } from './issuance.ts';
import { failuresOf, renderIssuance, summarize } from './issuance-report.ts';
import { runJoin } from './join.ts';
import { renderJoin } from './join-report.ts';
import { type Options, parseOptions, UsageError, usage } from './options.ts';
import { renderSim, runSim } from './sim.ts';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    return await run(parseOptions(args));
  } catch (error) {
    if (!(error instanceof UsageError)) {
      console.error(`FAILURE ${(error as Error).stack}`);
      return EXIT_FAILURE;
    }
    console.error(`${error.message}\n\n${usage}`);
    return EXIT_USAGE;
  }
}

async function run(options: Options): Promise<number> {
  if (options.command === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const say = (line: string): void => console.error(line);
  if (options.command === 'issuance') {
    const result = await runIssuance(options, say);
    const failures = failuresOf(result);
    const json = { ...result, summaries: summarize(result.parts), failures };
    process.stdout.write(options.asJson ? toJson(json) : renderIssuance(result));
    return failures.length === 0 ? 0 : EXIT_FAILURE;
  }
  if (options.command === 'sim') {
    const result = runSim(options, say);
    process.stdout.write(options.asJson ? toJson(result) : renderSim(result));
    return result.failures.length === 0 ? 0 : EXIT_FAILURE;
  }
  if (options.command === 'gossip') {
    const result = await runGossip(options, say);
    process.stdout.write(options.asJson ? toJson(result) : renderGossip(result));
    return result.failures.length === 0 ? 0 : EXIT_FAILURE;
  }
  if (options.command === 'cluster') {
    const result = await runCluster(options, say);
    const summaries = summarizeCluster(result.parts);
    process.stdout.write(options.asJson ? toJson({ ...result, summaries }) : renderCluster(result));
    return result.failures.length === 0 ? 0 : EXIT_FAILURE;
  }
  if (options.command === 'join') {
    const result = await runJoin(options, say);
    process.stdout.write(options.asJson ? toJson(result) : renderJoin(result));
    return result.failures.length === 0 ? 0 : EXIT_FAILURE;
  }
  const result = await runGrowth(options, say);
  process.stdout.write(options.asJson ? toJson(result) : renderGrowth(result));
  return result.failures.length === 0 ? 0 : EXIT_FAILURE;
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
