// Where things listen and where data lives: `host:port`, `unix:/path` and database URLs, taken
// apart. The configuration keeps them as text; whoever opens the socket or the file calls these.
// Invariant: total; a text these return undefined for is one the configuration has refused.
// Never here: opening anything, resolving names.

import { isIP, isIPv4 } from 'node:net';
import { type DatabaseServer, readDatabaseUrl } from './database-url.ts';

export interface TcpAddress {
  readonly kind: 'tcp';
  /** A name or an IP literal, without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}
export type ListenAddress = TcpAddress | { readonly kind: 'unix'; readonly path: string };

export type DatabaseTarget =
  | { readonly kind: 'memory' }
  /** A relative path counts from the working directory. */
  | { readonly kind: 'sqlite'; readonly path: string }
  | DatabaseServer;

/** `127.0.0.1:8443`, `[::1]:8443`, `acme.internal:443`, `unix:/run/akamu.sock`, `/run/akamu.sock`. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const path = text.startsWith('unix:') ? text.slice(5) : text;
  if (path.startsWith('/')) return path.includes('\0') ? undefined : { kind: 'unix', path };
  return parseHostPort(text);
}

export function parseHostPort(text: string): TcpAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > 65535) return undefined;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  return { kind: 'tcp', host: bracketed ?? plain ?? '', port };
}

/** `sqlite://data/akamu.db` is relative, `sqlite:///var/lib/akamu.db` absolute. */
export function parseDatabaseUrl(text: string): DatabaseTarget | undefined {
  if (text === 'sqlite::memory:') return { kind: 'memory' };
  if (text.startsWith('sqlite://')) {
    const path = text.slice('sqlite://'.length);
    return path === '' || /[?#\0]/.test(path) ? undefined : { kind: 'sqlite', path };
  }
  const server = readDatabaseUrl(text);
  return 'fault' in server ? undefined : server;
}

/** `10.0.0.0/8`, `fd00::/8`; an address alone is a network of one. */
export function parseNetwork(text: string): { address: string; prefix: number } | undefined {
  const [address = '', digits, ...rest] = text.split('/');
  if (isIP(address) === 0 || rest.length > 0) return undefined;
  const bits = isIPv4(address) ? 32 : 128;
  if (digits === undefined) return { address, prefix: bits };
  const prefix = Number(digits);
  return /^[0-9]{1,3}$/.test(digits) && prefix <= bits ? { address, prefix } : undefined;
}

/** Whether two TCP listeners would claim one port. */
export function collide(left: ListenAddress, right: ListenAddress): boolean {
  if (left.kind === 'unix' || right.kind === 'unix') {
    return left.kind === 'unix' && right.kind === 'unix' && left.path === right.path;
  }
  if (left.port !== right.port || left.port === 0) return false;
  return left.host === right.host || isWildcard(left.host) || isWildcard(right.host);
}

/** How others reach a TCP listener over HTTP. `hostname` stands for an address that is all. */
export function urlOf({ host, port }: TcpAddress, hostname: string): string {
  const name = isWildcard(host) ? hostname : host;
  return new URL(`http://${name.includes(':') ? `[${name}]` : name}:${port}`).origin;
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
