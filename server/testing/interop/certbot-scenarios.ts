// What certbot must be able to do with the server: obtain, renew, revoke both ways, manage its
// account, wildcards, and get an error it can show when something is wrong.
// Invariant: every certificate is judged by OpenSSL. Never here: how certbot is run.

import { Certbot } from './certbot.ts';
import { leafOf, revocationReason, verifyChain, verifyRevocation } from './openssl.ts';
import { expect, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const programs = ['certbot', 'openssl', 'curl'] as const;

export const CERTBOT_SCENARIOS: readonly Scenario[] = [
  {
    title: 'certbot obtains over http-01, renews and revokes by its account',
    programs,
    play: life,
  },
  { title: 'certbot revokes with nothing but the certificate key', programs, play: revokeByKey },
  { title: 'certbot changes and unregisters its account', programs, play: account },
  { title: 'certbot obtains a wildcard and its base name over dns-01', programs, play: wildcard },
  { title: 'certbot obtains certificates for RSA and P-384 keys', programs, play: keyTypes },
  { title: 'certbot obtains one certificate for many names', programs, play: manyNames },
  { title: 'certbot shows why a name could not be validated', programs, play: refusals },
];

async function life(stage: Stage): Promise<void> {
  const akamu = await stage.server();
  const certbot = new Certbot(stage, akamu);
  const [name, other] = [stage.host('www'), stage.host('other')];
  await certbot.run(...certbot.http01([name]));
  await certbot.run(...certbot.http01([other]));
  const first = certbot.archived(name, 1);
  await verifyChain(first, [name]);
  await verifyChain(certbot.issued(other), [other]);
  await verifyRevocation(akamu, { good: [first, certbot.issued(other)], revoked: [] });

  await certbot.run('renew', '--force-renewal', '--no-random-sleep-on-renew');
  const renewed = certbot.archived(name, 2);
  await verifyChain(renewed, [name]);
  expect('a renewal has the same serial', serial(renewed) === serial(first), false);

  const revoke = [
    'revoke',
    '--cert-path',
    certbot.file(name, 'cert.pem'),
    '--reason',
    'superseded',
  ];
  await certbot.run(...revoke, '--no-delete-after-revoke');
  await verifyRevocation(akamu, { good: [first, certbot.issued(other)], revoked: [renewed] });
  expect('the reason on the list', await revocationReason(renewed), 'Superseded');
}

async function revokeByKey(stage: Stage): Promise<void> {
  const akamu = await stage.server();
  const owner = new Certbot(stage, akamu, 'owner');
  const [name, other] = [stage.host('www'), stage.host('other')];
  await owner.run(...owner.http01([name]));
  await owner.run(...owner.http01([other], '--key-type', 'rsa'));
  const finder = new Certbot(stage, akamu, 'finder');
  const revoke = (lineage: string, keyOf: string): string[] => [
    ...['revoke', '--cert-path', owner.file(lineage, 'cert.pem')],
    ...['--key-path', owner.file(keyOf, 'privkey.pem')],
    ...['--reason', 'keycompromise', '--no-delete-after-revoke'],
  ];
  await finder.refuses(/key|unauthorized/i, ...revoke(name, other));
  await verifyRevocation(akamu, { good: [owner.issued(name), owner.issued(other)], revoked: [] });
  await finder.run(...revoke(name, name));
  await verifyRevocation(akamu, { good: [owner.issued(other)], revoked: [owner.issued(name)] });
  await finder.run(...revoke(other, other));
  await verifyRevocation(akamu, { good: [], revoked: [owner.issued(name), owner.issued(other)] });
  expect('the reason on the list', await revocationReason(owner.issued(name)), 'Key Compromise');
}

async function account(stage: Stage): Promise<void> {
  const akamu = await stage.server();
  const certbot = new Certbot(stage, akamu);
  const name = stage.host('www');
  await certbot.run('register', '--agree-tos', '--no-eff-email', '-m', 'first@example.test');
  await certbot.run('update_account', '--no-eff-email', '-m', 'second@example.test');
  const shown = await certbot.run('show_account');
  expect('the account shows its new address', /second@example\.test/.test(shown), true);
  await certbot.run(...certbot.http01([name]));
  await certbot.run('unregister');
  const log = akamu.logTail();
  expect('the server deactivated the account', /account deactivated/.test(log), true);
  await certbot.refuses(/Could not find|no existing account|not find an existing/i, 'unregister');
  await certbot.run(...certbot.http01([name], '--force-renewal'));
  await verifyChain(certbot.archived(name, 2), [name]);
}

async function wildcard(stage: Stage): Promise<void> {
  const akamu = await stage.server();
  const certbot = new Certbot(stage, akamu);
  const base = stage.host('zone');
  await certbot.run(...certbot.dns01([base, `*.${base}`]));
  await verifyChain(certbot.issued(base), [base, `*.${base}`]);
  const reused = stage.host('alone');
  await certbot.refuses(/dns-01|challenge/i, ...certbot.http01([`*.${reused}`]));
  await certbot.run(...certbot.dns01([`*.${reused}`]));
  await verifyChain(certbot.issued(reused), [`*.${reused}`]);
}

async function keyTypes(stage: Stage): Promise<void> {
  const certbot = new Certbot(stage, await stage.server());
  const [rsa, ec] = [stage.host('rsa'), stage.host('ec')];
  await certbot.run(...certbot.http01([rsa], '--key-type', 'rsa', '--rsa-key-size', '3072'));
  await certbot.run(...certbot.http01([ec], '--elliptic-curve', 'secp384r1'));
  await verifyChain(certbot.issued(rsa), [rsa]);
  await verifyChain(certbot.issued(ec), [ec]);
  const { publicKey } = leafOf(certbot.issued(rsa));
  expect('RSA key', publicKey.asymmetricKeyDetails?.modulusLength, 3072);
  const curve = leafOf(certbot.issued(ec)).publicKey.asymmetricKeyDetails?.namedCurve;
  expect('EC key', curve, 'secp384r1');
}

async function manyNames(stage: Stage): Promise<void> {
  const certbot = new Certbot(stage, await stage.server());
  const names = Array.from({ length: 20 }, (_, index) => stage.host(`host-${index}`));
  await certbot.run(...certbot.http01(names));
  await verifyChain(certbot.issued(names[0]!), names);
}

async function refusals(stage: Stage): Promise<void> {
  const certbot = new Certbot(stage, await stage.server());
  const deaf = stage.host('deaf');
  const elsewhere = ['--http-01-port', '0'];
  await certbot.refuses(/connect|refused/i, ...certbot.http01([deaf]), ...elsewhere);
  await certbot.refuses(/NXDOMAIN|does not exist/i, ...certbot.http01(['no.such.name.test']));
}

function serial(issued: Parameters<typeof leafOf>[0]): string {
  return leafOf(issued).serialNumber;
}
