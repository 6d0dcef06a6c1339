// Runs a command line in this process and keeps what it writes. Never here: expectations.

import { runCommandLine } from '../run.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `print` sees each piece of output; what it throws ends the command. */
export async function runCommand(
  args: readonly string[],
  print: (text: string) => void = () => {},
): Promise<Outcome> {
  let [out, err] = ['', ''];
  const code = await runCommandLine(args, {
    print: (text) => {
      out += text;
      print(text);
    },
    tell: (text) => {
      err += text;
    },
    environment: {},
    version: '0',
    serve: async () => {},
  });
  return { code, out, err };
}
