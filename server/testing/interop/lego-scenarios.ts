// What lego must be able to do with the server: every challenge type, wildcards, IP addresses,
// every key type it knows, renewal and revocation.
// Invariant: every certificate is judged by OpenSSL. Never here: how lego is run.

import { Lego } from './lego.ts';
import { leafOf, revocationReason, verifyChain, verifyRevocation } from './openssl.ts';
import { succeed } from './program.ts';
import { expect, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const programs = ['lego', 'openssl', 'curl'] as const;

export const LEGO_SCENARIOS: readonly Scenario[] = [
  { title: 'lego obtains over http-01, renews and revokes', programs, play: life },
  { title: 'lego obtains over tls-alpn-01', programs, play: tlsAlpn },
  { title: 'lego obtains a wildcard and its base name over dns-01', programs, play: wildcard },
  { title: 'lego obtains for a CSR that OpenSSL made', programs, play: ownCsr },
  { title: 'lego uses accounts and certificates of every key type', programs, play: keyTypes },
  { title: 'lego shows why a name could not be validated', programs, play: refusals },
];

async function life(stage: Stage): Promise<void> {
  const akamu = await stage.server();
  const lego = new Lego(stage, akamu);
  const names = [stage.host('www'), stage.host('alias')];
  const other = [stage.host('other')];
  await lego.run(names, 'http-01', [], 'run');
  await lego.run(other, 'http-01', [], 'run');
  const issued = lego.issued(names[0]!);
  await verifyChain(issued, names);
  const before = leafOf(issued).serialNumber;
  await lego.run(names, 'http-01', [], 'renew', '--days', '365', '--no-random-sleep');
  await verifyChain(issued, names);
  expect('a renewal has the same serial', leafOf(issued).serialNumber === before, false);
  await lego.run(names, 'http-01', [], 'revoke', '--keep', '--reason', '1');
  await verifyRevocation(akamu, { good: [lego.issued(other[0]!)], revoked: [issued] });
  expect('the reason on the list', await revocationReason(issued), 'Key Compromise');
  await lego.refuses(/acme:error:alreadyRevoked/, names, 'http-01', [], 'revoke', '--keep');
}

async function tlsAlpn(stage: Stage): Promise<void> {
  const lego = new Lego(stage, await stage.server());
  const names = [stage.host('www'), stage.host('mail')];
  await lego.run(names, 'tls-alpn-01', [], 'run');
  await verifyChain(lego.issued(names[0]!), names);
}

async function wildcard(stage: Stage): Promise<void> {
  const lego = new Lego(stage, await stage.server());
  const base = stage.host('zone');
  await lego.run([`*.${base}`, base], 'dns-01', [], 'run');
  await verifyChain(lego.issued(`*.${base}`), [`*.${base}`, base]);
}

/** The CSR has a common name, names in upper case, and extensions nobody asked for. */
async function ownCsr(stage: Stage): Promise<void> {
  const akamu = await stage.server();
  const lego = new Lego(stage, akamu);
  const names = [stage.host('first'), stage.host('second')];
  const csrFile = stage.path('request.csr');
  const upper = names.map((name) => name.toUpperCase());
  await succeed('openssl', [
    ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', stage.path('key.pem')],
    ...['-subj', `/O=Example/CN=${upper[0]}`, '-out', csrFile],
    ...['-addext', `subjectAltName=${upper.map((name) => `DNS:${name}`).join(',')}`],
    ...['-addext', 'keyUsage=digitalSignature,keyEncipherment'],
  ]);
  await lego.run([], 'http-01', ['--csr', csrFile], 'run');
  await verifyChain(lego.issued(upper[0]!), names);
}

async function keyTypes(stage: Stage): Promise<void> {
  const akamu = await stage.server();
  for (const type of ['rsa2048', 'rsa4096', 'ec256', 'ec384']) {
    const lego = new Lego(stage, akamu, `lego-${type}`);
    const name = stage.host(type);
    await lego.run([name], 'http-01', ['--key-type', type], 'run');
    await verifyChain(lego.issued(name), [name]);
    const { modulusLength, namedCurve } =
      leafOf(lego.issued(name)).publicKey.asymmetricKeyDetails ?? {};
    const found = modulusLength ? `rsa${modulusLength}` : namedCurve;
    const curves: Readonly<Record<string, string>> = { ec256: 'prime256v1', ec384: 'secp384r1' };
    expect('the key of the certificate', found, curves[type] ?? type);
  }
}

async function refusals(stage: Stage): Promise<void> {
  const lego = new Lego(stage, await stage.server());
  const nobody = stage.host('nobody');
  const elsewhere = ['--http.port', `:${stage.tlsAlpnPort}`];
  await lego.refuses(/acme:error:connection/, [nobody], 'http-01', elsewhere, 'run');
  await lego.refuses(/acme:error:dns/, ['no.such.name.test'], 'http-01', [], 'run');
}
