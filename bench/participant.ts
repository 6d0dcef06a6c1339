// A server's part in a run: started when needed, restarted when it fails, stopped at the end.
// Invariant: a part in which a server hung or broke is discarded as a whole and counted; nothing
// from it enters a median.
// Never here: what a part consists of.

import { SilentServer } from './connection.ts';
import type { Target, TargetPlan } from './target.ts';

export interface Incident {
  readonly server: string;
  readonly isPeer: boolean;
  readonly isHang: boolean;
  readonly what: string;
  /** Whether the same part succeeded in a later attempt on a restarted server. */
  wasRepeated: boolean;
}

const MAX_ATTEMPTS = 4;

export class Participant {
  readonly plan: TargetPlan;
  readonly incidents: Incident[] = [];
  /** Certificates a second in the warm-up, to know how many requests to make ahead. */
  rate = 0;
  #target: Target | undefined;

  constructor(plan: TargetPlan) {
    this.plan = plan;
  }

  /** Does `work`; where the server hangs, restarts it and tries again, four times at most. */
  async attempt(
    what: string,
    say: (line: string) => void,
    work: (target: Target) => Promise<void>,
  ): Promise<void> {
    const failed: Incident[] = [];
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      try {
        this.#target ??= await this.plan.start();
        await work(this.#target);
        for (const incident of failed) incident.wasRepeated = true;
        return;
      } catch (error) {
        const incident = this.#note(what, error as Error);
        failed.push(incident);
        say(`FAILURE ${incident.server}, ${incident.what}`);
        await this.stop();
        if (!(error instanceof SilentServer)) return;
      }
    }
  }

  /** Stops the server, if it runs. */
  async stop(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    await target?.process.stop();
  }

  #note(what: string, error: Error): Incident {
    const server = this.#target?.process;
    const last = server?.hasEnded ? `; the server has ended, saying:\n${server.logTail()}` : '';
    const incident = {
      server: this.plan.name,
      isPeer: this.plan.isPeer,
      isHang: error instanceof SilentServer,
      what: `${what}: ${error.message}${last}`,
      wasRepeated: false,
    };
    this.incidents.push(incident);
    return incident;
  }
}
