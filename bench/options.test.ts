// Tests of the command line.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseOptions, UsageError } from './options.ts';

const refused: readonly string[][] = [
  ['unknown'],
  ['issuance', 'growth'],
  ['issuance', '--unknown'],
  ['issuance', '--to', '5000'],
  ['growth', '--rounds', '3'],
  ['issuance', '--clients', '1,,2'],
  ['issuance', '--clients', '0'],
  ['issuance', '--seconds', '1.5'],
  ['issuance', '--flows', '-1'],
  ['issuance', '--flows', '9', '--seconds', '9'],
  ['issuance', '--peer', 'boulder'],
  ['issuance', '--peer-only'],
  ['growth', '--peer', 'pebble'],
  ['growth', '--to', '1500'],
  ['sim', '--clients', '5'],
  ['sim', '--seeds', '0'],
];

for (const args of refused) {
  test(`"${args.join(' ')}" is refused`, () => {
    assert.throws(
      () => parseOptions(args),
      (error: unknown) => error instanceof UsageError,
    );
  });
}

test('without a command, or with --help, there is help', () => {
  for (const args of [[], ['--help'], ['issuance', '-h']]) {
    assert.equal(parseOptions(args), { command: 'help' });
  }
});

test('sim without options runs ten seeds in three rounds', () => {
  assert.equal(parseOptions(['sim']), { command: 'sim', seeds: 10, rounds: 3, asJson: false });
});

test('issuance without options runs 1, 10 and 25 clients in three rounds over HTTPS', () => {
  assert.equal(parseOptions(['issuance']), {
    command: 'issuance',
    clients: [1, 10, 25],
    budget: { seconds: 4 },
    rounds: 3,
    warmupSeconds: 10,
    withPeer: false,
    peerOnly: false,
    isTls: true,
    asJson: false,
    directory: undefined,
  });
});

test('flows take the place of seconds', () => {
  const options = parseOptions(['issuance', '--flows', '200', '--clients', '7']);
  assert.ok(options.command === 'issuance');
  assert.equal(options.budget, { flows: 200 });
  assert.equal(options.clients, [7]);
});

test('growth goes from 1,000 to 100,000 certificates unless told otherwise', () => {
  const options = parseOptions(['growth', '--plain-http']);
  assert.ok(options.command === 'growth');
  assert.equal([options.from, options.to, options.isTls], [1000, 100_000, false]);
});

test('a new node meets a million records and four clients unless told otherwise', () => {
  assert.throws(() => parseOptions(['join', '--database', 'oracle']), isUsageError);
  assert.throws(() => parseOptions(['join', '--database', 'toString']), isUsageError);
  assert.throws(() => parseOptions(['join', '--nodes', '3']), isUsageError);
  assert.equal(parseOptions(['join']), {
    command: 'join',
    records: 1_000_000,
    clients: 4,
    seconds: 5,
    databaseUrl: undefined,
    maxSeconds: 1800,
    asJson: false,
    directory: undefined,
  });
});

test('a cluster has two nodes at least, and three unless told otherwise', () => {
  assert.throws(() => parseOptions(['cluster', '--nodes', '1']), isUsageError);
  const options = parseOptions(['cluster', '--clients', '7']);
  assert.ok(options.command === 'cluster');
  assert.equal([options.nodes, options.clients, options.rounds], [3, 7, 3]);
});

function isUsageError(error: unknown): boolean {
  return error instanceof UsageError;
}

test.run();
