// Carries out the faults of a plan. Invariant: each fault ends when its time is over or when the
// world heals, whichever is first, and after healing nothing of it is left but what it did to the
// disks. Never here: which faults a seed has (plan-faults.ts).

import type { Policy } from '../core/acme/policy.ts';
import { Disk, type DiskImage } from './disk.ts';
import type { Machine } from './machine.ts';
import type { CrashDecision, Decision, Fault, RestoreDecision } from './plan.ts';
import type { Timer } from './queue.ts';
import type { Universe } from './universe.ts';

/** A crash at a boundary that is not reached by then happens between two events. */
const BOUNDARY_PATIENCE_US = 2_000_000;

export class Faults {
  readonly #world: Universe;
  readonly #ends = new Set<Timer>();
  readonly #backups = new Map<RestoreDecision, DiskImage>();

  constructor(world: Universe) {
    this.#world = world;
  }

  /** Puts a decision on the queue, with what has to be done before it. */
  schedule(decision: Fault): void {
    if (decision.kind === 'restore') {
      this.#world.schedule(decision.backupUs, () => {
        this.#backups.set(decision, this.#world.nodes[decision.node]!.disk.image());
      });
    }
    this.#world.schedule(decision.atUs, () => this.#begin(decision));
  }

  /** Ends everything: all nodes run, all clocks are right, all disks and links are good. */
  heal(): void {
    for (const timer of this.#ends) timer.cancel();
    this.#ends.clear();
    this.#world.network.heal();
    this.#world.liars.silence();
    for (const machine of this.#world.nodes) {
      machine.slowdown = 1;
      machine.diskFails = false;
      machine.armCrash(undefined);
      machine.clock.heal(this.#world.nowUs);
      if (machine.isPaused) machine.resume();
      else machine.clockTurned();
      if (!this.#world.isRetired(machine.index)) machine.mayRun = true;
      this.#endClone(machine);
      if (!machine.isUp) this.#world.startLater(machine.index, 0);
    }
  }

  /** The log says that two nodes have one set of keys: somebody makes the copy its own. */
  #endClone(machine: Machine): void {
    const own = this.#world.nodeName(machine.index);
    if (machine.id === own) return;
    machine.crash();
    machine.id = own;
  }

  #begin(decision: Fault): void {
    if (this.#world.phase !== 'safety') return;
    const { nowUs } = this.#world;
    this.#world.observe({ kind: 'fault', atUs: nowUs, decision, isOver: false });
    switch (decision.kind) {
      case 'crash':
        this.#crash(decision);
        return;
      case 'partition':
        this.#world.network.cut(decision, false);
        this.#endLater(decision, () => this.#world.network.cut(decision, true));
        return;
      case 'link':
        this.#world.network.worsen(decision, false);
        this.#endLater(decision, () => this.#world.network.worsen(decision, true));
        return;
      default:
        this.#beginAt(this.#world.nodes[decision.node]!, decision);
    }
  }

  #beginAt(
    machine: Machine,
    decision: Exclude<Fault, { kind: 'crash' | 'partition' | 'link' }>,
  ): void {
    const { nowUs } = this.#world;
    switch (decision.kind) {
      case 'join':
      case 'return':
        machine.mayRun = true;
        this.#world.mark(
          decision.kind === 'join' ? 'a node joined' : 'a removed node came back',
          machine.index,
        );
        if (!machine.isUp) this.#world.startLater(machine.index, 0);
        return;
      case 'pause':
        if (!machine.isUp || machine.isPaused) return;
        machine.pause();
        if (decision.suspend) machine.clock.suspend(nowUs);
        this.#endLater(decision, () => this.#resume(machine));
        return;
      case 'clock':
        machine.clock.jumpWall(nowUs, decision.wallByUs);
        machine.clock.jumpMono(nowUs, decision.monoByUs);
        if (decision.wallPpm !== 0 || decision.monoPpm !== 0) {
          machine.clock.drift(nowUs, decision.wallPpm, decision.monoPpm);
          this.#endLater(decision, () => this.#endDrift(machine));
        }
        machine.clockTurned();
        return;
      case 'disk':
        machine.slowdown = decision.slowdown;
        machine.diskFails = decision.fails;
        this.#endLater(decision, () => {
          machine.slowdown = 1;
          machine.diskFails = false;
        });
        return;
      case 'restore': {
        const image = this.#backups.get(decision);
        if (image === undefined) return;
        this.#exchange(machine, Disk.of(image), 'restored', decision.backupUs, decision.downUs);
        return;
      }
      case 'empty':
        this.#exchange(machine, new Disk(), 'emptied', nowUs, decision.downUs);
        return;
      case 'clone': {
        const source = this.#world.nodes[decision.source]!;
        this.#exchange(machine, Disk.of(source.disk.image()), 'cloned', nowUs, decision.downUs);
        // Its keys are in the database, so it runs under the id of the other.
        machine.id = source.id;
        return;
      }
      case 'reload':
        machine.reload({ ...machine.policy, ...(decision.policy as Partial<Policy>) });
    }
  }

  #crash({ node, boundary, unsynced = false, downUs }: CrashDecision): void {
    const machine = this.#world.nodes[node]!;
    if (!machine.isUp) return;
    const { boot } = machine;
    machine.armCrash({ boundary, unsynced, downUs });
    this.#world.schedule(this.#world.nowUs + BOUNDARY_PATIENCE_US, () => {
      const isDue = this.#world.phase === 'safety' && machine.boot === boot && machine.isUp;
      if (isDue) machine.crash();
    });
  }

  /** Somebody stops the machine, puts in another disk and starts it again. */
  #exchange(
    machine: Machine,
    disk: Disk,
    how: 'restored' | 'emptied' | 'cloned',
    ofUs: number,
    downUs: number,
  ): void {
    machine.crash();
    machine.replaceDisk(disk, how, ofUs);
    this.#world.startLater(machine.index, downUs);
  }

  #resume(machine: Machine): void {
    machine.clock.resume(this.#world.nowUs);
    if (machine.isPaused) machine.resume();
  }

  #endDrift(machine: Machine): void {
    machine.clock.drift(this.#world.nowUs, 0, 0);
    machine.clockTurned();
  }

  #endLater(decision: Decision & { readonly forUs: number }, end: () => void): void {
    const timer = this.#world.schedule(this.#world.nowUs + decision.forUs, () => {
      this.#ends.delete(timer);
      const { nowUs } = this.#world;
      this.#world.observe({ kind: 'fault', atUs: nowUs, decision, isOver: true });
      end();
    });
    this.#ends.add(timer);
  }
}
