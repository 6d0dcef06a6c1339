import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Diagram, DiagramBuilder, FATES } from './diagram.ts';
import { Disk } from './disk.ts';
import { renderPage } from './html.ts';
import { clientEndpoint, type Message } from './message.ts';
import type { Observation } from './observation.ts';
import { quiet } from './options.ts';
import type { Plan } from './plan.ts';
import { Recorder } from './recorder.ts';
import type { Result } from './run.ts';

const PLAN: Plan = { seed: 7, options: quiet({ nodes: 2, clients: 1 }), decisions: [] };
const RESULT: Result = {
  verdict: 'pass',
  violations: [],
  traceHash: '0123456789abcdef',
  checkpoints: [],
  events: 0,
  counts: {},
  marks: {},
  figures: {},
  virtualUs: 10_000,
};

function diagramOf(events: readonly Observation[], result: Partial<Result> = {}): Diagram {
  const builder = new DiagramBuilder(PLAN);
  const recorder = new Recorder([], builder.sink);
  for (const event of events) recorder.observe(event);
  return builder.finish({ ...RESULT, ...result });
}

function message(id: number, from: number, to: number): Message {
  return { id, from, to, content: { kind: 'hangup', call: id } };
}

test('a message that is lost, delivered, doubled or under way is drawn as such', () => {
  const [lost, twice, late] = [
    message(1, 0, 1),
    message(2, clientEndpoint(0), 1),
    message(3, 1, 0),
  ];
  const { messages } = diagramOf([
    { kind: 'sent', atUs: 10, message: lost },
    { kind: 'sent', atUs: 20, message: twice },
    { kind: 'dropped', atUs: 25, message: lost, why: 'cut' },
    { kind: 'delivered', atUs: 30, message: twice },
    { kind: 'sent', atUs: 35, message: late },
    { kind: 'delivered', atUs: 40, message: twice },
  ]);
  assert.equal(messages.sentUs, [10, 20, 20, 35], 'by the time they were sent');
  assert.equal(messages.endUs, [25, 30, 40, -1]);
  assert.equal(
    messages.fate.map((fate) => FATES[fate]),
    ['lost', 'delivered', 'delivered', 'under way'],
  );
  assert.equal(messages.from, [0, 2, 2, 1], 'clients have the lanes after the nodes');
  assert.equal(messages.gossip, [1, 0, 0, 1]);
});

test('a node is down from its crash to its next start, or to the end', () => {
  const { outages } = diagramOf([
    { kind: 'crash', atUs: 100, node: 0, point: { at: 'commit' }, lost: [] },
    { kind: 'stop', atUs: 150, node: 1, reason: 'the disk failed', lost: [] },
    { kind: 'start', atUs: 200, node: 0, boot: 2, id: 'n0', disk: new Disk() },
  ]);
  assert.equal(outages, [
    { lane: 0, fromUs: 100, toUs: 200, why: 'before a commit' },
    { lane: 1, fromUs: 150, toUs: 10_000, why: 'the disk failed' },
  ]);
});

test('a fault is a band over its lanes, and healing cuts it short', () => {
  const { bands } = diagramOf([
    {
      kind: 'fault',
      atUs: 1000,
      decision: { kind: 'partition', atUs: 1000, from: [0], to: [1], bothWays: true, forUs: 5000 },
      isOver: false,
    },
    { kind: 'phase', atUs: 3000, phase: 'liveness' },
  ]);
  assert.equal(bands, [
    {
      kind: 'partition',
      lanes: [0, 1],
      fromUs: 1000,
      toUs: 3000,
      label: 'partition n0 | n1 for 5ms',
    },
  ]);
});

test('the page is one file with everything in it, and nothing of the run is mark-up', () => {
  const nasty = '</script><img src=x onerror=alert(1)><!-- \u2028';
  const diagram = diagramOf([{ kind: 'note', atUs: 5, node: -1, client: 0, text: nasty }], {
    violations: [{ promise: nasty, checker: 'c', nodes: [0], atUs: 5, story: [nasty] }],
  });
  const page = renderPage(diagram, "const shown = '</script>';\n");
  const opened = page.match(/<script\b[^>]*>/g)!;
  assert.equal(opened, ['<script type="application/json" id="diagram">', '<script>']);
  assert.is(page.match(/<\/script>/g)!.length, 2);
  assert.not.match(page, /<img|https?:|url\(|@import/);
  const json = /id="diagram">([\s\S]*?)<\/script>/.exec(page)![1]!;
  assert.equal(JSON.parse(json), JSON.parse(JSON.stringify(diagram)));
});

test('every element that is opened is closed, in order', () => {
  const page = renderPage(diagramOf([]), '');
  const void_ = new Set(['meta', 'input']);
  const open: string[] = [];
  const markup = page.replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, '<$1></$1>');
  for (const [, slash, name = ''] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
    if (slash === '/') assert.is(open.pop(), name);
    else if (!void_.has(name)) open.push(name);
  }
  assert.equal(open, []);
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
  assert.is(new Set(ids).size, ids.length, 'ids are unique');
});

test.run();
