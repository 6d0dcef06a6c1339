import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Observation } from './observation.ts';
import { CHECKPOINT_EVENTS, Recorder, type TraceSink } from './recorder.ts';
import { firstDivergence, Trace, type TraceOptions } from './trace.ts';
import { checkDeterminism } from './trace-check.ts';
import { lineOf, TRACE_LEGEND, timeText } from './trace-line.ts';

function note(index: number, text = `note ${index}`): Observation {
  return { kind: 'note', atUs: index * 7, node: index % 3, client: -1, text };
}

/** Shows events to a sink as a run does. */
function play(sink: TraceSink, events: readonly Observation[]): void {
  const recorder = new Recorder([], sink);
  for (const event of events) recorder.observe(event);
}

function traced(events: readonly Observation[], options: TraceOptions = {}): Trace {
  const trace = new Trace(options);
  play(trace.sink, events);
  return trace;
}

function notes(count: number, odd: ReadonlyMap<number, string> = new Map()): Observation[] {
  return Array.from({ length: count }, (_, index) => note(index, odd.get(index)));
}

/** A trace of notes; `odd` replaces the text at some places. */
function traceOf(count: number, odd: ReadonlyMap<number, string> = new Map()): Trace {
  return traced(notes(count, odd), { forComparison: true });
}

test('two different events never pass for the same trace', () => {
  const variants: Observation[] = [
    note(1),
    { ...note(1), atUs: 8 },
    { ...note(1), atUs: 7 + 0x1_0000_0000 },
    note(1, 'note 2'),
    { kind: 'mark', atUs: 7, node: 1, name: 'note 1' },
    { kind: 'phase', atUs: 7, phase: 'end' },
    {
      kind: 'fault',
      atUs: 7,
      decision: { kind: 'empty', atUs: 7, node: 1, downUs: 1 },
      isOver: false,
    },
    {
      kind: 'fault',
      atUs: 7,
      decision: { kind: 'empty', atUs: 7, node: 1, downUs: 1 },
      isOver: true,
    },
    {
      kind: 'fault',
      atUs: 7,
      decision: { kind: 'empty', atUs: 7, node: 1, downUs: 2 },
      isOver: true,
    },
    { kind: 'crash', atUs: 7, node: 1, point: { at: 'commit' }, lost: [] },
    { kind: 'crash', atUs: 7, node: 1, point: { at: 'durable' }, lost: [] },
  ];
  const hashes = variants.map((variant) => traced([variant]).hash);
  assert.is(new Set(hashes).size, variants.length);
});

test('events count in their order', () => {
  assert.is.not(traced([note(1), note(2)]).hash, traced([note(2), note(1)]).hash);
});

test('what a step did, and what became durable of it, is in the hash', () => {
  const dot = { origin: 'a.1', seq: 1 };
  const web = { method: 'POST', target: '/x', contentType: '', body: '' };
  const step = (seq: number, status: number): string => {
    const record = { kind: 'order', id: 'o', fields: {}, dot: { ...dot, seq } };
    const input = { kind: 'request', request: 1, web, entropy: new Uint8Array(32) } as const;
    const response = { status, headers: [], body: '', route: 'x' };
    const effects = [
      { kind: 'persist', records: [record], forget: [], facts: new Map() },
      { kind: 'respond', request: 1, response },
    ] as const;
    const now = { wallMs: 1, monoMs: 1 };
    return traced([{ kind: 'step', atUs: 1, node: 0, now, input, effects }]).hash;
  };
  const durable = (fields: { [name: string]: string }): string => {
    const records = [{ kind: 'order', id: 'o', fields, dot }];
    const changes = [{ records, forget: [], facts: new Map() }];
    return traced([{ kind: 'durable', atUs: 1, node: 0, changes }]).hash;
  };
  const hashes = [
    ...[step(1, 200), step(2, 200), step(1, 201)],
    ...[durable({ a: '1' }), durable({ a: '2' }), durable({ b: '1' })],
  ];
  assert.is(new Set(hashes).size, hashes.length);
  assert.is(step(1, 200), hashes[0]);
});

test('a planted divergence is found where it is, wherever it is, by few comparisons', () => {
  const count = 12 * CHECKPOINT_EVENTS + 345;
  const plain = traceOf(count);
  const places = fc.integer({ min: 0, max: count - 1 });
  fc.assert(
    fc.property(places, fc.option(places), (place, later) => {
      const odd = new Map([[place, 'odd']]);
      if (later !== null && later > place) odd.set(later, 'odd too');
      const found = firstDivergence(plain, traceOf(count, odd));
      assert.is(found?.index, place);
      assert.ok(found!.comparisons < 20, `${found!.comparisons} comparisons`);
    }),
    { numRuns: 40 },
  );
});

test('a run that ends sooner diverges where it ends', () => {
  assert.is(firstDivergence(traceOf(2500), traceOf(1234))?.index, 1234);
  assert.is(firstDivergence(traceOf(2000), traceOf(1000))?.index, 1000);
  assert.is(firstDivergence(traceOf(0), traceOf(1))?.index, 0);
  assert.is(firstDivergence(traceOf(2500), traceOf(2500)), undefined);
});

test('a run that depends on more than its plan is told with both events', () => {
  let runs = 0;
  const { divergence } = checkDeterminism((sink) => {
    play(sink, notes(3000, new Map(++runs === 2 ? [[1717, 'odd']] : [])));
  });
  assert.ok(divergence !== undefined);
  assert.match(divergence.join('\n'), /differ from event 1718 on/);
  assert.match(divergence[1]!, /first run: .* note 1717$/);
  assert.match(divergence[2]!, /second run: .* odd$/);
});

test('a run that goes on in another way every time is told as such', () => {
  let runs = 0;
  const { divergence } = checkDeterminism((sink) => play(sink, [note(0, `run ${++runs}`)]));
  assert.match(divergence![1]!, /yet another thing/);
});

test('a run that depends on its plan alone passes the check', () => {
  const result = checkDeterminism((sink) => play(sink, notes(3000)));
  assert.is(result.divergence, undefined);
  assert.is(result.events, 3000);
  assert.is(result.hash, traceOf(3000).hash);
});

test('there is a checkpoint every 1,000 events', () => {
  assert.is(traceOf(999).checkpoints.length, 0);
  const trace = traceOf(2500);
  assert.equal(trace.checkpoints, [traceOf(1000).hash, traceOf(2000).hash]);
});

test('lines have fixed columns, at most 140 wide, without control characters', () => {
  const texts = fc.string({ maxLength: 300 });
  fc.assert(
    fc.property(texts, fc.nat(), fc.nat(999_999), (text, atUs, index) => {
      const line = lineOf({ kind: 'note', atUs, node: 2, client: -1, text }, index);
      assert.ok(line.length <= 140, line);
      assert.not.match(line, /\p{Cc}/u);
      assert.is(line.slice(26, 31).trim(), 'n2');
      assert.is(line.slice(31, 40).trim(), 'note');
    }),
  );
  assert.ok(TRACE_LEGEND.every((line) => line.length <= 140));
});

test('times are read as hours, minutes, seconds and microseconds', () => {
  assert.is(timeText(0), '0:00:00.000000');
  assert.is(timeText(3_723_000_042), '1:02:03.000042');
});

test('events are printed as they happen, and no text is built otherwise', () => {
  const lines: string[] = [];
  traced([note(0)], { print: (line) => lines.push(line) });
  assert.equal(lines, ['       1  0:00:00.000000  n0   note      note 0']);
});

test.run();
