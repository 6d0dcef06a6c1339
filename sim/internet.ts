// The internet as nodes probe it: web servers, DNS and TLS endpoints on which clients publish the
// answers to their challenges (RFC 8555 §8, RFC 8737). A probe takes time; servers fail, stall, and
// name servers go on giving the answers they gave before.
// Invariant: a probe succeeds only if the right answer was published at the moment it got there.
// Never here: who publishes what (clients), what a result does (core).

import type {
  ChallengeType,
  ValidationFailure,
  ValidationRequest,
  ValidationResult,
} from '../core/acme/validation.ts';
import { MS, SECOND } from './clock.ts';
import { stream } from './prng.ts';
import type { Internet, World } from './world.ts';

const TRAVEL = stream('internet.travel');
const FAIL = stream('internet.fail');
const HOW = stream('internet.how');
const STALL = stream('internet.stall');

/** Mean time of a probe. */
const TRAVEL_US = 40 * MS;
/** A validator gives up on a server that does not answer. */
const PATIENCE_US = 10 * SECOND;
/** Name servers show a new record after at most this long. */
export const PROPAGATION_US: number = 2 * SECOND;

interface Published {
  readonly keyAuthorization: string;
  /** From when on every server shows it. */
  readonly shownUs: number;
}

/** How a server that fails does so: what the validator reports. */
const FAILURES: { readonly [T in ChallengeType]: readonly [ValidationFailure, string][] } = {
  'http-01': [
    ['connection', 'connection refused'],
    ['dns', 'the name server answered SERVFAIL'],
    ['unauthorized', 'the server answered 500'],
  ],
  'dns-01': [['dns', 'the name server answered SERVFAIL']],
  'tls-alpn-01': [
    ['connection', 'connection reset'],
    ['tls', 'the handshake failed'],
  ],
};

export class SimulatedInternet implements Internet {
  readonly #world: World;
  readonly #published = new Map<string, Published[]>();
  #isHealed = false;
  #underWay = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Probes that have not been answered yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /** No server fails any more. */
  heal(): void {
    this.#isHealed = true;
  }

  /** Puts the answer to a challenge where a validator looks for it. */
  publish(type: ChallengeType, name: string, token: string, keyAuthorization: string): void {
    const delayUs = type === 'dns-01' ? PROPAGATION_US : 0;
    const place = placeOf(type, name, token);
    const entries = this.#published.get(place) ?? [];
    const isThere = entries.some((entry) => entry.keyAuthorization === keyAuthorization);
    if (isThere) return;
    entries.push({ keyAuthorization, shownUs: this.#world.nowUs + delayUs });
    this.#published.set(place, entries);
  }

  /** Takes the answer away again. */
  withdraw(type: ChallengeType, name: string, token: string, keyAuthorization: string): void {
    const place = placeOf(type, name, token);
    const entries = this.#published.get(place)?.filter((entry) => {
      return entry.keyAuthorization !== keyAuthorization;
    });
    if (entries === undefined || entries.length === 0) this.#published.delete(place);
    else this.#published.set(place, entries);
  }

  validate(
    node: number,
    request: ValidationRequest,
    answer: (result: ValidationResult) => void,
  ): void {
    const { draws, options, nowUs } = this.#world;
    // Keyed by challenge and moment, so that a probe more or less changes nothing for the others.
    const probe = stream(`${request.type}/${request.token}`);
    const fails = !this.#isHealed && draws.chance(options.serverFailPpm, FAIL, probe, nowUs);
    const stalls = fails && draws.below(4, STALL, probe, nowUs) === 0;
    const travelUs = 1 + draws.exponential(TRAVEL_US, TRAVEL, probe, nowUs);
    this.#underWay++;
    if (stalls) this.#world.mark('a validation stalled', node);
    this.#world.schedule(nowUs + (stalls ? PATIENCE_US : travelUs), () => {
      this.#underWay--;
      if (!fails) answer(this.#look(request));
      else answer(stalls ? TIMED_OUT : this.#failure(request, probe));
    });
  }

  #failure({ type }: ValidationRequest, probe: number): ValidationResult {
    const { draws, nowUs } = this.#world;
    const ways = FAILURES[type];
    const [problem, detail] = ways[draws.below(ways.length, HOW, probe, nowUs)]!;
    return { ok: false, problem, detail };
  }

  /** What is there at this moment. */
  #look({ type, identifier, token, keyAuthorization }: ValidationRequest): ValidationResult {
    const entries = this.#published.get(placeOf(type, identifier.value, token)) ?? [];
    const shown = entries.filter(({ shownUs }) => shownUs <= this.#world.nowUs);
    if (shown.some((entry) => entry.keyAuthorization === keyAuthorization)) return { ok: true };
    if (entries.length > shown.length) this.#world.mark('a name server gave a stale answer');
    const detail = `${identifier.value} does not show the answer`;
    return { ok: false, problem: 'unauthorized', detail };
  }
}

const TIMED_OUT: ValidationResult = {
  ok: false,
  problem: 'connection',
  detail: 'no answer within ten seconds',
};

/** Web servers keep a file per token; a name has one TXT set and one TLS endpoint. */
function placeOf(type: ChallengeType, name: string, token: string): string {
  return type === 'http-01' ? `${type}/${name}/${token}` : `${type}/${name}`;
}
