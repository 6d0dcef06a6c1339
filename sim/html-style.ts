// The style of the page that shows a run. Colours are custom properties, once for light and once for
// dark; the viewer's canvas reads the same ones.
// Invariant: no fonts, images or addresses from elsewhere. Never here: mark-up, drawing.

const LIGHT = `
  --page: #f6f7f9; --surface: #ffffff; --raised: #ffffff; --ink: #1a2029; --muted: #667085;
  --line: #dfe3ea; --lane: #b6bfcc; --accent: #2762d9; --gossip: #0b8f7f; --request: #2762d9;
  --lost: #d92d20; --durable: #2e9e52; --start: #1f9d55; --mark: #b7791f; --note: #8492a6;
  --step: #46536a; --disk: #c2570c; --bad: #d92d20; --bad-soft: #d92d2014; --good: #1a7f45;
  --crash: #e5484d; --pause: #8b5cf6; --clock: #c026d3; --slow: #c2570c; --cut: #d97706;
  --link: #b45309; --reload: #0e7490; --hit: #facc15; --shade: #1a202910; --phase: #1f9d550f;`;

const DARK = `
  --page: #0e1217; --surface: #151b23; --raised: #1d2530; --ink: #e6ebf2; --muted: #93a0b4;
  --line: #29323f; --lane: #4a5768; --accent: #7aa7ff; --gossip: #3fc9b6; --request: #7aa7ff;
  --lost: #ff7a70; --durable: #5fd08a; --start: #5fd08a; --mark: #f2c14e; --note: #7c8aa0;
  --step: #a9b6c9; --disk: #ff9d5c; --bad: #ff7a70; --bad-soft: #ff7a7020; --good: #5fd08a;
  --crash: #ff6b70; --pause: #b197fc; --clock: #e879f9; --slow: #ff9d5c; --cut: #fbbf24;
  --link: #f59e0b; --reload: #22b8cf; --hit: #fde047; --shade: #ffffff12; --phase: #5fd08a12;`;

export const PAGE_STYLE: string = `:root {${LIGHT}
  color-scheme: light;
}
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) {${DARK}
  color-scheme: dark;
} }
:root[data-theme="dark"] {${DARK}
  color-scheme: dark;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html, body { height: 100%; margin: 0; }
body {
  display: grid; grid-template-rows: auto 1fr; background: var(--page); color: var(--ink);
  font: 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
header {
  display: flex; align-items: center; gap: 16px; padding: 8px 14px; background: var(--surface);
  border-bottom: 1px solid var(--line);
}
h1 { font-size: 15px; font-weight: 650; margin: 0; white-space: nowrap; }
#verdict {
  font-size: 12px; font-weight: 600; padding: 2px 9px; border-radius: 99px; margin-left: 6px;
  color: var(--good); border: 1px solid currentColor; vertical-align: 1px;
}
#verdict.bad { color: var(--bad); background: var(--bad-soft); }
form { display: flex; align-items: center; gap: 4px; flex: 1; max-width: 560px; margin: 0; }
input[type="search"] {
  flex: 1; min-width: 80px; font: inherit; color: inherit; background: var(--page);
  border: 1px solid var(--line); border-radius: 7px; padding: 5px 10px;
}
output { color: var(--muted); min-width: 64px; text-align: right; font-variant-numeric: tabular-nums; }
button {
  font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line);
  border-radius: 7px; padding: 4px 10px; cursor: pointer;
}
button:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.tools { display: flex; gap: 4px; margin-left: auto; }
main { display: grid; grid-template-columns: 1fr 372px; min-height: 0; }
#stage { position: relative; display: grid; grid-template-rows: 1fr 64px; min-width: 0; min-height: 0; }
canvas { display: block; width: 100%; height: 100%; min-height: 0; touch-action: none; }
#picture { cursor: grab; background: var(--surface); outline-offset: -2px; }
#picture.dragging { cursor: grabbing; }
#overview { border-top: 1px solid var(--line); background: var(--page); cursor: pointer; }
#tip {
  position: absolute; pointer-events: none; max-width: 460px; background: var(--raised); z-index: 2;
  border: 1px solid var(--line); border-radius: 8px; padding: 7px 10px; font-size: 12px;
  box-shadow: 0 6px 24px #00000030; overflow-wrap: anywhere;
}
#tip b { font-weight: 650; }
#tip small { color: var(--muted); font-variant-numeric: tabular-nums; display: block; }
aside {
  overflow: auto; border-left: 1px solid var(--line); background: var(--surface); padding: 4px 14px 20px;
}
section:empty { display: none; }
h2 {
  font-size: 11px; font-weight: 650; letter-spacing: .05em; text-transform: uppercase;
  color: var(--muted); margin: 16px 0 6px;
}
.violation {
  display: block; width: 100%; text-align: left; margin: 0 0 8px; padding: 9px 11px; line-height: 1.4;
  border-radius: 9px; border: 1px solid var(--bad); background: var(--bad-soft);
}
.violation b { color: var(--bad); font-weight: 650; }
.violation small { color: var(--muted); display: block; }
.violation ol { margin: 6px 0 0; padding-left: 18px; overflow-wrap: anywhere; }
.fine { color: var(--good); margin: 14px 0 0; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin: 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
#nearby ol { list-style: none; margin: 0; padding: 0; font-variant-numeric: tabular-nums; }
#nearby li {
  display: grid; grid-template-columns: 74px 30px 1fr; gap: 6px; padding: 2px 6px; cursor: pointer;
  border-radius: 5px; font-size: 12px;
}
#nearby li:hover { background: var(--shade); }
#nearby li.here { background: var(--shade); font-weight: 650; }
#nearby li span:first-child { color: var(--muted); text-align: right; }
#nearby li span:last-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#legend input { margin: 0; accent-color: var(--accent); }
#legend ul { list-style: none; margin: 0; padding: 0; columns: 2; column-gap: 14px; }
#legend li { break-inside: avoid; }
#legend label { display: flex; align-items: center; gap: 7px; padding: 2px 0; cursor: pointer; }
#legend svg { flex: none; width: 26px; height: 14px; }
#legend p { color: var(--muted); margin: 8px 0 0; }
#facts dd { max-height: 9.5em; overflow: auto; }
kbd {
  font: 11px ui-monospace, monospace; border: 1px solid var(--line); border-radius: 4px; padding: 0 4px;
}
@media (max-width: 900px) {
  main { grid-template-columns: 1fr; grid-template-rows: 60vh auto; overflow: auto; }
  aside { border-left: 0; border-top: 1px solid var(--line); overflow: visible; }
  header { flex-wrap: wrap; }
}
`;
