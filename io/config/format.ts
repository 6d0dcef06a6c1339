// The formats a text setting may have, one entry each: what it must look like and how to mend it.
// Invariant: a check is a pure function of the text, and of a text that may be a secret its answer
// repeats nothing. Never here: relations between settings (relations.ts).

import { isIP } from 'node:net';
import { parseDatabaseUrl, parseHostPort, parseListenAddress, parseNetwork } from './address.ts';
import { readDatabaseUrl } from './database-url.ts';

/** What is wrong, and what to write instead. */
export interface Complaint {
  readonly message: string;
  readonly fix: string;
}

export type FormatName =
  | 'text'
  | 'path'
  | 'operator-name'
  | 'listen-address'
  | 'base-url'
  | 'peer-url'
  | 'url'
  | 'database-url'
  | 'resolver-address'
  | 'domain'
  | 'network'
  | 'ca-id'
  | 'profile-name'
  | 'oid'
  | 'key-identifier'
  | 'hmac-key'
  | 'eku'
  | 'identifier-pattern';

type Check = (text: string) => Complaint | undefined;

const CONTROL_CHARACTER = /\p{Cc}/u;
const MIN_HMAC_KEY_BYTES = 32;
/** Path segments below /acme/ that a CA's id must not hide. */
const RESERVED_CA_IDS: ReadonlySet<string> = new Set([
  'account',
  'authz',
  'cert',
  'chall',
  'directory',
  'key-change',
  'new-account',
  'new-authz',
  'new-nonce',
  'new-order',
  'order',
  'renewal-info',
  'revoke-cert',
]);

const FORMATS: Readonly<Record<FormatName, Check>> = {
  text: plain(200),
  path: plain(4096),
  'operator-name': plain(64),
  'listen-address': require_(
    (text) => parseListenAddress(text) !== undefined,
    'is not an address to listen on',
    'write "host:port", "[IPv6]:port" or "unix:/path"',
  ),
  'base-url': baseUrl,
  'peer-url': peerUrl,
  url: (text: string): Complaint | undefined => httpUrl(text)?.complaint,
  'database-url': databaseUrl,
  'resolver-address': require_(
    (text) => isIP(parseHostPort(text)?.host ?? '') !== 0,
    'is not the address of a DNS server',
    'write an IP address and a port, such as "127.0.0.1:53" or "[::1]:53"',
  ),
  domain: require_(
    (text) =>
      text.length <= 253 &&
      /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(
        text,
      ),
    'is not a domain name',
    'write a lower-case name such as "ca.example.com"',
  ),
  network: require_(
    (text) => parseNetwork(text) !== undefined,
    'is not a network',
    'write an address or a network such as "10.0.0.0/8" or "fd00::/8"',
  ),
  'ca-id': require_(
    (text) => /^[a-z0-9_-]{1,64}$/.test(text) && !RESERVED_CA_IDS.has(text),
    'cannot be the id of a CA',
    'use 1 to 64 of a-z, 0-9, "_" and "-", and no ACME path segment such as "new-order"',
  ),
  'profile-name': require_(
    (text) => /^[A-Za-z0-9_.-]{1,64}$/.test(text),
    'cannot be a name here',
    'use 1 to 64 of letters, digits, "_", "." and "-"',
  ),
  oid: require_(
    (text) => text.length <= 128 && /^(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+$/.test(text),
    'is not an object identifier',
    'write it in dotted decimals, such as "1.3.6.1.4.1.44363.47.10.1"',
  ),
  'key-identifier': require_(
    (text) => /^[\x21-\x7e]{1,255}$/.test(text),
    'cannot be a key identifier',
    'use 1 to 255 visible ASCII characters',
  ),
  'hmac-key': require_(
    isHmacKey,
    'is not an HMAC key: unpadded base64url of at least 32 bytes (RFC 7518 §3.2)',
    "make one with: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='",
  ),
  eku: require_(
    (text) =>
      /^(?:server_auth|client_auth|code_signing|email_protection|time_stamping)$/.test(text) ||
      /^[0-2](?:\.(?:0|[1-9][0-9]*)){2,20}$/.test(text),
    'is not an extended key usage',
    'write server_auth, client_auth, code_signing, email_protection, time_stamping or an OID',
  ),
  'identifier-pattern': require_(
    isIdentifierPattern,
    'is not an identifier pattern',
    'write "dns:" or "ip:" and a regular expression, such as "dns:.*\\\\.example\\\\.com"',
  ),
};

/** Undefined when `text` has the format. */
export function checkFormat(format: FormatName, text: string): Complaint | undefined {
  return FORMATS[format](text);
}

function require_(holds: (text: string) => boolean, message: string, fix: string): Check {
  return (text) => (holds(text) ? undefined : { message, fix });
}

function plain(maxLength: number): Check {
  return (text) => {
    if (text === '') return { message: 'is empty', fix: 'write a value, or remove the line' };
    if (text.length > maxLength) {
      return { message: 'is too long', fix: `use at most ${maxLength} characters` };
    }
    if (!CONTROL_CHARACTER.test(text)) return undefined;
    return { message: 'contains a control character', fix: 'remove it' };
  };
}

function httpUrl(text: string): { url?: URL; complaint?: Complaint } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && !/[\s\p{Cc}]/u.test(text)) {
    if (url.username === '' && url.password === '') return { url };
    const fix = 'remove the user name and password';
    return { complaint: { message: 'carries credentials', fix } };
  }
  return { complaint: { message: 'is not a URL', fix: 'write "https://host" or "http://host"' } };
}

function databaseUrl(text: string): Complaint | undefined {
  if (parseDatabaseUrl(text) !== undefined) return undefined;
  const server = /^(?:postgres|postgresql|mariadb|mysql):/.test(text) && readDatabaseUrl(text);
  if (server && 'fault' in server) return { message: server.fault, fix: server.fix };
  return {
    message: 'is not a database URL',
    fix: 'write "sqlite://relative/path", "sqlite:///absolute/path", "postgres://…" or "mariadb://…"',
  };
}

/** Clients compare URLs as text (RFC 8555 §6.4), so ours has one spelling only. */
function baseUrl(text: string): Complaint | undefined {
  const { url, complaint } = httpUrl(text);
  if (url === undefined) return complaint;
  if (text.endsWith('/')) {
    return { message: 'ends with a slash', fix: `write "${text.replace(/\/+$/, '')}"` };
  }
  if (url.search !== '' || url.hash !== '' || /[?#]$/.test(text)) {
    return { message: 'has a query or a fragment', fix: 'keep scheme, host, port and path only' };
  }
  const canonical = url.href.replace(/\/$/, '');
  if (canonical === text) return undefined;
  return { message: 'is not in canonical form', fix: `write "${canonical}"` };
}

function peerUrl(text: string): Complaint | undefined {
  const { url, complaint } = httpUrl(text);
  if (url === undefined) return complaint;
  if (url.href === `${url.origin}/` && url.origin === text) return undefined;
  return { message: 'is not the base URL of a peer', fix: `write "${url.origin}"` };
}

function isHmacKey(text: string): boolean {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return false;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length >= MIN_HMAC_KEY_BYTES && bytes.toString('base64url') === text;
}

function isIdentifierPattern(text: string): boolean {
  const pattern = /^(?:dns|ip):(.{1,200})$/.exec(text)?.[1];
  if (pattern === undefined) return false;
  try {
    return new RegExp(`^(?:${pattern})$`, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
