// The `--html` page on its way to a file: the viewer's modules, as they were compiled, are linked into
// one script, since a page on a disk may not import others.
// Invariant: the viewer's top-level names are unique, which the engine checks when it reads the
// script. Never here: what the page shows.

import { readFileSync, writeFileSync } from 'node:fs';
import type { Diagram } from '../diagram.ts';
import { renderPage } from '../html.ts';

/** The viewer's modules, each after those it imports. */
const MODULES = ['viewport', 'state', 'shapes', 'draw', 'overview', 'find', 'panel', 'main'];

export function writePage(file: string, diagram: Diagram): void {
  writeFileSync(file, renderPage(diagram, viewerScript()));
}

/** The viewer as one script without imports. */
export function viewerScript(): string {
  const parts = MODULES.map((name) => {
    const text = readFileSync(new URL(`../viewer/${name}.js`, import.meta.url), 'utf8');
    return text
      .replace(/^import [^;]*;$/gm, '')
      .replace(/^export (?=(?:const|function|class|let) )/gm, '')
      .replace(/^export \{\};$/gm, '')
      .replace(/^\/\/# sourceMappingURL=.*$/gm, '');
  });
  return `(() => {\n'use strict';\n${parts.join('\n')}\n})();\n`;
}
