// The server's own TLS identity: the operator's files, or a certificate for the host of base_url
// that this CA issues to itself and renews. Invariant: the listener always has a certificate that
// is valid now, if any can be had. Never here: the ACME protocol.

import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerOptions, Server as TlsServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { Identifier } from '../core/acme/identifier.ts';
import { readDnsName, readIpAddress } from '../core/acme/identifier.ts';
import { toBase64Url } from '../core/bytes.ts';
import { bitString, encode, integer, objectIdentifier, sequence, setOf } from '../core/der.ts';
import type { TlsConfig } from '../io/config/index.ts';
import type { Log } from '../io/log.ts';
import { OperatorError } from '../io/operator-error.ts';
import type { CertificateAuthority } from './ca/ca.ts';
import { subjectAltName } from './ca/extensions.ts';
import { toPem } from './ca/pem.ts';

/** PEM certificate chain and key, and when to replace them. */
export interface TlsIdentity {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly renewAtMs?: number;
}

/** How often it is looked whether the certificate has to be renewed. */
const CHECK_MS = 3_600_000;
const DAY_MS = 86_400_000;
const LIFETIME_MS = 30 * DAY_MS;

/** TLS settings for the listener, or undefined when TLS is off. Throws with a readable reason. */
export function tlsOptions(config: TlsConfig, identity: TlsIdentity): ServerOptions {
  const minVersion = config.protocols.includes('TLSv1.2') ? 'TLSv1.2' : 'TLSv1.3';
  const maxVersion = config.protocols.includes('TLSv1.3') ? 'TLSv1.3' : 'TLSv1.2';
  return { cert: identity.cert, key: identity.key, minVersion, maxVersion };
}

/** The identity to start with. */
export function openIdentity(
  config: TlsConfig,
  baseUrl: string,
  authority: CertificateAuthority,
  validityDays: number,
  nowMs: number,
): TlsIdentity {
  if (config.certFile !== undefined && config.keyFile !== undefined) {
    return readIdentity(config.certFile, config.keyFile);
  }
  const lifetimeMs = Math.min(LIFETIME_MS, validityDays * DAY_MS);
  return issueIdentity(baseUrl, authority, lifetimeMs, nowMs);
}

/** Renews the identity while the server runs; returns a function that ends it. */
export function keepIdentity(
  server: TlsServer,
  first: TlsIdentity,
  open: () => TlsIdentity,
  log: Log,
): () => void {
  let current = first;
  const timer = setInterval(() => {
    if (current.renewAtMs === undefined || Date.now() < current.renewAtMs) return;
    try {
      current = open();
      server.setSecureContext({ cert: current.cert, key: current.key });
      log.info('tls', 'renewed the server certificate');
    } catch (error) {
      log.error('tls', 'cannot renew the server certificate', { reason: String(error) });
    }
  }, CHECK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function readIdentity(certFile: string, keyFile: string): TlsIdentity {
  const identity = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  try {
    createSecureContext(identity);
  } catch (error) {
    const files = `[tls] cert_file ${certFile} and key_file ${keyFile}`;
    throw new OperatorError(
      `${files} cannot be used (${(error as Error).message}); give a certificate and its key as PEM`,
    );
  }
  return identity;
}

function issueIdentity(
  baseUrl: string,
  authority: CertificateAuthority,
  lifetimeMs: number,
  nowMs: number,
): TlsIdentity {
  const identifier = hostOf(baseUrl);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const request = requestFor(identifier, spki, (data) => sign('sha256', data, privateKey));
  const result = authority.issue({
    ca: authority.id,
    order: `server ${nowMs}`,
    identifiers: [identifier],
    csr: toBase64Url(request),
    notBeforeMs: nowMs,
    notAfterMs: Math.min(nowMs + lifetimeMs, authority.expiresMs),
  });
  if (!result.ok)
    throw new OperatorError(`cannot issue the server's own certificate: ${result.detail}`);
  const { notBeforeMs, notAfterMs, der } = result.certificate;
  const leaf = toPem('CERTIFICATE', new Uint8Array(Buffer.from(der, 'base64')));
  return {
    cert: leaf + authority.chainPem,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    renewAtMs: notBeforeMs + Math.floor(((notAfterMs - notBeforeMs) * 2) / 3),
  };
}

function hostOf(baseUrl: string): Identifier {
  const host = new URL(baseUrl).hostname.replace(/^\[|\]$/g, '');
  const ip = readIpAddress(host);
  if (ip.ok) return ip.value;
  const dns = readDnsName(host);
  if (dns.ok) return dns.value;
  throw new OperatorError(`the host of base_url cannot be in a certificate: ${dns.reason}`);
}

/** PKCS#10 (RFC 2986) for one name, empty subject. */
function requestFor(
  identifier: Identifier,
  spki: Uint8Array,
  signer: (data: Uint8Array) => Uint8Array,
): Uint8Array {
  const extensions = sequence(subjectAltName([identifier], 'critical'));
  const attribute = sequence(objectIdentifier('1.2.840.113549.1.9.14'), setOf(extensions));
  const info = sequence(integer(0), sequence(), spki, encode(0xa0, attribute));
  const algorithm = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
  return sequence(info, algorithm, bitString(signer(info)));
}
