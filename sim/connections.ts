// The client connections of one simulated process: requests that came in and wait for their answer.
// Invariant: a request is answered once, hung up once, or broken by the end of the process.
// Never here: what requests say.

import type { WebResponse } from '../core/effect.ts';
import type { Command, Input } from '../core/input.ts';
import type { Content, Endpoint } from './message.ts';
import { stream } from './prng.ts';
import type { Stage } from './stage.ts';

const ENTROPY = stream('node.entropy');
/** Starts of one node whose entropy is kept apart. */
const MOST_BOOTS = 65_536;

export type Answer = (response: WebResponse) => void;

interface Open {
  readonly client: Endpoint;
  readonly call: number;
}

export class Connections {
  readonly #stage: Stage;
  readonly #index: number;
  readonly #entity: number;
  readonly #open = new Map<number, Open>();
  /** Commands of this process itself. */
  readonly #own = new Map<number, Answer>();
  #requests = 0;

  constructor(stage: Stage, index: number, boot: number) {
    this.#stage = stage;
    this.#index = index;
    this.#entity = index * MOST_BOOTS + boot;
  }

  /** A request as the core gets it. */
  accept(client: Endpoint, { call, web }: Extract<Content, { kind: 'request' }>): Input {
    const request = ++this.#requests;
    this.#open.set(request, { client, call });
    const entropy = this.#stage.draws.bytes(32, ENTROPY, this.#entity, request);
    return { kind: 'request', request, web, entropy };
  }

  /** What an operator wants, as the core gets it. */
  obey(client: Endpoint, { call, command }: Extract<Content, { kind: 'command' }>): Input {
    const request = ++this.#requests;
    this.#open.set(request, { client, call });
    return { kind: 'administer', request, command };
  }

  /** What this process itself wants of its core. */
  administer(command: Command, answered: Answer): Input {
    const request = ++this.#requests;
    this.#own.set(request, answered);
    return { kind: 'administer', request, command };
  }

  /** An operator who waits for something that is more than a command; what answers him. */
  keep(client: Endpoint, { call }: Extract<Content, { kind: 'rotate' }>): Answer {
    const request = ++this.#requests;
    this.#open.set(request, { client, call });
    return (response) => this.respond(request, response);
  }

  /** The client has closed; what the core has to hear of it. */
  hangUp(call: number): readonly Input[] {
    const requests = [...this.#open].filter(([, open]) => open.call === call);
    return requests.map(([request]) => {
      this.#open.delete(request);
      return { kind: 'abandon', request };
    });
  }

  respond(request: number, response: WebResponse): void {
    const answered = this.#own.get(request);
    if (answered !== undefined) {
      this.#own.delete(request);
      answered(response);
      return;
    }
    const open = this.#open.get(request);
    if (open === undefined) return;
    this.#open.delete(request);
    const { client, call } = open;
    this.#stage.network.send(this.#index, client, { kind: 'response', call, response });
  }

  /** The process has died: all its connections break. */
  end(): void {
    for (const { client, call } of this.#open.values()) {
      this.#stage.network.send(this.#index, client, { kind: 'reset', call, refused: false });
    }
    this.#open.clear();
    this.#own.clear();
  }
}
