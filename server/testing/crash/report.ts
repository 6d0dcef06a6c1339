// What a crash test prints: the seed first, a line now and then, the counts at the end.
// Invariant: every violation is printed, up to a bound, with the kill after which it was found.
// Never here: deciding what is a violation.

import type { Counts } from '../verdict.ts';
import type { Ledger } from './ledger.ts';
import type { CrashOptions } from './options.ts';

export interface Kill {
  readonly kill: number;
  readonly restartMs: number;
  readonly examinationMs: number;
  readonly ledger: Ledger;
}

/** A server that takes longer to be ready again has a problem, on whatever machine. */
const RESTART_LIMIT_MS = 5_000;
const KILLS_PER_LINE = 10;
const MAX_SHOWN = 20;

export class Report {
  readonly #options: CrashOptions;
  readonly #startedMs: number = performance.now();
  readonly #restartsMs: number[] = [];
  readonly #examinationsMs: number[] = [];
  #violationsSeen = 0;
  #passed = 0;
  firstStartMs = 0;
  killedWhileStarting = 0;

  constructor(options: CrashOptions) {
    this.#options = options;
    const { seed, kills, clients, database } = options;
    print(
      `crash test: --seed ${seed} --kills ${kills} --clients ${clients} --database ${database}`,
    );
  }

  killed({ kill, restartMs, examinationMs, ledger }: Kill): void {
    this.#restartsMs.push(restartMs);
    this.#examinationsMs.push(examinationMs);
    ledger.check(restartMs <= RESTART_LIMIT_MS, () => `the restart took ${restartMs} ms`);
    const found = ledger.violations.slice(this.#violationsSeen);
    this.#violationsSeen = ledger.violations.length;
    if (found.length === 0) this.#passed++;
    for (const violation of found.slice(0, MAX_SHOWN)) print(`  VIOLATION ${kill}: ${violation}`);
    if (kill % KILLS_PER_LINE !== 0 && kill !== this.#options.kills) return;
    const { certificates } = ledger;
    print(`  ${kill} kills, ${certificates.size} certificates, ${ledger.checks} checks`);
  }

  end(totals: {
    readonly ledger: Ledger;
    readonly replays: number;
    readonly flows: readonly number[];
  }): void {
    const { ledger, replays, flows } = totals;
    for (const violation of ledger.violations.slice(this.#violationsSeen, MAX_SHOWN)) {
      print(`  VIOLATION at the end: ${violation}`);
    }
    const resources = [...ledger.resources.values()];
    const revocations = [...ledger.certificates.values()].filter(
      ({ revocation }) => revocation === 'acknowledged',
    );
    const size = (kind: string): number => resources.filter((one) => one.kind === kind).length;
    print(
      `kills           ${this.#options.kills} under load, ${this.killedWhileStarting} more while starting`,
    );
    print(`flows finished  ${flows.reduce((sum, count) => sum + count, 0)}`);
    print(
      `acknowledged    ${ledger.accounts.size} accounts, ${size('order')} orders, ` +
        `${size('authorization')} authorizations, ${ledger.certificates.size} certificates, ` +
        `${revocations.length} revocations`,
    );
    print(`checks          ${ledger.checks}, of them ${replays} replayed requests`);
    print(`first start     ${Math.round(this.firstStartMs)} ms to /readyz`);
    print(`restart         ${summary(this.#restartsMs)} to /readyz`);
    print(`examination     ${summary(this.#examinationsMs)}`);
    print(`violations      ${ledger.violations.length}`);
    print(`time            ${((performance.now() - this.#startedMs) / 1000).toFixed(1)} s`);
  }

  /** Kills count; a violation that no kill accounts for counts as one more failure. */
  counts({ violations }: Ledger): Counts {
    const failed = this.#options.kills - this.#passed;
    const isUnaccounted = violations.length > this.#violationsSeen && failed === 0;
    return { passed: this.#passed, failed: failed + (isUnaccounted ? 1 : 0), skipped: 0 };
  }
}

function summary(valuesMs: readonly number[]): string {
  const sorted = [...valuesMs].sort((left, right) => left - right);
  const at = (part: number): number => {
    return Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
  };
  return `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, at most ${at(1)} ms`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
