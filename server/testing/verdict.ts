// How a test program ends: one line with the counts, and an exit code that follows from them.
// Invariant: nothing passed is a failure too, so that a program that ran nothing cannot pass.
// Never here: what was tested.

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Prints `N passed, N failed, N skipped` as the last line and sets the exit code. */
export function conclude({ passed, failed, skipped }: Counts): void {
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
