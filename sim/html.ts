// The page that shows a run: one file with everything in it, so that it opens from a disk, an e-mail
// or an archive, without a network.
// Invariant: nothing of the run can end the page's script or mark-up; nothing is fetched.
// Never here: how the picture is drawn (viewer/), what is in it (diagram.ts).

import type { Diagram } from './diagram.ts';
import { PAGE_STYLE } from './html-style.ts';

/** The whole page; `script` is the viewer's code. */
export function renderPage(diagram: Diagram, script: string): string {
  const title = escapeHtml(`Akamu simulation, ${diagram.title}: ${diagram.verdict}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>
${PAGE_STYLE}</style>
</head>
<body>
${BODY}
<script type="application/json" id="diagram">${embedJson(diagram)}</script>
<script>
${embedScript(script)}</script>
</body>
</html>
`;
}

const BODY = `<header>
  <h1><span id="title"></span> <span id="verdict"></span></h1>
  <form id="search" role="search">
    <input type="search" id="query" placeholder="Search events: order, crash, n2 …" aria-label="Search events" autocomplete="off" spellcheck="false">
    <output id="hits"></output>
    <button type="button" id="previous" title="Previous hit (Shift+Enter)" aria-label="Previous hit">‹</button>
    <button type="submit" title="Next hit (Enter)" aria-label="Next hit">›</button>
  </form>
  <div class="tools">
    <button type="button" id="zoom-out" title="Zoom out (-)" aria-label="Zoom out">−</button>
    <button type="button" id="zoom-in" title="Zoom in (+)" aria-label="Zoom in">+</button>
    <button type="button" id="fit" title="Show everything (0)">Fit</button>
    <button type="button" id="theme" title="Light or dark">Theme</button>
  </div>
</header>
<main>
  <div id="stage">
    <canvas id="picture" tabindex="0" role="img" aria-label="Space-time diagram: time from left to right, one lane for each node and client"></canvas>
    <canvas id="overview" aria-hidden="true"></canvas>
    <div id="tip" role="tooltip" hidden></div>
  </div>
  <aside>
    <section id="violations"></section>
    <section id="selected"></section>
    <section id="nearby"></section>
    <section id="legend"></section>
    <section id="facts"></section>
  </aside>
</main>`;

/** JSON inside a script element: `<` could begin its end. */
function embedJson(diagram: Diagram): string {
  return JSON.stringify(diagram)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

function embedScript(script: string): string {
  return script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
