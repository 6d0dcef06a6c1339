import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../io/log.ts';
import { createMetrics } from '../../io/metrics.ts';
import { ClockSkew } from './clock-skew.ts';
import { Notices } from './notices.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12, 0, 0, 400);

function observed(dates: readonly (string | undefined)[]): { secs: unknown; lines: string[] } {
  const lines: string[] = [];
  const log = createLog({
    level: 'debug',
    format: 'text',
    timestamps: false,
    now: () => 0,
    write: (line) => lines.push(line.trimEnd()),
  });
  const skew = new ClockSkew(createMetrics(), new Notices(log), () => NOW_MS);
  for (const date of dates) skew.observe('n', 'http://n:1', date);
  return { secs: skew.secs.get('n'), lines };
}

test('what is no date tells nothing', () => {
  assert.equal(observed([undefined, '', 'yesterday']), { secs: undefined, lines: [] });
});

test('a clock that agrees is not worth a line', () => {
  assert.equal(observed(['Thu, 01 Jan 2026 12:00:00 GMT']), { secs: 0, lines: [] });
  assert.equal(observed(['Thu, 01 Jan 2026 12:00:09 GMT']), { secs: 9, lines: [] });
});

test('a clock that is off by ten seconds is, in both directions', () => {
  const line = 'WARN gossip: the clocks of this node and of a peer differ peer="http://n:1"';
  assert.equal(observed(['Thu, 01 Jan 2026 12:00:10 GMT']), {
    secs: 10,
    lines: [`${line} peer_is_ahead_secs=10`],
  });
  assert.equal(observed(['Thu, 01 Jan 2026 11:59:00 GMT']), {
    secs: -60,
    lines: [`${line} peer_is_ahead_secs=-60`],
  });
});

test.run();
