// An error that was foreseen: its message tells an operator what is wrong and what to do, so the
// stack, which is for those who mend the program, would only hide it.
// Invariant: a message says all there is to know. Never here: where such errors are raised.

export class OperatorError extends Error {
  override readonly name: string = 'OperatorError';
}

/** Whether the message says it all; also of what the system refuses, with the call and the path. */
export function isForeseen(error: unknown): boolean {
  if (error instanceof OperatorError) return true;
  return error instanceof Error && 'syscall' in error && typeof error.syscall === 'string';
}

/** What is said of an error: the message, and of one that nobody foresaw the stack. */
export function accountOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isForeseen(error) ? error.message : (error.stack ?? error.message);
}
