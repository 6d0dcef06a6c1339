// Views for operators: the records as plain tables, so that "what expires this week" is one SELECT
// against any node's database. Described once; each dialect says how it reads a field.
// Invariant: read-only conveniences; the program never reads them, and a record of odd shape shows
// as NULLs and breaks nothing. Never here: tables.

export type Dialect = 'sqlite' | 'postgres' | 'mariadb';

/** Where a column of a view comes from. A path leads into `fields`. */
type Source =
  | { readonly column: string }
  | { readonly text: readonly string[] }
  | { readonly number: readonly string[] }
  /** An object or an array, as JSON. */
  | { readonly json: readonly string[] }
  /** Unix milliseconds as a UTC time of the dialect, to whole seconds. */
  | { readonly utcOf: Source };

interface View {
  readonly name: string;
  readonly kind: string;
  readonly columns: { readonly [name: string]: Source };
}

const ID: Source = { column: 'id' };
const OWNER: Source = { column: 'owner' };
const NAME: Source = { column: 'name' };
const STATE: Source = { column: 'state' };
/** As the index on expiry has it. */
const EXPIRES_MS: Source = { column: 'expires_ms' };
const CREATED_MS: Source = { number: ['made', 'value', 'createdMs'] };

const CERTIFICATES: View = {
  name: 'certificates',
  kind: 'certificate',
  columns: {
    serial: ID,
    names: NAME,
    account: OWNER,
    order_id: { text: ['made', 'value', 'order'] },
    ca: { text: ['made', 'value', 'ca'] },
    status: STATE,
    not_before: { utcOf: { number: ['made', 'value', 'notBeforeMs'] } },
    not_after: { utcOf: EXPIRES_MS },
    not_before_ms: { number: ['made', 'value', 'notBeforeMs'] },
    not_after_ms: EXPIRES_MS,
    revoked_at: { utcOf: { number: ['revocation', 'value', 'atMs'] } },
    revoked_at_ms: { number: ['revocation', 'value', 'atMs'] },
    revocation_reason: { number: ['revocation', 'value', 'reason'] },
    spki_hash: { text: ['made', 'value', 'spkiHash'] },
    der: { text: ['made', 'value', 'der'] },
  },
};

const ORDERS: View = {
  name: 'orders',
  kind: 'order',
  columns: {
    id: ID,
    names: NAME,
    account: OWNER,
    status: STATE,
    ca: { text: ['made', 'value', 'ca'] },
    authorizations: { json: ['made', 'value', 'authorizations'] },
    certificate_serial: { text: ['certificate', 'value', 'serial'] },
    created: { utcOf: CREATED_MS },
    finalized: { utcOf: { number: ['csr', 'value', 'atMs'] } },
    expires: { utcOf: EXPIRES_MS },
    created_ms: CREATED_MS,
    finalized_ms: { number: ['csr', 'value', 'atMs'] },
    expires_ms: EXPIRES_MS,
  },
};

const ACCOUNTS: View = {
  name: 'accounts',
  kind: 'account',
  columns: {
    id: ID,
    status: STATE,
    thumbprint: NAME,
    contact: { json: ['contact', 'value'] },
    created: { utcOf: CREATED_MS },
    created_ms: CREATED_MS,
  },
};

const AUTHORIZATIONS: View = {
  name: 'authorizations',
  kind: 'authorization',
  columns: {
    id: ID,
    name: NAME,
    account: OWNER,
    status: STATE,
    wildcard: { text: ['made', 'value', 'wildcard'] },
    http_01: { text: ['http-01'] },
    dns_01: { text: ['dns-01'] },
    tls_alpn_01: { text: ['tls-alpn-01'] },
    validated_by: { text: ['validated', 'value', 'type'] },
    validated: { utcOf: { number: ['validated', 'value', 'atMs'] } },
    created: { utcOf: CREATED_MS },
    expires: { utcOf: EXPIRES_MS },
    validated_ms: { number: ['validated', 'value', 'atMs'] },
    created_ms: CREATED_MS,
    expires_ms: EXPIRES_MS,
  },
};

const RECORD_VIEWS: readonly View[] = [CERTIFICATES, ORDERS, ACCOUNTS, AUTHORIZATIONS];

