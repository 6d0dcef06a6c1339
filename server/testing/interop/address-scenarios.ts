// Certificates for IP addresses (RFC 8738), which certbot and lego of today's distributions cannot
// order: with a small client of our own, over http-01 and tls-alpn-01, IPv4 and IPv6.
// Invariant: every certificate is judged by OpenSSL. Never here: names.

import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';
import { makeChallengeCertificate } from '../../../io/validate/testing/certificate.ts';
import { type Answer, Session, type Signer } from '../acme/session.ts';
import { SigningKey } from '../acme/signing-key.ts';
import type { AkamuProcess } from '../akamu-process.ts';
import { type Issued, verifyChain } from './openssl.ts';
import { expect, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const ADDRESSES = ['127.0.0.1', '::1'] as const;
/** OpenSSL and Node write addresses without compression. */
const AS_SHOWN = ['127.0.0.1', '0:0:0:0:0:0:0:1'] as const;
const POLLS = 100;
const POLL_MS = 50;

type Proof = 'http-01' | 'tls-alpn-01';
/** Makes the key authorization of a challenge for an address visible. */
type Respond = (address: string, token: string, keyAuthorization: string) => Promise<void>;

export const ADDRESS_SCENARIOS: readonly Scenario[] = (['http-01', 'tls-alpn-01'] as const).map(
  (proof) => ({
    title: `an IPv4 and an IPv6 address get a certificate over ${proof}`,
    programs: ['openssl'],
    play: (stage) => obtainForAddresses(stage, proof),
  }),
);

async function obtainForAddresses(stage: Stage, proof: Proof): Promise<void> {
  const akamu = await stage.server();
  const respond = proof === 'http-01' ? answerOverHttp(stage) : answerOverTls(stage);
  const issued = await obtain(stage, akamu, proof, respond);
  await verifyChain(issued, AS_SHOWN);
}

async function obtain(
  stage: Stage,
  akamu: AkamuProcess,
  proof: Proof,
  respond: Respond,
): Promise<Issued> {
  const session = new Session(akamu.directoryUrl);
  const { newAccount, newOrder } = await session.directory();
  const key = new SigningKey();
  const account = await session.post({ key }, newAccount, { termsOfServiceAgreed: true });
  const signer = { key, kid: created(account).location };
  const identifiers = ADDRESSES.map((value) => ({ type: 'ip' as const, value }));
  const ordered = created(await session.post(signer, newOrder, { identifiers }));
  const order = JSON.parse(ordered.body) as Order;
  for (const url of order.authorizations) await prove(session, signer, url, proof, respond);
  const csr = new SigningKey().csr(identifiers);
  await session.post(signer, order.finalize, { csr });
  const { certificate = '' } = await until(session, signer, ordered.location);
  const chain = await session.post(signer, certificate);
  session.close();
  const chainFile = stage.path('chain.pem');
  writeFileSync(chainFile, chain.body);
  return { chainFile, akamu };
}

async function prove(
  session: Session,
  signer: Signer,
  url: string,
  proof: Proof,
  respond: Respond,
): Promise<void> {
  const look = await session.post(signer, url);
  const { identifier, challenges } = JSON.parse(look.body) as Authorization;
  const types = challenges.map(({ type }) => type).sort();
  expect('challenges for an address (RFC 8738 §7)', types, ['http-01', 'tls-alpn-01']);
  const challenge = challenges.find(({ type }) => type === proof)!;
  const { token } = challenge;
  await respond(identifier.value, token, `${token}.${signer.key.thumbprint}`);
  await session.post(signer, challenge.url, {});
  await until(session, signer, url);
}

/** RFC 8555 §8.3: one web server for each address, on the port the server asks. */
function answerOverHttp(stage: Stage): Respond {
  return async (address, token, keyAuthorization) => {
    const server = createHttpServer((request, response) => {
      const host = address.includes(':') ? `[${address}]` : address;
      const isRight =
        request.url === `/.well-known/acme-challenge/${token}` &&
        request.headers.host === `${host}:${stage.httpPort}`;
      response.writeHead(isRight ? 200 : 404).end(isRight ? keyAuthorization : '');
    });
    stage.own(server);
    await new Promise<void>((resolve) => server.listen(stage.httpPort, address, resolve));
  };
}

/** RFC 8737 §3 with the address in the certificate (RFC 8738 §6). */
function answerOverTls(stage: Stage): Respond {
  return async (address, _token, keyAuthorization) => {
    const names = [{ type: 'ip' as const, value: address }];
    const { cert, key } = makeChallengeCertificate({ names, keyAuthorization });
    const server = createTlsServer({ cert, key, ALPNProtocols: ['acme-tls/1'] });
    stage.own(server);
    await new Promise<void>((resolve) => server.listen(stage.tlsAlpnPort, address, resolve));
  };
}

interface Order {
  readonly authorizations: readonly string[];
  readonly finalize: string;
}

interface Authorization {
  readonly identifier: { readonly value: string };
  readonly challenges: readonly {
    readonly type: string;
    readonly url: string;
    readonly token: string;
  }[];
}

async function until(
  session: Session,
  signer: Signer,
  url: string,
): Promise<{ readonly certificate?: string }> {
  for (let polls = 0; polls < POLLS; polls++) {
    const { body } = await session.post(signer, url);
    const resource = JSON.parse(body) as { status: string; certificate?: string };
    if (resource.status === 'valid') return resource;
    if (resource.status === 'invalid') throw new Error(`${url}: ${body}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${url} never became valid`);
}

function created(answer: Answer): Answer {
  if (answer.status !== 201) throw new Error(`HTTP ${answer.status} ${answer.body}`);
  return answer;
}
