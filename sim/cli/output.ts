// Lines of output. Who reads them may leave in the middle, as `head -1` does; then nobody wants the
// rest, and the command ends without a word.
// Invariant: a command that was left does not claim that it passed. Never here: what is printed.

/** What a shell reports for a program that wrote to a pipe nobody reads (128 + SIGPIPE). */
const LEFT_CODE = 141;

process.stdout.on('error', leave);

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
  // The event comes only once a whole run is over.
  if (process.stdout.errored !== null) leave(process.stdout.errored);
}

function leave(error: NodeJS.ErrnoException): never {
  if (error.code !== 'EPIPE') throw error;
  process.exit(LEFT_CODE);
}
