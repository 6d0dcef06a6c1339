// CAA (RFC 8659, RFC 8657): the judgement as a table, then the climb over the test DNS server.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ValidationRequest, ValidationResult } from '../../core/acme/validation.ts';
import { type CaaQuestion, caaRefusal } from './caa.ts';
import type { CaaProperty } from './resolver.ts';
import { ChallengeWorld, expectFailure } from './testing/challenge-world.ts';

const world = new ChallengeWorld();
const ACCOUNT = 'https://ca.test/acme/account/1';
const QUESTION: CaaQuestion = {
  wildcard: false,
  type: 'http-01',
  accountUrl: ACCOUNT,
  caaIdentities: ['ca.test', 'alias.test'],
};
const WILD: Partial<CaaQuestion> = { wildcard: true, type: 'dns-01' };

test.before(() => world.open());
test.after(() => world.close());

/** `!tag value` is a critical property. */
function properties(...lines: readonly string[]): readonly CaaProperty[] {
  return lines.map((line) => {
    const [, mark, tag, value] = /^(!?)(\S+) ?([\s\S]*)$/.exec(line)!;
    return { critical: mark === '!', tag: tag!, value: value! };
  });
}

/** What forbids it, and for whom; the reason as a pattern. */
const REFUSED: readonly (readonly [readonly string[], RegExp, Partial<CaaQuestion>?])[] = [
  [['issue ;'], /nobody may issue/],
  [['issue '], /nobody may issue/],
  [['issue other.test'], /only "other\.test" may issue/],
  [['issue other.test', 'issue third.test'], /"other\.test" may issue; only "third\.test"/],
  [['issue ca.test.evil.test'], /only "ca\.test\.evil\.test"/],
  [['issue sub.ca.test'], /only "sub\.ca\.test"/],
  [['issue ca test'], /malformed value/],
  [['issue ca..test'], /malformed value/],
  [['issue ca.test; accounturi'], /malformed value/],
  [['issue ca.test; =x'], /malformed value/],
  [['issue ca.test;; a=b'], /malformed value/],
  [['issue ca.test accounturi=x'], /malformed value/],
  [['issue %%%%%'], /malformed value "%%%%%"/],
  [['issue ca.test\u0000'], /malformed value "ca\.test\?"/],
  [['!unknown x', 'issue ca.test'], /unknown critical property "unknown"/],
  [['!tbs x', 'issue ca.test'], /unknown critical property "tbs"/],
  [[`issue ca.test; accounturi=${ACCOUNT}2`], /only account/],
  [[`issue ca.test; accounturi=${ACCOUNT}; accounturi=${ACCOUNT}`], /only account/],
  [['issue ca.test; accounturi='], /only account ""/],
  [['issue ca.test; validationmethods=dns-01'], /only validation methods "dns-01"/],
  [['issue ca.test; validationmethods=dns-01,http-01'], /only validation/, { type: 'tls-alpn-01' }],
  [['issue ca.test; validationmethods='], /only validation methods ""/],
  [['issue ca.test; validationmethods=http-01; validationmethods=http-01'], /only validation/],
  [['issuewild other.test', 'issue ca.test'], /only "other\.test"/, WILD],
  [['issuewild ;', 'issue ca.test'], /nobody may issue/, WILD],
  [['issue other.test', 'issuewild ca.test'], /only "other\.test"/],
  [['issue other.test'], /only "other\.test"/, WILD],
];

const ALLOWED: readonly (readonly [readonly string[], Partial<CaaQuestion>?])[] = [
  [['issue ca.test']],
  [['issue CA.Test']],
  [['issue alias.test']],
  [['issue \t ca.test \t ;']],
  [['issue other.test', 'issue ca.test']],
  [['issue ;', 'issue ca.test']],
  [['issue ca.test; anything=goes; else=1']],
  [[`issue ca.test; accounturi=${ACCOUNT}`]],
  [[`issue ca.test;accounturi = ${ACCOUNT};validationmethods=dns-01,http-01`]],
  [['issue ca.test; VALIDATIONMETHODS=http-01']],
  [[`issue ca.test; accounturi=${ACCOUNT}2`, `issue ca.test; accounturi=${ACCOUNT}`]],
  [['iodef mailto:security@good.test']],
  [['!iodef mailto:security@good.test']],
  [['!issue ca.test']],
  [['!issuemail ;']],
  [['unknown x']],
  [['issuewild ;']],
  [['issuewild other.test', 'issue ca.test']],
  [['issuewild ca.test', 'issue other.test'], WILD],
  [['issue ca.test'], WILD],
  [[]],
];

