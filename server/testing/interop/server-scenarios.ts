// What depends on how the server is set up: external accounts, a reverse proxy in front, the key
// of the CA, and the server's own TLS certificate.
// Invariant: every certificate is judged by OpenSSL. Never here: how clients are run.

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTlsIdentity } from '../../../bench/tls-identity.ts';
import type { AkamuProcess } from '../akamu-process.ts';
import { freeStablePorts } from '../ports.ts';
import { differs, replays } from './capsule.ts';
import { Certbot } from './certbot.ts';
import { Lego } from './lego.ts';
import { verifyChain, verifyRevocation } from './openssl.ts';
import { fail, succeed } from './program.ts';
import { expect, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';
import { startTlsProxy } from './tls-proxy.ts';

const programs = ['certbot', 'lego', 'openssl', 'curl'] as const;
const CA_KEY_TYPES = ['ec:P-384', 'rsa:2048', 'ed25519'] as const;

export const SERVER_SCENARIOS: readonly Scenario[] = [
  { title: 'external accounts: only clients with an unused key register', programs, play: eab },
  { title: 'behind a TLS proxy certbot sees only the public name', programs, play: proxy },
  {
    title: 'behind a proxy to a Unix socket lego sees only the public name',
    programs,
    play: socket,
  },
  { title: "curl and openssl trust the server's own certificate", programs, play: ownCertificate },
  { title: "a recording of certbot's visit replays in the simulator", programs, play: recording },
  ...CA_KEY_TYPES.map((type) => ({
    title: `a CA with an ${type} key issues and revokes for certbot`,
    programs,
    play: (stage: Stage) => caKeyType(stage, type),
  })),
];

async function eab(stage: Stage): Promise<void> {
  const key = (seed: number): string => Buffer.alloc(32, seed).toString('base64url');
  const eabKeys = { 'for-certbot': key(1), 'for-lego': key(2) };
  const akamu = await stage.server({ eabKeys });
  const [name, other] = [stage.host('certbot'), stage.host('lego')];
  const certbot = new Certbot(stage, akamu);
  const bound = (kid: string, hmac: string): string[] => ['--eab-kid', kid, '--eab-hmac-key', hmac];

  await certbot.refuses(/external.?account|EAB/i, ...certbot.http01([name]));
  await certbot.refuses(
    /binding does not verify/,
    ...certbot.http01([name], ...bound('for-certbot', key(9))),
  );
  await certbot.refuses(/key is unknown/, ...certbot.http01([name], ...bound('no', key(1))));
  await certbot.run(...certbot.http01([name], ...bound('for-certbot', key(1))));
  await verifyChain(certbot.issued(name), [name]);
  const second = new Certbot(stage, akamu, 'second');
  await second.refuses(/used before/, ...second.http01([name], ...bound('for-certbot', key(1))));

  const lego = new Lego(stage, akamu);
  await lego.refuses(/external/i, [other], 'http-01', [], 'run');
  const legoBound = ['--eab', '--kid', 'for-lego', '--hmac', key(2)];
  await lego.run([other], 'http-01', legoBound, 'run');
  await verifyChain(lego.issued(other), [other]);
}

async function proxy(stage: Stage): Promise<void> {
  const [publicPort = 0, port = 0] = await freeStablePorts(2);
  const identity = makeTlsIdentity(stage.directory, Date.now());
  stage.own(await startTlsProxy(publicPort, { port }, identity));
  const baseUrl = `https://localhost:${publicPort}`;
  const akamu = await stage.server({ behindProxy: { baseUrl, listen: `127.0.0.1:${port}` } });
  const certbot = new Certbot(stage, akamu, 'certbot', identity.certificateFile);
  const name = stage.host('www');
  await certbot.run(...certbot.http01([name]));
  await verifyChain(certbot.issued(name), [name]);
  const revoke = ['revoke', '--cert-path', certbot.file(name, 'cert.pem')];
  await certbot.run(...revoke, '--no-delete-after-revoke');
  await seesOnlyPublicName(akamu, identity.certificateFile);
}

async function socket(stage: Stage): Promise<void> {
  const [publicPort = 0] = await freeStablePorts(1);
  const socketPath = stage.path('akamu.sock');
  const identity = makeTlsIdentity(stage.directory, Date.now());
  stage.own(await startTlsProxy(publicPort, { socketPath }, identity));
  const baseUrl = `https://localhost:${publicPort}`;
  const akamu = await stage.server({ behindProxy: { baseUrl, listen: `unix:${socketPath}` } });
  const lego = new Lego(stage, akamu, 'lego', identity.certificateFile);
  const name = stage.host('www');
  await lego.run([name], 'http-01', [], 'run');
  await verifyChain(lego.issued(name), [name]);
  await seesOnlyPublicName(akamu, identity.certificateFile);
}

/** Every URL of the directory and its headers is below the public address. */
async function seesOnlyPublicName(akamu: AkamuProcess, trustFile: string): Promise<void> {
  const curl = ['-fsS', '-i', '--cacert', trustFile, akamu.directoryUrl];
  const text = await succeed('curl', curl);
  const urls = text.match(/https?:\/\/[^"\s>]+/g) ?? [];
  expect('URLs in the directory', urls.length >= 6, true);
  const foreign = urls.filter((url) => !url.startsWith(`${akamu.baseUrl}/`));
  expect('URLs that are not public', foreign, []);
}

async function ownCertificate(stage: Stage): Promise<void> {
  const akamu = await stage.server();
  const { rootFile, directoryUrl, baseUrl } = akamu;
  for (const version of ['--tlsv1.2', '--tlsv1.3']) {
    const limits = version === '--tlsv1.2' ? ['--tls-max', '1.2'] : [];
    const page = await succeed('curl', [
      '-fsS',
      version,
      ...limits,
      '--cacert',
      rootFile,
      directoryUrl,
    ]);
    expect('the directory', JSON.parse(page).newNonce, `${baseUrl}/acme/new-nonce`);
  }
  await fail(/certificate/i, 'curl', ['-sS', '--capath', '/nonexistent', directoryUrl]);
  const wrongName = directoryUrl.replace('localhost', '127.0.0.1');
  await fail(/subject|host name|match/i, 'curl', ['-sS', '--cacert', rootFile, wrongName]);
  const target = baseUrl.replace('https://', '');
  const connect = ['s_client', '-connect', target, '-servername', 'localhost', '-CAfile', rootFile];
  const checks = ['-verify_return_error', '-verify_hostname', 'localhost', '-x509_strict'];
  const said = await succeed('openssl', [...connect, ...checks]);
  expect('openssl verifies the chain', /Verification: OK/.test(said), true);
}

async function recording(stage: Stage): Promise<void> {
  const secret = Buffer.alloc(32, 77);
  const recordDir = stage.path('records');
  const eabKeys = { visitor: secret.toString('base64url') };
  const akamu = await stage.server({ recordDir, eabKeys });
  const certbot = new Certbot(stage, akamu);
  const name = stage.host('www');
  const bound = ['--eab-kid', 'visitor', '--eab-hmac-key', eabKeys.visitor];
  await certbot.run(...certbot.http01([name], ...bound));
  await certbot.run(
    'revoke',
    '--cert-path',
    certbot.file(name, 'cert.pem'),
    '--no-delete-after-revoke',
  );
  // The process is killed, as in an incident.
  await akamu.kill();
  const files = readdirSync(recordDir);
  expect('capsules', files.length, 1);
  const file = join(recordDir, files[0]!);
  expect('readable by others', (statSync(file).mode & 0o077) !== 0, false);
  const text = readFileSync(file, 'utf8');
  for (const form of ['base64', 'base64url', 'hex'] as const) {
    expect(`the HMAC key in ${form}`, text.includes(secret.toString(form)), false);
  }
  const said = await replays(file);
  expect('steps are replayed', Number(/steps=(\d+)/.exec(said)?.[1] ?? 0) > 20, true);
  const changed = join(recordDir, 'changed');
  writeFileSync(
    changed,
    text.replace('"contentType":"application/jose+json"', '"contentType":"text/plain"'),
  );
  await differs(changed);
}

async function caKeyType(stage: Stage, caKeyType: string): Promise<void> {
  const akamu = await stage.server({ caKeyType });
  const certbot = new Certbot(stage, akamu);
  const [name, other] = [stage.host('www'), stage.host('other')];
  await certbot.run(...certbot.http01([name]));
  await certbot.run(...certbot.http01([other]));
  await verifyChain(certbot.issued(name), [name]);
  const revoke = ['revoke', '--cert-path', certbot.file(name, 'cert.pem')];
  await certbot.run(...revoke, '--no-delete-after-revoke');
  await verifyRevocation(akamu, { good: [certbot.issued(other)], revoked: [certbot.issued(name)] });
  const text = await succeed('openssl', ['x509', '-in', akamu.issuerFile, '-noout', '-text']);
  const algorithm = {
    'ec:P-384': /secp384r1/,
    'rsa:2048': /RSA Public-Key|2048 bit/,
    ed25519: /ED25519/,
  };
  expect('the key of the CA', algorithm[caKeyType as keyof typeof algorithm].test(text), true);
  expect(
    'an intermediate is sent',
    readFileSync(certbot.file(name, 'chain.pem'), 'utf8') !== '',
    true,
  );
}
