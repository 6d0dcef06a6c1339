// What operators are told: joins each answer that leaves a node with the command it answers.
// Invariant: an answer belongs to the process that took the command. Never here: judging.

import type { WebResponse } from '../../core/effect.ts';
import type { Command } from '../../core/input.ts';
import type { Observation } from '../observation.ts';

export interface Told {
  readonly command: Command;
  readonly response: WebResponse;
}

export class CommandAnswers {
  /** By node and request. */
  readonly #open: Map<number, Command>[] = [];

  /** The answer that becomes visible with this start, step or visible effect, if it is one. */
  see(observation: Observation): Told | undefined {
    switch (observation.kind) {
      case 'start':
        this.#open[observation.node] = new Map();
        return undefined;
      case 'step': {
        const { node, input } = observation;
        if (input.kind === 'administer') this.#open[node]!.set(input.request, input.command);
        return undefined;
      }
      case 'visible':
        return this.#told(observation);
      default:
        return undefined;
    }
  }

  #told({ node, effect }: Extract<Observation, { kind: 'visible' }>): Told | undefined {
    const open = this.#open[node];
    if (effect.kind !== 'respond' || open === undefined || open.size === 0) return undefined;
    const command = open.get(effect.request);
    open.delete(effect.request);
    return command && { command, response: effect.response };
  }
}
