// Runs a command line: parse, dispatch, exit code.
// Invariant: it never throws and never exits by itself; whatever happens ends in an exit code and,
// unless all is well, in a line that says why. Never here: what a command does.

import { accountOf } from '../../io/operator-error.ts';
import { type Command, EXIT, type ExitCode, type World } from './command.ts';
import { parseCommandLine } from './command-line.ts';
import { COMMANDS } from './commands.ts';
import { helpText } from './help.ts';

/** `args` without the interpreter and the program. */
export async function runCommandLine(
  args: readonly string[],
  world: World,
  commands: readonly Command[] = COMMANDS,
): Promise<ExitCode> {
  const parsed = parseCommandLine(args, commands);
  switch (parsed.kind) {
    case 'help':
      world.print(helpText(parsed.words, commands));
      return EXIT.ok;
    case 'version':
      world.print(`akamu ${world.version}\n`);
      return EXIT.ok;
    case 'mistake':
      world.tell(`akamu: ${parsed.message}\n`);
      world.tell(`Read: ${['akamu', ...parsed.words, '--help'].join(' ')}\n`);
      return EXIT.usage;
    case 'run':
      return runCommand(parsed.command, parsed.values, world);
  }
}

async function runCommand(
  command: Command,
  values: Parameters<Command['run']>[0],
  world: World,
): Promise<ExitCode> {
  try {
    return await command.run(values, world);
  } catch (error) {
    world.tell(`akamu ${command.words.join(' ')}: ${accountOf(error)}\n`);
    return EXIT.failure;
  }
}
