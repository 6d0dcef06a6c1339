// What one member with valid keys can do to the others through the real channel: at worst it is
// refused and named. The nodes live, also after a restart, know each other and serve.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../../core/crdt/record.ts';
import { EMPTY_ASK, EMPTY_PAGE } from '../../core/testing/empty-page.ts';
import { AcmeClient } from './testing/acme-client.ts';
import { Liar } from './testing/liar.ts';
import { Member, until } from './testing/member.ts';

const LATE = 'ffffffffffff-ffff-liar';
const EARLY = '000000000000-0000-liar';
const MOST = Number.MAX_SAFE_INTEGER;

let directory = '';
let victim: Member;
let witness: Member;
let liar: Liar;
let victimId = '';
let said = 0;

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'akamu-liar-'));
  victim = await Member.start({ directory, name: 'victim', gossip: {} });
  witness = await Member.start({ directory, name: 'witness', gossip: { peers: [victim.url] } });
  victim.configure([witness.url]);
  await Promise.all([victim.ready(), witness.ready()]);
  liar = new Liar(directory);
  victimId = await liar.join(victim.url);
  await until(
    async () => typeof (await liar.say(victim.url, victimId, EMPTY_ASK, null)) !== 'number',
    () => 'the liar is no member',
  );
});

test.after(async () => {
  await Promise.all([victim.close(), witness.close(), liar.close()]);
  rmSync(directory, { recursive: true });
});

/** Hands over records under dots of its own. */
function tell(records: readonly (readonly [kind: string, id: string, fields: Json])[]): void {
  const dotted = records.map(([kind, id, fields]) => [kind, id, 'liar.1', ++said, fields]);
  hand({ records: dotted });
}

/** Does not wait: what is refused is not answered for a while. */
function hand(lie: { readonly [member: string]: Json }): void {
  liar.say(victim.url, victimId, EMPTY_ASK, { ...EMPTY_PAGE, ...lie }).catch(() => {});
}

function blamed(): number {
  return victim.lines.filter((line) => line.includes(`peer="${liar.node}"`)).length;
}

/** Both still issue, with nonces of each other. */
async function serve(name: string): Promise<void> {
  await Promise.all([victim.ready(), witness.ready()]);
  const client = new AcmeClient();
  await client.register(victim);
  await client.certificate([victim, witness], name);
}

/** At most five times: then the log keeps a pace. */
async function blamesFor(records: Parameters<typeof tell>[0]): Promise<void> {
  const before = blamed();
  tell(records);
  await until(
    () => blamed() > before,
    () => `nobody was blamed:\n${victim.lines.join('\n')}`,
  );
}

test('records that nobody can read are refused, and the log names the liar', async () => {
  const made = { at: EARLY, value: {} };
  await blamesFor([['authorization', 'a', {}]]);
  await blamesFor([['authorization', 'a', { made, status: 'pending', 'http-01': 'processing' }]]);
  await blamesFor([['order', 'o', { made, status: 'processing' }]]);
  await blamesFor([['certificate', 'zz', { status: 'revoked' }]]);
  await serve('a.example.com');
});

test('what a node has not said of itself is refused, whoever passes it on', async () => {
  const last = (value: Json): Json => ({ version: MOST, at: LATE, value });
  const { node } = witness;
  const forged = { node, url: 'http://127.0.0.1:1', kem: 'AA', certificate: 'AA', madeMs: 0 };
  await blamesFor([['node', node, { descriptor: last(forged), status: 'member' }]]);
  await serve('b.example.com');
});

test('more origins than are read at once, and counters at their end, stop nobody', async () => {
  const digest = { day: 0, sum: null };
  const vector = Array.from({ length: 9_000 }, (_, i) => [`o${10_000 + i}.1`, 1]);
  hand({ complete: { vector, digest } });
  tell([['crl', 'default', { number: MOST }]]);
  const flood = Array.from({ length: 2_000 }, (_, i) => ['future', `f${i}`, { 'x-a': i }] as const);
  tell(flood);
  const asks = Array.from({ length: 8 }, () => liar.say(victim.url, victimId, EMPTY_ASK, null));
  assert.ok((await Promise.all(asks)).every((answer) => typeof answer === 'object'));
  await serve('c.example.com');
  assert.not(victim.lines.some((line) => line.includes('stopped acknowledging')));
});

test('nothing of it stops a node that starts again, or keeps it from its peers', async () => {
  const { port } = victim;
  await victim.close();
  victim = await Member.start({
    directory,
    name: 'victim',
    port,
    gossip: { peers: [witness.url] },
  });
  await serve('d.example.com');
  assert.not(
    victim.lines.some((line) => line.startsWith('ERROR')),
    victim.lines.join('\n'),
  );
});

test.run();
