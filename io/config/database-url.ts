// The URL of a database server, taken apart: `postgres://user:pass@host:port/db?sslmode=verify-full`,
// `mariadb://…?ssl-mode=VERIFY_IDENTITY`. Every part may be percent-encoded.
// Invariant: a parameter that is not understood is refused, never ignored: it may have asked for
// TLS. Never here: opening anything, reading certificate files.

export type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface DatabaseServer {
  readonly kind: 'postgres' | 'mariadb';
  /** A name, an IP literal without brackets, or a path: PostgreSQL's directory, MariaDB's socket. */
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  readonly database: string;
  readonly tlsMode: TlsMode;
  /** PEM files: whom to trust, and what to show the server. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** PostgreSQL: command-line options for the session, such as `-c search_path=akamu`. */
  readonly options?: string;
}

/** Why a URL is none, as the end of a sentence, and what to write. */
export interface UrlFault {
  readonly fault: string;
  readonly fix: string;
}

type Part = 'tlsMode' | 'caFile' | 'certFile' | 'keyFile' | 'options' | 'socket';

interface Scheme {
  readonly kind: DatabaseServer['kind'];
  readonly port: number;
  readonly parameters: { readonly [name: string]: Part };
  readonly tlsModes: { readonly [word: string]: TlsMode };
}

const POSTGRES: Scheme = {
  kind: 'postgres',
  port: 5432,
  parameters: {
    sslmode: 'tlsMode',
    sslrootcert: 'caFile',
    sslcert: 'certFile',
    sslkey: 'keyFile',
    options: 'options',
    host: 'socket',
  },
  tlsModes: {
    disable: 'disable',
    prefer: 'prefer',
    require: 'require',
    'verify-ca': 'verify-ca',
    'verify-full': 'verify-full',
  },
};

const MARIADB: Scheme = {
  kind: 'mariadb',
  port: 3306,
  parameters: {
    'ssl-mode': 'tlsMode',
    'ssl-ca': 'caFile',
    'ssl-cert': 'certFile',
    'ssl-key': 'keyFile',
    socket: 'socket',
  },
  tlsModes: {
    DISABLED: 'disable',
    PREFERRED: 'prefer',
    REQUIRED: 'require',
    VERIFY_CA: 'verify-ca',
    VERIFY_IDENTITY: 'verify-full',
  },
};

const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['postgres:', POSTGRES],
  ['postgresql:', POSTGRES],
  ['mariadb:', MARIADB],
  ['mysql:', MARIADB],
]);

const BROKEN_CODE = fault('has a "%" that encodes nothing', 'write "%25" for "%"');

/** The parts of the URL of a server, or why it is none. */
export function readDatabaseUrl(text: string): DatabaseServer | UrlFault {
  if (!URL.canParse(text)) return fault('is not a URL', 'write "postgres://user:pass@host/db"');
  const url = new URL(text);
  const scheme = SCHEMES.get(url.protocol);
  if (scheme === undefined) return fault('names no database server', 'write "postgres://…"');
  const parts = [url.username, url.password, url.hostname, url.pathname.slice(1)].map(decode);
  if (parts.includes(undefined)) return BROKEN_CODE;
  const [user = '', password = '', hostname = '', database = ''] = parts;
  const given = parametersOf(url, scheme);
  if ('fault' in given) return given;
  const { socket, ...parameters } = given;
  if (database === '' || /[/\0]/.test(database)) {
    return fault('names no database', 'end it with "/" and the name of the database');
  }
  const host = socket ?? hostname.replace(/^\[(.*)\]$/, '$1');
  if (host === '') return fault('names no host', `write "${scheme.kind}://user@host/db"`);
  return {
    kind: scheme.kind,
    host,
    port: url.port === '' ? scheme.port : Number(url.port),
    ...(user !== '' && { user }),
    ...(password !== '' && { password }),
    database,
    tlsMode: 'prefer',
    ...parameters,
  };
}

/** Whether nothing can travel in clear to another host. */
export function enforcesTls({ host, tlsMode }: DatabaseServer): boolean {
  return isSocket(host) || (tlsMode !== 'disable' && tlsMode !== 'prefer');
}

/** Whether the host is a Unix socket: that never leaves the machine, and needs no TLS. */
export function isSocket(host: string): boolean {
  return host.startsWith('/');
}

/** The server as logs and errors show it: without the password. */
export function labelOf({ kind, user, host, port, database }: DatabaseServer): string {
  const who = user === undefined ? '' : `${user}@`;
  const where = isSocket(host) ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return `${kind}://${who}${where}/${database}`;
}

type Parameters = { -readonly [P in Exclude<Part, 'tlsMode'>]?: string } & { tlsMode?: TlsMode };

function parametersOf(url: URL, scheme: Scheme): Parameters | UrlFault {
  const found: Parameters = {};
  for (const [name, value] of searchOf(url)) {
    if (name === undefined || value === undefined) return BROKEN_CODE;
    const part = Object.hasOwn(scheme.parameters, name) ? scheme.parameters[name] : undefined;
    if (part === undefined) {
      const known = Object.keys(scheme.parameters).join(', ');
      return fault('has an unknown parameter', `known are ${known}`);
    }
    if (part === 'tlsMode') {
      const mode = Object.hasOwn(scheme.tlsModes, value) ? scheme.tlsModes[value] : undefined;
      const words = Object.keys(scheme.tlsModes).join(', ');
      if (mode === undefined) return fault(`has an unknown ${name}`, `write one of ${words}`);
      found.tlsMode = mode;
    } else if (value === '' || value.includes('\0') || (part === 'socket' && !isSocket(value))) {
      return fault(`has no path as its ${name}`, 'write an absolute path');
    } else found[part] = value;
  }
  if ((found.certFile === undefined) === (found.keyFile === undefined)) return found;
  return fault('has a client certificate without its key, or a key alone', 'give both or none');
}

/** Names and values, decoded. As libpq has it, and unlike forms of the web, a plus is a plus. */
function searchOf({ search }: URL): (string | undefined)[][] {
  const pairs = search.slice(1).split('&');
  return pairs
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [decode(pair), ''] : [decode(pair.slice(0, at)), decode(pair.slice(at + 1))];
    });
}

/** Undefined when the percent-encoding is broken. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function fault(why: string, fix: string): UrlFault {
  return { fault: why, fix };
}
