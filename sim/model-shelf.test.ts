import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Record } from '../core/crdt/record.ts';
import { Disk } from './disk.ts';
import { NodeShelf, type Origins } from './model-shelf.ts';

function account(id: string, thumbprint: string, version: number): Record {
  const key = { at: '0', version, value: { jwk: {}, thumbprint, spkiHash: thumbprint } };
  return { kind: 'account', id, fields: { key }, dot: { origin: 'n0.a', seq: version } };
}

test('a node that meets an account with a later key knows which key has made it', () => {
  const origins: Origins = new Map();
  const [first, second] = [new NodeShelf(new Disk(), origins), new NodeShelf(new Disk(), origins)];
  first.apply([account('a', 'one', 1)], []);
  assert.equal(second.accountsOf('one'), [], 'it does not have the account');
  second.apply([account('a', 'two', 2)], []);
  assert.equal(second.accountsOf('one'), ['a']);
  assert.equal(second.accountsOf('two'), ['a']);
});

test('a later key says nothing of accounts where it was not heard of', () => {
  const origins: Origins = new Map();
  const [first, second] = [new NodeShelf(new Disk(), origins), new NodeShelf(new Disk(), origins)];
  second.apply([account('a', 'one', 1)], []);
  first.apply([account('a', 'two', 2)], []);
  assert.equal(second.accountsOf('two'), []);
});

test.run();
