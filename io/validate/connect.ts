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

export interface Connection {
  readonly socket: net.Socket;
  /** `address:port` as it is written in a sentence. */
  readonly peer: string;
}

/**
 * Connects to the first address of `host` (a DNS name or an IP address) that answers, IPv6 first.
 * Rejects with a ProbeFailure: `dns`, `connection`, or `rejectedIdentifier` for an address itself.
 */
export async function connectTo(
  tools: ProbeTools,
  attempt: Attempt,
  host: string,
  port: number,
): Promise<Connection> {
  const addresses = await allowedAddresses(tools, attempt, host);
  const errors: string[] = [];
  for (const address of addresses) {
    const peer = authority(address, port);
    attempt.begin('connection', `connecting to ${peer} for ${host}`);
    try {
      return { socket: await dial(attempt, address, port, tools.limits.connectMs), peer };
    } catch (error) {
      errors.push(`${peer}: ${reasonOf(error)}`);
    }
  }
  throw failed('connection', `could not connect to ${host} (${errors.join('; ')})`);
}

/** A TLS client on a TCP connection, handshake done; rejects with problem `tls`. */
export function startTls(
  attempt: Attempt,
  { socket, peer }: Connection,
  { serverName, protocol }: { readonly serverName?: string; readonly protocol: string },
): Promise<tls.TLSSocket> {
  attempt.begin('tls', `waiting for the TLS handshake of ${peer}`);
  return new Promise((resolve, reject) => {
    const secure = tls.connect({
      socket,
      secureContext: withoutTrust(),
      ALPNProtocols: [protocol],
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    attempt.own(secure);
    secure.once('secureConnect', () => resolve(secure));
    secure.on('error', (error) => reject(handshakeFailure(peer, error)));
    secure.once('close', () => reject(handshakeFailure(peer, new Error('connection closed'))));
  });
}

/** `host:port`, with brackets around an IPv6 address (RFC 3986 §3.2.2). */
export function authority(host: string, port?: number): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? bracketed : `${bracketed}:${port}`;
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

function dial(
  attempt: Attempt,
  address: string,
  port: number,
  timeoutMs: number,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: address, port, autoSelectFamily: false });
    attempt.own(socket);
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    // Stays for the life of the socket: an error after the attempt ended must find a listener.
    socket.on('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new Error('connection closed'));
    });
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
