// Where an http-01 request goes, and where an answer may redirect it (RFC 8555 §8.3). Invariant:
// only the two configured ports and only http and https are ever reached, whatever a Location
// says. Never here: connections; addresses are judged when they are connected to.

import { readDnsName } from '../../core/acme/identifier.ts';
import { canonicalIp } from '../../core/acme/ip-address.ts';
import { authority } from './connect.ts';
import { type ProbeFailure, quoted, refused } from './failure.ts';

export type HttpScheme = 'http' | 'https';
export type HttpPorts = Readonly<Record<HttpScheme, number>>;

export interface HttpTarget {
  readonly scheme: HttpScheme;
  /** A DNS name or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
}

const DEFAULT_PORTS: HttpPorts = { http: 80, https: 443 };

/** The first request's target (RFC 8555 §8.3, RFC 8738 §4). */
export function challengeTarget(host: string, token: string, ports: HttpPorts): HttpTarget {
  const path = `/.well-known/acme-challenge/${token}`;
  return { scheme: 'http', host, port: ports.http, path };
}

/** The Host field: the port only where it is not the scheme's own (RFC 9110 §7.2). */
export function hostField({ scheme, host, port }: HttpTarget): string {
  return authority(host, port === DEFAULT_PORTS[scheme] ? undefined : port);
}

export function urlOf(target: HttpTarget): string {
  return `${target.scheme}://${hostField(target)}${target.path}`;
}

/**
 * Where `location` leads from `from`. A URL without a port means the configured port of its scheme.
 * `mayBeAddress`: IP literals are followed, which is for validating IP addresses only. Throws a
 * ProbeFailure for everything that is not followed.
 */
export function redirectTarget(
  location: string,
  from: HttpTarget,
  {
    ports,
    mayBeAddress,
    urlCharacters,
  }: { readonly ports: HttpPorts; readonly mayBeAddress: boolean; readonly urlCharacters: number },
): HttpTarget {
  if (location.length > urlCharacters) {
    throw refusal(from, `is longer than ${urlCharacters} characters`);
  }
  const url = URL.canParse(location, urlOf(from)) ? new URL(location, urlOf(from)) : undefined;
  if (url === undefined) throw refusal(from, `is not a URL: ${quoted(location)}`);
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'http' && scheme !== 'https') {
    throw refusal(from, `has scheme ${quoted(scheme)}; only http and https are followed`);
  }
  const port = url.port === '' ? ports[scheme] : Number(url.port);
  if (port !== ports[scheme]) {
    throw refusal(from, `leads to port ${port}; only ${scheme} on ${ports[scheme]} is followed`);
  }
  const host = redirectHost(url.hostname, from, mayBeAddress);
  return { scheme, host, port, path: `${url.pathname}${url.search}` };
}

function redirectHost(hostname: string, from: HttpTarget, mayBeAddress: boolean): string {
  const address = canonicalIp(hostname.replace(/^\[(.*)\]$/, '$1'));
  if (address !== undefined) {
    if (mayBeAddress) return address;
    throw refusal(from, `leads to the bare IP address ${address}; only names are followed`);
  }
  const name = readDnsName(hostname.replace(/\.$/, ''));
  if (!name.ok || name.value.value.startsWith('*.')) {
    throw refusal(from, `leads to ${quoted(hostname)}, which is not a DNS name`);
  }
  return name.value.value;
}

function refusal(from: HttpTarget, why: string): ProbeFailure {
  return refused('connection', `the redirect at ${urlOf(from)} ${why}`);
}