test('RFC 8659 §4: record sets that forbid issuing', () => {
  for (const [lines, reason, changes] of REFUSED) {
    const refusal = caaRefusal(properties(...lines), { ...QUESTION, ...changes });
    assert.match(refusal ?? `allowed by ${lines}`, reason);
  }
});

test('RFC 8659 §4: record sets that allow issuing', () => {
  for (const [lines, changes] of ALLOWED) {
    const refusal = caaRefusal(properties(...lines), { ...QUESTION, ...changes });
    assert.is(refusal, undefined, lines.join());
  }
});

const right = (name: string, changes: Partial<ValidationRequest> = {}): Promise<ValidationResult> =>
  world
    .validator()
    .validate(world.request('http-01', name, { caaIdentities: ['ca.test'], ...changes }));

const issue = (value: string, flags = 0, tag = 'issue') => [{ flags, tag, value }];

test('a record that forbids issuing is told with its owner and without a retry', async () => {
  world.dns.set('deep.down.no.test', 'A', ['127.0.0.1']);
  world.dns.set('no.test', 'CAA', issue('other.test'));
  const before = world.dns.asked.length;
  const result = await world
    .validator({ limits: { retryDelaysMs: [1, 1] } })
    .validate(world.request('http-01', 'deep.down.no.test', { caaIdentities: ['ca.test'] }));
  expectFailure(result, 'caa', /CAA at no\.test: only "other\.test" may issue$/);
  const asked = world.dns.asked.slice(before).filter((line) => line === 'no.test CAA');
  assert.is(asked.length, 1);
});

test('RFC 8659 §3: the nearest record set counts, not one above it', async () => {
  world.dns.set('www.near.test', 'A', ['127.0.0.1']);
  world.dns.set('near.test', 'CAA', issue('ca.test'));
  world.dns.set('test', 'CAA', issue('other.test'));
  assert.equal(await right('www.near.test'), { ok: true });
  world.dns.set('www.near.test', 'CAA', issue(';'));
  expectFailure(await right('www.near.test'), 'caa', /CAA at www\.near\.test: nobody/);
  world.dns.delete('test', 'CAA');
});

test('RFC 8659 §3: a name of many labels is climbed to the top', async () => {
  const name = `${'a.'.repeat(20)}top`;
  world.dns.set(name, 'A', ['127.0.0.1']);
  world.dns.set('top', 'CAA', issue('other.test'));
  expectFailure(await right(name), 'caa', /CAA at top:/);
  world.dns.delete('top', 'CAA');
  assert.equal(await right(name), { ok: true });
});

test('RFC 8659 §4.1: the critical flag is the highest bit', async () => {
  world.dns.set('flag.test', 'A', ['127.0.0.1']);
  world.dns.set('flag.test', 'CAA', issue('x', 128, 'future'));
  expectFailure(await right('flag.test'), 'caa', /unknown critical property "future"/);
  world.dns.set('flag.test', 'CAA', issue('x', 1, 'future'));
  assert.equal(await right('flag.test'), { ok: true });
  world.dns.set('flag.test', 'CAA', issue('x', 0, 'critical'));
  expectFailure(await right('flag.test'), 'caa', /unknown critical property/);
});

test('a lookup that fails at any height refuses', async () => {
  world.dns.set('www.broken.test', 'A', ['127.0.0.1']);
  for (const how of ['SERVFAIL', 'REFUSED', 'NOTIMP', 'silent'] as const) {
    world.dns.misbehave('broken.test', how, 'CAA');
    expectFailure(await right('www.broken.test'), 'dns', /looking up CAA for (www\.)?broken\.test/);
  }
});

test('CAA is not asked without identities, nor for IP addresses', async () => {
  world.dns.set('free.test', 'A', ['127.0.0.1']);
  world.dns.set('free.test', 'CAA', issue(';'));
  assert.equal(await right('free.test', { caaIdentities: [] }), { ok: true });
  assert.equal(await right('127.0.0.1'), { ok: true });
  assert.not(world.dns.asked.includes('free.test CAA'));
});

test('RFC 8659 §3: the record set of a CNAME target counts', async () => {
  world.dns.set('alias.cname.test', 'CNAME', ['real.cname.test']);
  world.dns.set('real.cname.test', 'A', ['127.0.0.1']);
  world.dns.set('real.cname.test', 'CAA', issue('other.test'));
  expectFailure(await right('alias.cname.test'), 'caa', /only "other\.test"/);
});

test.run();
