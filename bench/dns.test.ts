// Tests of the name server, with node:dns as its client.

import { Resolver } from 'node:dns/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answerTo, startNameServer } from './dns.ts';

test('what is not one question is not answered', () => {
  assert.is(answerTo(new Uint8Array(0)), undefined);
  assert.is(answerTo(new Uint8Array(12)), undefined);
  const answer = Uint8Array.of(0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1);
  assert.is(answerTo(answer), undefined);
  const twoQuestions = Uint8Array.of(0, 1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1);
  assert.is(answerTo(twoQuestions), undefined);
});

test('a name that runs past the datagram is not answered', () => {
  const runaway = Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 60, 97, 98);
  assert.is(answerTo(runaway), undefined);
  const pointer = Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1);
  assert.is(answerTo(pointer), undefined);
});

test('RFC 1035 §4.1: A is answered with 127.0.0.1, all else with no record', async () => {
  const server = await startNameServer();
  try {
    const resolver = new Resolver({ timeout: 2000, tries: 1 });
    resolver.setServers([`127.0.0.1:${server.port}`]);
    assert.equal(await resolver.resolve4('n123.bench.test'), ['127.0.0.1']);
    for (const type of ['AAAA', 'CAA', 'TXT'] as const) {
      const code = await resolver.resolve('n123.bench.test', type).then(
        () => 'records',
        (error) => error.code,
      );
      assert.is(code, 'ENODATA', type);
    }
  } finally {
    server.close();
  }
});

test.run();
