// What the log says about peers, held to a pace: whoever can reach the admin listener can make us
// refuse things, and must not be able to fill the disk with it.
// Invariant: every notice is counted; lines of one subject come no faster than the pace, and the
// next one says how many were left out. Never here: what is worth a line.

import type { Log, LogFields } from '../../io/log.ts';

type Level = 'error' | 'warn' | 'info';

/** Lines of one subject that may come at once, and how long until one more may. */
const BURST = 5;
const REFILL_MS = 12_000;
/** Subjects told apart: reasons times peers. Beyond them one pace holds for all the others. */
const MAX_SUBJECTS = 1_024;
const TARGET = 'gossip';

interface Pace {
  readonly left: number;
  readonly suppressed: number;
  readonly refilledMs: number;
}

export class Notices {
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #paces = new Map<string, Pace>();

  /** `nowMs`: a monotonic clock. */
  constructor(log: Log, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** `line` may begin with its target, as operators' pages quote it. */
  say(level: Level, line: string, peer: string | undefined, fields: LogFields = {}): void {
    const message = line.startsWith(`${TARGET}: `) ? line.slice(TARGET.length + 2) : line;
    const wanted = `${message}\0${peer ?? ''}`;
    const isKnown = this.#paces.has(wanted) || this.#paces.size < MAX_SUBJECTS;
    const subject = isKnown ? wanted : '';
    const pace = this.#refilled(this.#paces.get(subject));
    const { suppressed } = pace;
    if (pace.left < 1) {
      this.#paces.set(subject, { ...pace, suppressed: suppressed + 1 });
      return;
    }
    this.#paces.set(subject, { ...pace, left: pace.left - 1, suppressed: 0 });
    this.#log[level](TARGET, message, {
      peer,
      ...fields,
      ...(suppressed > 0 && { suppressed }),
    });
  }

  #refilled(pace: Pace | undefined): Pace {
    const nowMs = this.#nowMs();
    if (pace === undefined) return { left: BURST, suppressed: 0, refilledMs: nowMs };
    const more = Math.floor((nowMs - pace.refilledMs) / REFILL_MS);
    const left = Math.min(BURST, pace.left + more);
    return { ...pace, left, refilledMs: pace.refilledMs + more * REFILL_MS };
  }
}
