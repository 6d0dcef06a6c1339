// TCP and TLS towards the party being validated. Invariant: a connection goes to an address that
// the policy has just passed, never to a name, so what was checked is what is talked to. Never
// here: chain verification; no challenge of RFC 8555 or RFC 8737 rests on it.

import * as net from 'node:net';
import * as tls from 'node:tls';
import { canonicalIp } from '../../core/acme/ip-address.ts';
import type { Refusal } from './address-policy.ts';
import type { Attempt } from './attempt.ts';
import { failed, type ProbeFailure, quoted, reasonOf, refused } from './failure.ts';
import type { ValidationLimits } from './limits.ts';
import type { Resolver } from './resolver.ts';

/** What every probe works with. */
export interface ProbeTools {
  readonly resolver: Resolver;
  /** The address policy: why an address must not be connected to. */
  readonly refusalOf: (address: string) => Refusal | undefined;
  readonly limits: ValidationLimits;
}

export interface Connection<S extends net.Socket = net.Socket> {
  readonly socket: S;
  /** `address:port` as it is written in a sentence. */
  readonly peer: string;
}

export interface TlsWishes {
  /** What SNI carries; absent for a host without a name (RFC 6066 §3). */
  readonly serverName?: string;
  /** The only ALPN protocol offered. */
  readonly protocol: string;
}

/**
 * Connects to the first address of `host` (a DNS name or an IP address) that answers, IPv6 first.
 * Rejects with a ProbeFailure: `dns`, `connection`, or `rejectedIdentifier` for an address itself.
 */
export function connectTo(
  tools: ProbeTools,
  attempt: Attempt,
  host: string,
  port: number,
): Promise<Connection> {
  return firstReachable(tools, attempt, host, port, (address) =>
    net.connect({ host: address, port, autoSelectFamily: false }),
  );
}

/** The same, and TLS on top, handshake done. Rejects with problem `tls` too. */
export async function connectWithTls(
  tools: ProbeTools,
  attempt: Attempt,
  host: string,
  port: number,
  { serverName, protocol }: TlsWishes,
): Promise<Connection<tls.TLSSocket>> {
  // One socket from the start: Node 20 crashes when a TLS socket is laid over a TCP socket and the
  // lower one is destroyed first.
  const options: tls.ConnectionOptions & { readonly autoSelectFamily: boolean } = {
    port,
    autoSelectFamily: false,
    secureContext: withoutTrust(),
    ALPNProtocols: [protocol],
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  const connection = await firstReachable(tools, attempt, host, port, (address) =>
    tls.connect({ ...options, host: address }),
  );
  attempt.begin('tls', `waiting for the TLS handshake of ${connection.peer}`);
  await handshake(connection);
  return connection;
}

/** `host:port`, with brackets around an IPv6 address (RFC 3986 §3.2.2). */
export function authority(host: string, port?: number): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? bracketed : `${bracketed}:${port}`;
}

async function firstReachable<S extends net.Socket>(
  tools: ProbeTools,
  attempt: Attempt,
  host: string,
  port: number,
  open: (address: string) => S,
): Promise<Connection<S>> {
  const addresses = await allowedAddresses(tools, attempt, host);
  const errors: string[] = [];
  for (const address of addresses) {
    const peer = authority(address, port);
    attempt.begin('connection', `connecting to ${peer} for ${host}`);
    try {
      const socket = open(address);
      attempt.own(socket);
      await connected(socket, tools.limits.connectMs);
      return { socket, peer };
    } catch (error) {
      errors.push(`${peer}: ${reasonOf(error)}`);
    }
  }
  throw failed('connection', `could not connect to ${host} (${errors.join('; ')})`);
}

async function allowedAddresses(
  { resolver, refusalOf, limits }: ProbeTools,
  attempt: Attempt,
  host: string,
): Promise<readonly string[]> {
  const literal = canonicalIp(host);
  if (literal !== undefined) {
    const refusal = refusalOf(literal);
    if (refusal === undefined) return [literal];
    throw refused(
      'rejectedIdentifier',
      `${host} is of a kind that is not probed: ${described(refusal)}`,
    );
  }
  attempt.begin('dns', `looking up A and AAAA for ${host}`);
  const addresses = await resolver.addresses(host);
  const allowed: string[] = [];
  const refusals: string[] = [];
  for (const address of addresses) {
    const refusal = refusalOf(address);
    if (refusal === undefined) allowed.push(address);
    else refusals.push(`${address} (${described(refusal)})`);
  }
  if (allowed.length > 0) return familiesInTurn(allowed).slice(0, limits.addressesPerHost);
  throw refused('connection', `${host} has no address that is probed: ${refusals.join(', ')}`);
}

/** The way out is told only where there is one. */
function described({ label, optional }: Refusal): string {
  return optional ? `${label}; http_validation_allow_private_ips is off` : label;
}

/** IPv6 first, then IPv4, and so on: one dead family costs one connection's wait. */
function familiesInTurn(addresses: readonly string[]): readonly string[] {
  const ipv6 = addresses.filter((address) => address.includes(':'));
  const ipv4 = addresses.filter((address) => !address.includes(':'));
  const turns = Math.max(ipv6.length, ipv4.length);
  const ordered: string[] = [];
  for (let i = 0; i < turns; i++) {
    ordered.push(...ipv6.slice(i, i + 1), ...ipv4.slice(i, i + 1));
  }
  return ordered;
}

function connected(socket: net.Socket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    const onClose = (): void => {
      clearTimeout(timer);
      reject(new Error('connection closed'));
    };
    socket.once('close', onClose);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('close', onClose);
      resolve();
    });
    // Stays for the life of the socket: an error after the attempt ended must find a listener.
    socket.on('error', reject);
  });
}

function handshake({ socket, peer }: Connection<tls.TLSSocket>): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', (error) => reject(handshakeFailure(peer, error)));
    socket.once('close', () => reject(handshakeFailure(peer, new Error('connection closed'))));
  });
}

function handshakeFailure(peer: string, error: Error): ProbeFailure {
  // OpenSSL's "…:error:0A000460:SSL routines:ssl3_read_bytes:tlsv1 alert …:../deps/…" in short.
  const told = /:SSL routines:[^:]*:([^:]+)/.exec(error.message)?.[1] ?? reasonOf(error);
  return failed('tls', `TLS handshake with ${peer}: ${quoted(told)}`);
}

let context: tls.SecureContext | undefined;

/** One context for all: building it costs more than a handshake's own arithmetic. */
function withoutTrust(): tls.SecureContext {
  context ??= tls.createSecureContext({ ca: [], minVersion: 'TLSv1.2' });
  return context;
}
