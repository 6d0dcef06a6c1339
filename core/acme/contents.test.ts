import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { first, last } from '../crdt/lattice.ts';
import type { Json, Record } from '../crdt/record.ts';
import { deletion } from '../crdt/replica.ts';
import { Client } from '../testing/client.ts';
import { Cluster } from '../testing/cluster.ts';
import { faultOf } from './contents.ts';

const AT = '000000000001-0000-a';

/** One record of each kind, as nodes write them. */
function written(): readonly Record[] {
  const secret = new Uint8Array(32).fill(9);
  const policy = { eabKeys: new Map([['key-1', secret]]) };
  const cluster = new Cluster(['a', 'b'], { policy });
  const client = new Client(cluster.rig('a'));
  client.register({ externalAccountBinding: client.binding('key-1', secret) });
  const { pem } = client.certificate(['a.example.com', '*.b.example.com']);
  client.revoke(pem);
  cluster.rig('a').validator = () => ({ ok: false, problem: 'dns', detail: 'no such name' });
  client.prove(client.order(['c.example.com']).body);
  client.post('/acme/key-change', client.keyChange(new Client(cluster.rig('a'))));
  return [...cluster.rig('a').database.values()];
}

const RECORDS = written();

function one(kind: string): Record {
  return RECORDS.find((record) => record.kind === kind)!;
}

/** A record with something else in one member of the value of a register. */
function bent(kind: string, field: string, member: string, value: Json | undefined): Record {
  const record = RECORDS.find((each) => each.kind === kind && each.fields[field] !== undefined)!;
  const register = record.fields[field] as { readonly value: { readonly [name: string]: Json } };
  const { [member]: _, ...others } = register.value;
  const content = value === undefined ? others : { ...others, [member]: value };
  return { ...record, fields: { ...record.fields, [field]: { ...register, value: content } } };
}

const NONSENSE: readonly (readonly [string, string, string, Json | undefined])[] = [
  ['account', 'key', 'thumbprint', 7],
  ['account', 'key', 'jwk', { kty: 5 }],
  ['account', 'key', 'jwk', []],
  ['account', 'eab', 'kid', null],
  ['order', 'made', 'account', undefined],
  ['order', 'made', 'account', 'a b'],
  ['order', 'made', 'identifiers', 'none'],
  ['order', 'made', 'identifiers', [{ type: 'dns', value: 'a b' }]],
  ['order', 'made', 'authorizations', [null]],
  ['order', 'made', 'authorizations', ['']],
  ['order', 'made', 'expiresMs', '1'],
  ['order', 'made', 'expiresMs', 1e300],
  ['order', 'made', 'expiresMs', -1],
  ['order', 'made', 'createdMs', 0.5],
  ['order', 'made', 'notBeforeMs', Number.MAX_SAFE_INTEGER],
  ['order', 'made', 'replaced', 'not hex'],
  ['order', 'csr', 'csr', ['a']],
  ['order', 'certificate', 'serial', 17],
  ['authorization', 'made', 'identifier', 'a.example.com'],
  ['authorization', 'made', 'challenges', 'http-01'],
  ['authorization', 'made', 'token', 5],
  ['authorization', 'made', 'wildcard', 'no'],
  ['authorization', 'error', 'type', {}],
  ['certificate', 'made', 'der', 'not base64'],
  ['certificate', 'made', 'ca', {}],
  ['certificate', 'revocation', 'atMs', null],
  ['certificate', 'revocation', 'reason', 1.5],
  ['eab', 'used', 'account', 5],
];

for (const [kind, field, member, value] of NONSENSE) {
  test(`${kind}.${field} is refused when its ${member} is ${JSON.stringify(value)}`, () => {
    assert.is(faultOf(bent(kind, field, member, value)), `${kind}.${field}`);
  });
}

test('a register that holds nothing of the kind is refused', () => {
  for (const value of [null, 'x', [], 1, {}]) {
    const record = one('order');
    const fields = { ...record.fields, made: first(AT, value) };
    assert.is(faultOf({ ...record, fields }), 'order.made');
  }
});

test('a record that lacks what readers need is refused', () => {
  for (const [kind, field] of [
    ['order', 'made'],
    ['account', 'key'],
    ['key', 'account'],
  ] as const) {
    const { [field]: _, ...fields } = one(kind).fields;
    assert.is(faultOf({ ...one(kind), fields }), `${kind}.${field}`);
  }
});

test('a certificate is refused under what is no serial number, or with half a revocation', () => {
  const { id, fields } = one('certificate');
  for (const other of ['xyz', '', 'abc', 'a'.repeat(42)]) {
    assert.is(faultOf({ kind: 'certificate', id: other, fields }), 'certificate');
  }
  const { revocation: _, ...others } = fields;
  assert.is(faultOf({ kind: 'certificate', id, fields: others }), 'certificate');
  assert.is(
    faultOf({ kind: 'certificate', id, fields: { ...fields, status: 'valid' } }),
    'certificate',
  );
});

test('every record that nodes write is sound', () => {
  const kinds = ['account', 'authorization', 'certificate', 'eab', 'key', 'node', 'order'];
  assert.equal([...new Set(RECORDS.map(({ kind }) => kind))].sort(), kinds);
  for (const record of RECORDS) assert.is(faultOf(record), undefined, JSON.stringify(record));
});

test('members that a newer version adds are let through, and kinds and fields it invents', () => {
  assert.is(faultOf(bent('order', 'made', 'profile', 'short-lived')), undefined);
  const fields = { ...one('order').fields, newer: first(AT, null) };
  assert.is(faultOf({ ...one('order'), fields }), undefined);
  assert.is(
    faultOf({ kind: 'newer', id: 'x', fields: { made: last(undefined, AT, 5) } }),
    undefined,
  );
});

test('what a deletion leaves behind is sound', () => {
  assert.is(faultOf({ kind: 'eab', id: 'key-1', fields: deletion(AT) }), undefined);
});

test.run();
