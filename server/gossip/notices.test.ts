import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../io/log.ts';
import { Notices } from './notices.ts';

function watched(): { notices: Notices; lines: string[]; clock: { ms: number } } {
  const lines: string[] = [];
  const clock = { ms: 0 };
  const log = createLog({
    level: 'debug',
    format: 'text',
    timestamps: false,
    now: () => 0,
    write: (line) => lines.push(line.trimEnd()),
  });
  return { notices: new Notices(log, () => clock.ms), lines, clock };
}

test('a flood of one subject is a few lines, and the next one says how many were left out', () => {
  const { notices, lines, clock } = watched();
  for (let n = 0; n < 1000; n++) notices.say('warn', 'gossip: a flood', 'x');
  const { length } = lines;
  assert.ok(length > 0 && length <= 10, `${length} lines`);
  clock.ms += 60_000;
  notices.say('warn', 'gossip: a flood', 'x');
  assert.is(lines.at(-1), `WARN gossip: a flood peer="x" suppressed=${1000 - length}`);
});

test('one subject does not silence another', () => {
  const { notices, lines } = watched();
  for (let n = 0; n < 1000; n++) notices.say('warn', 'a flood', 'x');
  notices.say('warn', 'a flood', 'y');
  notices.say('info', 'something else', undefined, { n: 1 });
  assert.equal(lines.slice(-2), [
    'WARN gossip: a flood peer="y"',
    'INFO gossip: something else n=1',
  ]);
});

test('ever new subjects together come no faster than one', () => {
  const { notices, lines } = watched();
  for (let n = 0; n < 20_000; n++) notices.say('warn', 'a flood', `peer ${n}`);
  assert.ok(lines.length < 1_100, `${lines.length} lines`);
});

test.run();
