// What messages cost: `node dist/io/channel/testing/measure.js`. Prints, for pages of several sizes,
// octets and milliseconds of each step, and the time of a redemption there and back.
// Never here: judgement; figures depend on the machine and on what else it does.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { toBase64, toBase64Url } from '../../../core/bytes.ts';
import { encode } from '../../../core/codec.ts';
import type { Json } from '../../../core/crdt/record.ts';
import type { Channel } from '../channel.ts';
import { makeNodeCertificate } from '../node-certificate.ts';
import { makeNodeKeys } from '../node-keys.ts';
import { openChannel } from '../open-channel.ts';

const LIMITS = {
  skewToleranceMs: 60_000,
  maxAgeMs: 60_000,
  sealedOctets: 64_000_000,
  inflatedOctets: 64_000_000,
};

async function main(): Promise<void> {
  const clusterSecret = new Uint8Array(randomBytes(32));
  const [alice, bob] = ['alice', 'bob'].map((name) => {
    const keys = makeNodeKeys(`http://${name}.test`, Date.now());
    return openChannel({ keys, clusterSecret, nowMs: Date.now, limits: LIMITS });
  }) as [Channel, Channel];
  alice.members([bob.descriptor], []);
  bob.members([alice.descriptor], []);
  alice.heardBoot(bob.node, bob.boot);
  const pages: [name: string, page: Json][] = [
    ['1 KB', recordsOf(2)],
    ['64 KB', recordsOf(78)],
    ['1 MB', recordsOf(1_250)],
    ['1,000 records', recordsOf(1_000)],
  ];
  for (let warmUp = 0; warmUp < 30; warmUp++) await exchange(alice, bob, pages[0]![1]);
  for (const [name, page] of pages) await report(alice, bob, name, page);
  await reportRedemptions(alice, bob);
  await Promise.all([alice.close(), bob.close()]);
}

interface Costs {
  readonly sealMs: number;
  readonly openMs: number;
  /** Of the whole process less its threads' waiting: what the main thread itself spent. */
  readonly mainMs: number;
  readonly octets: number;
}

async function exchange(alice: Channel, bob: Channel, page: Json): Promise<Costs> {
  const before = performance.eventLoopUtilization();
  const start = performance.now();
  const sent = await alice.sealAsk(bob.node, {}, page);
  const sealed = performance.now();
  const asked = await bob.openAsk(alice.node, sent.body);
  const opened = performance.now();
  const mainMs = performance.eventLoopUtilization(before).active;
  await alice.openAnswer(sent, bob.node, await bob.sealAnswer(asked, null));
  const octets = sent.body.length;
  return { sealMs: sealed - start, openMs: opened - sealed, mainMs, octets };
}

async function report(alice: Channel, bob: Channel, name: string, page: Json): Promise<void> {
  const runs: Costs[] = [];
  for (let run = 0; run < 25; run++) runs.push(await exchange(alice, bob, page));
  const median = (of: keyof Costs): number => runs.map((run) => run[of]).sort((a, b) => a - b)[12]!;
  const cbor = encode(page).length;
  const perRecord = (median('octets') / (page as readonly Json[]).length).toFixed(0);
  console.log(
    `${name}: ${cbor} octets of CBOR, ${median('octets')} sealed (${perRecord} a record); ` +
      `seal ${median('sealMs').toFixed(2)} ms, open ${median('openMs').toFixed(2)} ms, ` +
      `both on the main thread ${median('mainMs').toFixed(2)} ms`,
  );
}

async function reportRedemptions(alice: Channel, bob: Channel): Promise<void> {
  const count = 5_000;
  let start = 0;
  let octets = 0;
  for (let i = -count; i < count; i++) {
    if (i === 0) start = performance.now();
    const sent = await alice.sealFast(bob.node, {
      kind: 'redeem',
      nonces: ['n'.repeat(60)],
      reads: [null],
      ask: { vector: { a: i } },
    });
    const asked = await bob.openFast(alice.node, sent.body);
    const body = await bob.sealFastAnswer(asked, {
      verdicts: [{ verdict: 'spent', upTo: null }],
      page: null,
    });
    await alice.openFastAnswer(sent, bob.node, body);
    octets = sent.body.length + body.length;
  }
  const us = ((performance.now() - start) / count) * 1000;
  console.log(`redemption there and back: ${us.toFixed(0)} µs in all, ${octets} octets`);
}

/** As issuances leave them: authorizations, orders and certificates in equal parts. */
function recordsOf(count: number): readonly Json[] {
  const origin = `${id(20)}.01a2b3c4`;
  const accounts = Array.from({ length: 20 }, () => id(20));
  return Array.from({ length: count }, (_, i): Json => {
    const issuance = Math.floor(i / 3);
    const account = accounts[issuance % 20]!;
    const dot: Json = [origin, i + 1];
    const at = `${(1_795_661_673_000 + i).toString(16)}-0000-${origin.slice(0, 27)}`;
    const first = (value: Json): Json => ({ at, value });
    const identifiers = [{ type: 'dns', value: `n${issuance}.example.test` }];
    const times = { createdMs: 1_795_661_673_000 + i, expiresMs: 1_795_748_073_000 + i };
    if (i % 3 === 0) {
      const value = {
        account,
        identifier: identifiers[0]!,
        wildcard: false,
        token: id(33),
        ...times,
      };
      const made = first({ ...value, challenges: ['http-01', 'dns-01', 'tls-alpn-01'] });
      const validated = first({ type: 'http-01', atMs: times.createdMs });
      const fields = { made, status: 'valid', 'http-01': 'valid', validated };
      return { kind: 'authorization', id: id(16), fields, dot };
    }
    if (i % 3 === 1) {
      const made = first({
        account,
        identifiers,
        authorizations: [id(16)],
        ca: 'default',
        ...times,
      });
      const csr = first({ csr: id(235), atMs: times.createdMs });
      const certificate = first({ serial: randomBytes(16).toString('hex') });
      const fields = { made, status: 'valid', csr, certificate };
      return { kind: 'order', id: id(16), fields, dot };
    }
    const made = first({
      ca: 'default',
      order: id(16),
      account,
      identifiers,
      der: toBase64(certificateFor(issuance)),
      notBeforeMs: times.createdMs,
      notAfterMs: times.expiresMs,
      spkiHash: id(32),
    });
    const fields = { made, status: 'valid' };
    return { kind: 'certificate', id: randomBytes(16).toString('hex'), fields, dot };
  });
}

function certificateFor(issuance: number): Uint8Array {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const content = { url: `https://n${issuance}.example.test`, kemPublicKey: new Uint8Array(1184) };
  return makeNodeCertificate({ ...content, madeMs: 1_795_661_673_000 }, privateKey);
}

function id(octets: number): string {
  return toBase64Url(randomBytes(octets));
}

await main();
