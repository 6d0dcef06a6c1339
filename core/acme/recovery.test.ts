import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIMITS } from '../limits.ts';
import { Client, path } from '../testing/client.ts';
import { encodeCsr, Rig } from '../testing/rig.ts';

const DAY_MS = 86_400_000;

test('a node is not ready before what was under way has been taken up', () => {
  const rig = new Rig({ holds: () => true });
  assert.not(rig.node.ready);
  rig.releaseLoads();
  assert.ok(rig.node.ready);
});

test('the index is filled page by page, with pauses, and then no new name is looked up', () => {
  const early = new Rig();
  const client = Client.registered(early);
  const count = LIMITS.indexPage + 50;
  for (let i = 0; i < count; i += 50) {
    const names = Array.from({ length: 50 }, (_, j) => `n${i + j}.example`);
    client.prove(client.order(names).body);
  }
  const revived = new Rig({ database: early.database });
  client.rig = revived;
  client.order(['new.example']);
  const afterOne = revived.loads;
  client.order(['other.example']);
  assert.ok(revived.loads > afterOne, 'the database is asked while the index is not whole');
  for (let i = 0; i < 4; i++) revived.advance(LIMITS.waitCheckMs);
  const before = revived.loads;
  client.order(['third.example']);
  assert.is(revived.loads, before);
});

test('a probe of an account that has another key by now is made for that key', () => {
  const early = new Rig();
  const client = Client.registered(early);
  early.validator = () => undefined;
  client.prove(client.order(['a.example.com']).body);
  const next = new Client(early);
  client.post('/acme/key-change', client.keyChange(next));
  const revived = new Rig({ database: early.database, validator: () => undefined });
  const [probe] = revived.probes;
  assert.not(probe!.request.keyAuthorization === early.probes[0]!.request.keyAuthorization);
  assert.is(probe!.request.token, early.probes[0]!.request.token);
});

test('what is decided already is not taken up again', () => {
  const early = new Rig();
  const client = Client.registered(early);
  client.certificate(['a.example.com']);
  client.order(['b.example.com']);
  const revived = new Rig({ database: early.database, validator: () => undefined });
  assert.equal(revived.probes, []);
  assert.not(revived.effects.some(({ kind }) => kind === 'issue'));
});

test('more than one page of probes under way is taken up', () => {
  const early = new Rig();
  early.validator = () => undefined;
  const client = Client.registered(early);
  const count = LIMITS.selectionPage + 20;
  for (let i = 0; i < count; i += 100) {
    const names = Array.from({ length: Math.min(100, count - i) }, (_, j) => `n${i + j}.example`);
    client.prove(client.order(names).body);
  }
  const revived = new Rig({ database: early.database });
  assert.ok(revived.node.ready);
  const valid = revived.select({ kind: 'authorization', state: 'valid', limit: 9_999 });
  assert.is(valid.length, count);
});

test('probes of many accounts, all cold after a start, are taken up', () => {
  const early = new Rig();
  early.validator = () => undefined;
  for (let i = 0; i < LIMITS.loadsPerInput + 10; i++) {
    const client = Client.registered(early);
    client.prove(client.order(['a.example.com']).body);
  }
  const revived = new Rig({ database: early.database });
  assert.ok(revived.node.ready);
  const valid = revived.select({ kind: 'authorization', state: 'valid', limit: 999 });
  assert.is(valid.length, LIMITS.loadsPerInput + 10);
});

test('issuances of many orders, all cold after a start, are taken up', () => {
  const early = new Rig();
  early.issuer = () => undefined;
  const client = Client.registered(early);
  const count = LIMITS.loadsPerInput + 10;
  for (let i = 0; i < count; i++) {
    const order = client.order([`n${i}.example.com`]).body;
    client.prove(order);
    const csr = encodeCsr({ names: order['identifiers'], spkiHash: 'k' });
    client.begin(path(order['finalize']), { csr });
  }
  // Reading the valid authorizations would make them warm: that answer is kept back.
  const revived = new Rig({
    database: early.database,
    holds: ({ selections }) => selections.some(({ state }) => state === 'valid'),
  });
  assert.is(revived.select({ kind: 'certificate', limit: 999 }).length, count);
});

test('an issuance taken up twice makes one certificate', () => {
  const early = new Rig();
  const client = Client.registered(early);
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  early.issuer = () => undefined;
  const csr = encodeCsr({ names: order['identifiers'], spkiHash: 'k' });
  client.begin(path(order['finalize']), { csr });
  const revived = new Rig({ database: early.database });
  revived.submit({ kind: 'chore', chore: 'reissue', nowMs: revived.now.wallMs, afterId: '' });
  assert.is(revived.select({ kind: 'certificate', limit: 9 }).length, 1);
});

test('the sweep removes what expired long enough ago, and nothing else', () => {
  const rig = new Rig({ policy: { authorizationExpiryMs: 2 * DAY_MS } });
  const client = Client.registered(rig);
  client.certificate(['a.example.com']);
  const count = (kind: string): number => rig.select({ kind, limit: 99 }).length;
  rig.advance(DAY_MS + LIMITS.expiredRetentionMs);
  assert.equal(['order', 'authorization'].map(count), [1, 1]);
  rig.advance(LIMITS.sweepIntervalMs);
  assert.equal(['order', 'authorization'].map(count), [1, 1], 'the clock could be wrong');
  rig.advance(LIMITS.sweepCautionMs);
  assert.equal(['order', 'authorization'].map(count), [0, 1]);
  rig.advance(DAY_MS);
  assert.equal(['account', 'authorization', 'certificate'].map(count), [1, 0, 1]);
});

test('the sweep removes many pages', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  for (let i = 0; i < 11; i++) {
    client.order(Array.from({ length: 100 }, (_, j) => `n${i * 100 + j}.example`));
  }
  rig.advance(3 * DAY_MS);
  assert.is(rig.select({ kind: 'authorization', limit: 9_999 }).length, 0);
});

test('a wake is asked for at the next sweep, and sooner while somebody waits', () => {
  const rig = new Rig();
  const lastWake = (): number => {
    const effect = rig.effects.findLast(({ kind }) => kind === 'wake');
    return effect?.kind === 'wake' ? effect.monoMs - rig.now.monoMs : Number.NaN;
  };
  assert.is(lastWake(), LIMITS.sweepIntervalMs);
  const client = Client.registered(rig);
  rig.validator = () => undefined;
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  client.begin(path(order['authorizations'][0]), undefined);
  assert.is(lastWake(), LIMITS.waitCheckMs);
  rig.advance(LIMITS.waitCheckMs);
  assert.is(lastWake(), LIMITS.waitCheckMs, 'it still waits');
  rig.advance(LIMITS.longPollMs);
  assert.ok(lastWake() > LIMITS.longPollMs, 'nobody waits any more');
});

test.run();
