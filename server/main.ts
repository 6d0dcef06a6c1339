#!/usr/bin/env node
// The program `akamu`: joins the command line to the process and to the server.
// Invariant: a composition root; no logic. Never here: anything else.

import { runCommandLine } from './cli/run.ts';
import { programVersion } from './cli/version.ts';
import { serve } from './serve.ts';

// A reader that goes away (`akamu --help | head`, a log collector that ends) must not end us.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  print: (text) => process.stdout.write(text),
  tell: (text) => process.stderr.write(text),
  environment: process.env,
  version: programVersion(),
  serve,
});