/** Every view there is, whatever the version that brought it: names an operator must not use. */
export const VIEW_NAMES: readonly string[] = [...RECORD_VIEWS.map(({ name }) => name), 'node_keys'];

const LAST_MS = 253_402_300_799_999;

/** How a dialect reads a path of `fields`, and where it finds the fields already parsed. */
interface Reader {
  readonly create: string;
  readonly from: string;
  text(path: readonly string[]): string;
  number(path: readonly string[]): string;
  json(path: readonly string[]): string;
  utc(ms: string): string;
}

const SQLITE: Reader = {
  create: 'CREATE VIEW',
  from: 'records',
  text: sqliteField,
  number: sqliteField,
  json: sqliteField,
  utc: (ms) => `datetime((${ms}) / 1000, 'unixepoch')`,
};

const POSTGRES: Reader = {
  create: 'CREATE VIEW',
  // OFFSET keeps the planner from parsing the fields once for every column.
  from: 'records CROSS JOIN LATERAL (SELECT akamu_json(fields) AS j OFFSET 0) AS parsed',
  text: (path) => `j #>> ${postgresPath(path)}`,
  number: (path) => {
    const value = `j #> ${postgresPath(path)}`;
    return `CASE WHEN jsonb_typeof(${value}) = 'number' THEN (${value})::numeric END`;
  },
  json: (path) => `j #> ${postgresPath(path)}`,
  utc: (ms) => `to_timestamp(floor(${within(ms)} / 1000))`,
};

const MARIADB: Reader = {
  create: 'CREATE OR REPLACE VIEW',
  from: 'records',
  text: (path) => `JSON_VALUE(fields, ${jsonPath(path)})`,
  number: (path) => {
    const type = `JSON_TYPE(JSON_EXTRACT(fields, ${jsonPath(path)}))`;
    const value = `CAST(JSON_VALUE(fields, ${jsonPath(path)}) AS DOUBLE)`;
    return `CASE WHEN ${type} IN ('INTEGER', 'DOUBLE') THEN ${value} END`;
  },
  json: (path) => `JSON_EXTRACT(fields, ${jsonPath(path)})`,
  utc: (ms) =>
    `TIMESTAMP'1970-01-01 00:00:00' + INTERVAL CAST(floor(${within(ms)} / 1000) AS SIGNED) SECOND`,
};

const READERS: { readonly [D in Dialect]: Reader } = {
  sqlite: SQLITE,
  postgres: POSTGRES,
  mariadb: MARIADB,
};

/** The views over records: what schema 1 has. */
export function recordViews(dialect: Dialect): readonly string[] {
  const reader = READERS[dialect];
  return RECORD_VIEWS.map(({ name, kind, columns }) => {
    const list = Object.entries(columns).map(([column, source]) => {
      return `${expression(reader, source)} AS ${column}`;
    });
    return `${reader.create} ${name} AS SELECT
    ${list.join(',\n    ')}
  FROM ${reader.from} WHERE kind = '${kind}'`;
  });
}

/** The node's own keys, as facts whose private part is wrapped: what schema 2 has. */
export function nodeKeysView(dialect: Dialect): string {
  const key = dialect === 'mariadb' ? '`key`' : 'key';
  const name = `substr(${key}, ${'node-key/'.length + 1})`;
  const select = `SELECT ${name} AS name, value FROM meta WHERE ${key} LIKE 'node-key/%'`;
  return `${READERS[dialect].create} node_keys AS ${select}`;
}

function expression(reader: Reader, source: Source): string {
  if ('column' in source) return source.column;
  if ('text' in source) return reader.text(source.text);
  if ('number' in source) return reader.number(source.number);
  if ('json' in source) return reader.json(source.json);
  return reader.utc(expression(reader, source.utcOf));
}

/** Milliseconds that are a time, else NULL: what a database would raise an error for. */
function within(ms: string): string {
  return `(CASE WHEN (${ms}) BETWEEN 0 AND ${LAST_MS} THEN (${ms}) END)`;
}

function sqliteField(path: readonly string[]): string {
  return `fields ->> ${jsonPath(path)}`;
}

function jsonPath(path: readonly string[]): string {
  return `'$${path.map((name) => (/^\w+$/.test(name) ? `.${name}` : `."${name}"`)).join('')}'`;
}

function postgresPath(path: readonly string[]): string {
  return `'{${path.join(',')}}'`;
}
