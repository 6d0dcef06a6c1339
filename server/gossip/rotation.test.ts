// What a rotation does, in which order, and what comes of it when something fails half-way.

import { randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { done, refusal } from '../../core/command-answer.ts';
import type { WebResponse } from '../../core/effect.ts';
import type { Command } from '../../core/input.ts';
import { makeNodeKeys, type NodeKeys, readNodeKeys } from '../../io/channel/node-keys.ts';
import type { Batch } from '../../io/store/store.ts';
import { Rotation } from './rotation.ts';

const NOW = Date.UTC(2026, 0, 1);
const SECRET = new Uint8Array(randomBytes(32));
const KEYS = makeNodeKeys('http://a.test', NOW);

/** A node around a rotation: writes down what is asked of it, and fails where it is told to. */
class Host {
  readonly did: string[] = [];
  readonly facts = new Map<string, string>();
  renewed: NodeKeys | undefined;
  announced: Command | undefined;
  failure: unknown;
  readonly said: string[] = [];
  readonly rotation: Rotation;
  readonly #breaks: string;
  readonly #verdict: WebResponse;

  constructor(breaks = '', verdict: WebResponse = done({})) {
    this.#breaks = breaks;
    this.#verdict = verdict;
    this.rotation = new Rotation({
      keys: KEYS,
      clusterSecret: SECRET,
      nowMs: () => NOW,
      notices: { say: (level, line) => this.said.push(`${level} ${line}`) },
      store: { commit: ({ meta }) => this.#do('commit', () => this.#store(meta)) },
      channel: {
        renew: (keys) =>
          this.#do('renew', () => {
            this.renewed = keys;
          }),
      },
    });
  }

  readonly administer = async (command: Command): Promise<WebResponse | undefined> => {
    this.did.push(command.kind);
    if (command.kind === 'may-rotate') return this.#verdict;
    this.announced = command;
    return done({ announced: true });
  };

  readonly fail = (error: unknown): void => {
    this.failure = error;
  };

  run(afterMs?: number): Promise<WebResponse | undefined> {
    return this.rotation.run(this, afterMs);
  }

  #store(meta: Batch['meta']): void {
    for (const [name, fact] of meta) this.facts.set(name, fact!);
  }

  async #do(what: string, work: () => void): Promise<void> {
    this.did.push(what);
    if (what === this.#breaks) throw new Error(`no ${what}`);
    work();
  }
}

test('what the core refuses is not done', async () => {
  const verdict = refusal(409, 'not yet', 'wait');
  const host = new Host('', verdict);
  assert.is(await host.run(), verdict);
  assert.equal(host.did, ['may-rotate']);
});

test('a key that could not be stored is never used, and the node begins anew', async () => {
  const host = new Host('commit');
  assert.is(await host.run(), undefined);
  assert.equal(host.did, ['may-rotate', 'commit']);
  assert.match(String(host.failure), 'no commit');
});

test('a channel that is gone tells nobody of the key, which the next start finds', async () => {
  const host = new Host('renew');
  assert.is(await host.run(), undefined);
  assert.equal(host.did, ['may-rotate', 'commit', 'renew']);
  assert.match(String(host.failure), 'no renew');
  assert.is.not(readNodeKeys(host.facts, SECRET)!.descriptor.kem, KEYS.descriptor.kem);
});

test('a second rotation at the same time is refused, one after it is not', async () => {
  const host = new Host();
  const [first, second] = await Promise.all([host.run(), host.run()]);
  assert.equal([first?.status, second?.status], [200, 409]);
  assert.is((await host.run())?.status, 200);
});

test('the key is durable before it is used, and used before it is told of', async () => {
  const host = new Host();
  assert.is((await host.run())?.status, 200);
  assert.equal(host.did, ['may-rotate', 'commit', 'renew', 'rotated']);
  const stored = readNodeKeys(host.facts, SECRET)!;
  assert.equal(host.renewed, stored);
  assert.equal(host.announced, { kind: 'rotated', descriptor: stored.descriptor });
  assert.equal(stored.kemSeeds[1], KEYS.kemSeeds[0]);
  assert.is(stored.descriptor.node, KEYS.descriptor.node);
  assert.ok(stored.descriptor.madeMs > KEYS.descriptor.madeMs);
});

test('a key can be made later than one that is known elsewhere, whatever the clock says', async () => {
  const host = new Host();
  const madeMs = NOW + 86_400_000;
  await host.run(madeMs);
  assert.ok(readNodeKeys(host.facts, SECRET)!.descriptor.madeMs > madeMs);
});

test('a key that cannot be described is refused, and said so', async () => {
  const host = new Host();
  await host.rotation.renew(host, { ...KEYS.descriptor, madeMs: Number.MAX_SAFE_INTEGER });
  assert.equal(host.did, ['may-rotate']);
  assert.match(host.said.join(), /^warn the database is older .* and that stays so$/);
});

test('an outdated node gets another key, but not without end: a copy of it would as well', async () => {
  const host = new Host();
  for (let n = 1; n <= 4; n++) {
    await host.rotation.renew(host, { ...KEYS.descriptor, madeMs: NOW + n * 86_400_000 });
  }
  assert.is(host.did.filter((what) => what === 'commit').length, 2);
  assert.is(host.said.filter((line) => /^warn .*has another now$/.test(line)).length, 2);
  assert.is(
    host.said.filter((line) => /^error .*with a copy of its database/.test(line)).length,
    2,
  );
});

test('the next rotation begins with the keys of the last one', async () => {
  const host = new Host();
  await host.run();
  const first = host.renewed!;
  await host.run();
  assert.equal(host.renewed!.kemSeeds[1], first.kemSeeds[0]);
  assert.ok(host.renewed!.descriptor.madeMs > first.descriptor.madeMs);
});

test.run();
