import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Effect } from '../../core/effect.ts';
import { History, record } from '../testing/history.ts';
import { control } from './control.ts';

const PROMISE = 'authorizations follow from probes';
const request = {
  type: 'http-01',
  identifier: { type: 'dns', value: 'a.example' },
  wildcard: false,
  token: 't',
  keyAuthorization: 't.k',
  accountUrl: 'https://ca.sim/acme/account/a',
  caaIdentities: [],
} as const;

function persist(type: string): Effect {
  const fields = { status: 'valid', [type]: 'valid' };
  const records = [record('authorization/z', fields)];
  return { kind: 'persist', records, forget: [], facts: new Map() };
}

function validated(ok: boolean): Parameters<History['step']>[1] {
  const result = ok ? { ok } : { ok, problem: 'dns' as const, detail: 'nothing there' };
  return { kind: 'validated', authorization: 'z', type: 'http-01', result };
}

test('an authorization that becomes valid without a probe is seen', () => {
  const history = new History(control());
  history.step(0, { kind: 'tick' }, [persist('http-01')]);
  assert.equal(history.promises, [PROMISE]);
});

test('a failed probe, or one of another challenge, proves nothing', () => {
  const history = new History(control());
  history.step(0, validated(false), [persist('http-01')]);
  history.step(0, validated(true), [persist('dns-01')]);
  assert.equal(history.promises, [PROMISE, PROMISE]);
});

test('RFC 8555 §7.1.3: a wildcard that is not probed by DNS is seen', () => {
  const history = new History(control());
  const probe = { ...request, wildcard: true };
  history.step(0, { kind: 'tick' }, [
    { kind: 'validate', authorization: 'z', request: probe },
    { kind: 'validate', authorization: 'y', request },
  ]);
  assert.equal(history.promises, [PROMISE]);
});

test('what a probe on any node has shown is right everywhere', () => {
  const history = new History(control());
  const dns = { ...request, type: 'dns-01', wildcard: true } as const;
  history.step(1, { kind: 'tick' }, [{ kind: 'validate', authorization: 'z', request: dns }]);
  history.step(1, validated(true), [persist('http-01')]);
  history.step(0, { kind: 'told', from: 'n1', page: null }, [persist('http-01')]);
  assert.equal(history.findings, []);
});

test.run();
