// What the benchmark must undo: child processes and temporary directories, however it ends.
// Invariant: every undo runs exactly once, newest first, also after Ctrl-C and after a crash; for
// that it is synchronous, because nothing asynchronous runs once a process exits.
// Never here: orderly shutdown, which is the owner's business (see server-process.ts).

export type Undo = () => void;

const undos: Undo[] = [];
let watching = false;

/** Registers an undo for the end of the process; the answer runs it early, once. */
export function atExit(undo: Undo): Undo {
  watch();
  undos.push(undo);
  return () => {
    const index = undos.indexOf(undo);
    if (index < 0) return;
    undos.splice(index, 1);
    undo();
  };
}

function watch(): void {
  if (watching) return;
  watching = true;
  process.on('exit', undoAll);
  // 128 + the signal's number is what a shell expects of a program ended by that signal.
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
  process.on('SIGHUP', () => process.exit(129));
}

function undoAll(): void {
  for (let undo = undos.pop(); undo; undo = undos.pop()) {
    try {
      undo();
    } catch (error) {
      console.error(`clean-up failed: ${String(error)}`);
    }
  }
}
