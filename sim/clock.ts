// Clocks of one machine in virtual time: a wall clock and a monotonic one, each with its own offset
// and drift, that faults can turn. Times of the world are whole microseconds since its beginning.
// Invariant: the monotonic clock never goes back; arithmetic is exact for centuries.
// Never here: when something happens (queue.ts).

import type { Now } from '../core/time.ts';

export const MS = 1000;
export const SECOND = 1_000_000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;

/** What a right wall clock shows when the world begins, Unix milliseconds. */
export const EPOCH_MS = 1_800_000_000_000;

/** Parts per million by which a clock runs fast; -1,000,000 stands still. */
export type Ppm = number;

/** Something that goes at its own rate. */
interface Rate {
  atUs: number;
  valueUs: number;
  ppm: Ppm;
}

export class NodeClock {
  readonly #wall: Rate;
  readonly #mono: Rate;
  /** The rate before a suspension. */
  #monoPpm: Ppm = 0;

  constructor(setting: { readonly wallOffsetUs: number; readonly monoStartUs: number }) {
    this.#wall = { atUs: 0, valueUs: setting.wallOffsetUs, ppm: 0 };
    this.#mono = { atUs: 0, valueUs: setting.monoStartUs, ppm: 0 };
  }

  now(atUs: number): Now {
    return {
      wallMs: EPOCH_MS + Math.floor(valueAt(this.#wall, atUs) / MS),
      monoMs: Math.floor(valueAt(this.#mono, atUs) / MS),
    };
  }

  /** How far the wall clock is off, microseconds. */
  skewUs(atUs: number): number {
    return valueAt(this.#wall, atUs) - atUs;
  }

  /** Turns the wall clock, either way. */
  jumpWall(atUs: number, byUs: number): void {
    settle(this.#wall, atUs);
    this.#wall.valueUs += byUs;
  }

  /** Lets the monotonic clock leap, forwards only. */
  jumpMono(atUs: number, byUs: number): void {
    settle(this.#mono, atUs);
    this.#mono.valueUs += Math.max(0, byUs);
  }

  drift(atUs: number, wallPpm: Ppm, monoPpm: Ppm): void {
    settle(this.#wall, atUs);
    settle(this.#mono, atUs);
    this.#wall.ppm = wallPpm;
    this.#mono.ppm = monoPpm;
  }

  /** The machine is suspended: its monotonic clock stands still until `resume`. */
  suspend(atUs: number): void {
    settle(this.#mono, atUs);
    this.#monoPpm = this.#mono.ppm;
    this.#mono.ppm = -SECOND;
  }

  resume(atUs: number): void {
    if (this.#mono.ppm !== -SECOND) return;
    settle(this.#mono, atUs);
    this.#mono.ppm = this.#monoPpm;
  }

  /** The wall clock is right again, both run at the right speed. */
  heal(atUs: number): void {
    this.drift(atUs, 0, 0);
    this.#wall.valueUs = atUs;
  }

  /** World time at which the monotonic clock will show `monoMs` unless it is turned before. */
  whenMono(atUs: number, monoMs: number): number {
    const missingUs = monoMs * MS - valueAt(this.#mono, atUs);
    if (missingUs <= 0) return atUs;
    const rate = SECOND + this.#mono.ppm;
    // A clock that stands still is looked at again in a second.
    if (rate <= 0) return atUs + SECOND;
    const seconds = Math.floor(missingUs / rate);
    const rest = missingUs % rate;
    return atUs + seconds * SECOND + Math.ceil((rest * SECOND) / rate);
  }
}

function valueAt({ atUs, valueUs, ppm }: Rate, nowUs: number): number {
  const elapsedUs = nowUs - atUs;
  if (ppm === 0) return valueUs + elapsedUs;
  const seconds = Math.floor(elapsedUs / SECOND);
  const restUs = elapsedUs - seconds * SECOND;
  return valueUs + elapsedUs + seconds * ppm + Math.floor((restUs * ppm) / SECOND);
}

function settle(rate: Rate, atUs: number): void {
  rate.valueUs = valueAt(rate, atUs);
  rate.atUs = atUs;
}
