// Which messages of which sender have come in already.
// Messages name the boot of their sender and a number it counts up; per boot a window of numbers is
// kept (RFC 4303 §3.4.3), and per sender a few boots. When a boot is given up, its latest issue time
// becomes a floor for boots not seen before.
// Invariant: no number of a boot is accepted twice, whatever clocks do, in bounded memory. What a
// restart of ours forgets, nobody can use: messages name our boot as well.
// Never here: clocks.

/** Numbers a message may be late by. */
export const WINDOW = 1_024;
/** Boots remembered per sender. */
export const BOOTS = 16;

interface Boot {
  highest: number;
  /** One bit for each of the last WINDOW numbers, by number modulo WINDOW. */
  readonly seen: Uint8Array;
  latestIssueMs: number;
}

interface Sender {
  readonly boots: Map<string, Boot>;
  floorMs: number;
}

export class ReplayGuard {
  readonly #senders = new Map<string, Sender>();

  /**
   * True when this is the first message with this number (from 1) of this boot, which is then
   * noted. `issueMs` orders the boots of one sender, roughly.
   */
  accept(sender: string, bootId: string, number: number, issueMs: number): boolean {
    const known = this.#senders.get(sender);
    const boot = known?.boots.get(bootId);
    if (boot === undefined) {
      if (number < 1 || (known !== undefined && issueMs <= known.floorMs)) return false;
      this.#admit(sender, bootId, issueMs);
      return this.accept(sender, bootId, number, issueMs);
    }
    if (!take(boot, number)) return false;
    boot.latestIssueMs = Math.max(boot.latestIssueMs, issueMs);
    return true;
  }

  /** Forgets these. Only for senders that are never listened to again. */
  forget(removed: Iterable<string>): void {
    for (const sender of removed) this.#senders.delete(sender);
  }

  #admit(name: string, bootId: string, issueMs: number): void {
    let sender = this.#senders.get(name);
    if (sender === undefined) {
      sender = { boots: new Map(), floorMs: Number.NEGATIVE_INFINITY };
      this.#senders.set(name, sender);
    }
    if (sender.boots.size >= BOOTS) {
      const [id, oldest] = [...sender.boots].reduce((a, b) =>
        b[1].latestIssueMs < a[1].latestIssueMs ? b : a,
      );
      sender.boots.delete(id);
      sender.floorMs = Math.max(sender.floorMs, oldest.latestIssueMs);
    }
    const seen = new Uint8Array(WINDOW / 8);
    sender.boots.set(bootId, { highest: 0, seen, latestIssueMs: issueMs });
  }
}

function take(boot: Boot, number: number): boolean {
  if (!Number.isSafeInteger(number) || number < 1 || number <= boot.highest - WINDOW) return false;
  if (number > boot.highest) {
    if (number - boot.highest >= WINDOW) boot.seen.fill(0);
    else for (let n = boot.highest + 1; n <= number; n++) mark(boot, n, false);
    boot.highest = number;
  } else if ((boot.seen[(number % WINDOW) >> 3]! & (1 << (number & 7))) !== 0) return false;
  mark(boot, number, true);
  return true;
}

function mark({ seen }: Boot, number: number, on: boolean): void {
  const at = (number % WINDOW) >> 3;
  const bit = 1 << (number & 7);
  seen[at] = on ? seen[at]! | bit : seen[at]! & ~bit;
}
