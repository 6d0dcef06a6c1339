import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyReplica } from '../../core/crdt/replica.ts';
import type { Input } from '../../core/input.ts';
import { Node, type NodeOptions } from '../../core/node.ts';
import { createPrimitives } from '../crypto/primitives.ts';
import { readCapsuleLine } from './capsule.ts';
import { recordedNode } from './recorder.ts';

const SECRET = new TextEncoder().encode('an HMAC key of thirty-two octets');
const NONCE_KEY = new TextEncoder().encode('the key under which nonces stand');
const MOMENT = Date.UTC(2030, 0, 2, 3, 4, 5);
const refuse = (): { readonly ok: false; readonly reason: string } => ({ ok: false, reason: '' });

const OPTIONS: NodeOptions = {
  node: 'a',
  replica: emptyReplica('a.1', '1'),
  nonces: { issuer: new Uint8Array(8), boot: new Uint8Array(4), key: NONCE_KEY },
  sealingKey: NONCE_KEY,
  policy: {
    baseUrl: 'https://ca.test',
    cas: [
      {
        id: 'default',
        chainPem: '',
        fullChainPem: '',
        rootPem: '',
        keyHashes: [],
        keyId: '',
        validityMs: 1,
        crlNextUpdateMs: 1,
      },
    ],
    challengeTypes: ['http-01'],
    orderExpiryMs: 1,
    authorizationExpiryMs: 1,
    externalAccountRequired: false,
    eabKeys: new Map([['kid', SECRET]]),
    caaIdentities: [],
    renewalRetryAfterSecs: 1,
  },
  primitives: createPrimitives({ readCsr: refuse, readCertificate: refuse }),
};
const NONCE: Input = {
  kind: 'request',
  request: 1,
  entropy: new Uint8Array(32),
  web: { method: 'HEAD', target: '/acme/new-nonce', contentType: '', body: '' },
};
const NOW = { wallMs: MOMENT, monoMs: 7 };

interface Place {
  dir: string;
  said: string[];
  log: (message: string, fields: { readonly [name: string]: string }) => void;
}
const test = suite<Place>('recorder');

test.before.each((place) => {
  place.dir = mkdtempSync(join(tmpdir(), 'akamu-capsule-'));
  place.said = [];
  place.log = (message, fields) => place.said.push(`${message} ${fields['reason'] ?? ''}`);
});

test.after.each(({ dir }) => rmSync(dir, { recursive: true, force: true }));

test('a directory that cannot be written costs the recording, not the node', ({
  dir,
  said,
  log,
}) => {
  const file = join(dir, 'file');
  writeFileSync(file, '');
  const { node, door } = recordedNode(OPTIONS, { dir: file, name: 'b1', log }, MOMENT);
  assert.is(door, node);
  assert.match(said.join(), /cannot record .*EEXIST/);
});

test('a recorded node does what any node does', ({ dir, log }) => {
  const { door } = recordedNode(OPTIONS, { dir, name: 'b1', log }, MOMENT);
  const plain = new Node(OPTIONS);
  for (const input of [{ kind: 'boot' }, NONCE] as const) {
    assert.equal(door.step(NOW, input), plain.step(NOW, input));
  }
});

test('keys are not written, and the file is for its owner', ({ dir, log }) => {
  const { door } = recordedNode(OPTIONS, { dir, name: 'b1', log }, MOMENT);
  door.step(NOW, NONCE);
  door.step(NOW, { kind: 'configure', policy: OPTIONS.policy });
  const [name = ''] = readdirSync(dir);
  assert.is(name, '20300102T030405Z-b1.capsule');
  assert.is(statSync(join(dir, name)).mode & 0o077, 0);
  const text = readFileSync(join(dir, name), 'utf8');
  for (const key of [SECRET, NONCE_KEY]) {
    for (const form of ['base64', 'base64url', 'hex', 'latin1'] as const) {
      assert.not.ok(text.includes(Buffer.from(key).toString(form)));
    }
  }
  const lines = text.trimEnd().split('\n').map(readCapsuleLine);
  assert.equal(
    lines.map(({ line }) => line),
    ['node', 'input', 'done', 'input', 'done'],
  );
  assert.is(lines[2]?.line === 'done' && lines[2].keyed.length, 1);
});

test('the input that the core dies of is in the file, and so is why', ({ dir, log }) => {
  const { door } = recordedNode(OPTIONS, { dir, name: 'b1', log }, MOMENT);
  const loaded = { records: [], selections: [], ranges: [] };
  assert.throws(() => door.step(NOW, { kind: 'loaded', load: 9, loaded }), /asked for/);
  const text = readFileSync(join(dir, readdirSync(dir)[0]!), 'utf8');
  assert.match(text, /"load":9.*\n.*"threw".*asked for/);
});

test('a capsule ends at its greatest size, on a whole step', ({ dir, said, log }) => {
  const { door } = recordedNode(OPTIONS, { dir, name: 'b1', log, maxOctets: 4000 }, MOMENT);
  for (let i = 0; i < 100; i++) door.step(NOW, NONCE);
  const text = readFileSync(join(dir, readdirSync(dir)[0]!), 'utf8');
  assert.ok(text.length > 4000 && text.length < 6000, `${text.length}`);
  const lines = text.trimEnd().split('\n').map(readCapsuleLine);
  assert.equal(
    lines.slice(-2).map(({ line }) => line),
    ['done', 'full'],
  );
  assert.match(said.join(), /recording ended the capsule has reached its greatest size/);
});

test('only the newest capsules stay, and other files are left alone', ({ dir, log }) => {
  writeFileSync(join(dir, 'notes.txt'), 'mine');
  for (let i = 0; i < 12; i++) {
    recordedNode(OPTIONS, { dir, name: 'b1', log }, MOMENT + i * 1000);
  }
  const names = readdirSync(dir).sort();
  assert.is(names.length, 9);
  assert.is(names[0], '20300102T030409Z-b1.capsule');
  assert.is(names.at(-1), 'notes.txt');
});

test.run();
