// The two tables, records and meta, and their indexes, in the words of each database.
// Measured for SQLite: a rowid table takes 10 µs a record, WITHOUT ROWID 23 µs (fields of 2 KB
// spill into overflow pages); partial indexes take 10 µs against 16 µs for full ones.
// Invariant: keys and origins compare as UTF-8 bytes; whatever row.ts lets pass can be stored, so
// columns a peer can fill at will are indexed by their beginning only. Fields are plain text that
// holds JSON: types for JSON refuse some of it (NUL, depth) or do not give it back as it was.
// Never here: versions (schema.ts), views.

/** States that a start-up or a CRL looks for. They are few, so their index stays small. */
export const INDEXED_STATES: readonly string[] = ['pending', 'processing', 'revoked'];

/** Characters of owners, names and states that the indexes of servers hold. */
export const INDEXED_CHARACTERS = 64;

const IS_INDEXED_STATE = INDEXED_STATES.map((state) => `state = '${state}'`).join(' OR ');

// A dot is not declared unique: a database that was cloned into two running nodes uses dots twice,
// and that mistake must not stop every other node of the cluster when the records reach it.
export const SQLITE_TABLES: readonly string[] = [
  `CREATE TABLE records (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    origin TEXT NOT NULL,
    seq INTEGER NOT NULL,
    owner TEXT,
    name TEXT,
    state TEXT,
    expires_ms INTEGER,
    fields TEXT NOT NULL,
    PRIMARY KEY (kind, id)
  )`,
  'CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID',
  'CREATE INDEX records_by_dot ON records (origin, seq)',
  "CREATE INDEX orders_by_owner ON records (owner, id) WHERE kind = 'order'",
  `CREATE INDEX authorizations_by_owner ON records (owner, name, id)
    WHERE kind = 'authorization'`,
  `CREATE INDEX records_by_state ON records (kind, state, id) WHERE ${IS_INDEXED_STATE}`,
  `CREATE INDEX records_by_expiry ON records (kind, expires_ms, id)
    WHERE expires_ms IS NOT NULL`,
];

export const POSTGRES_TABLES: readonly string[] = [
  `CREATE TABLE records (
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    owner TEXT COLLATE "C",
    name TEXT COLLATE "C",
    state TEXT COLLATE "C",
    expires_ms DOUBLE PRECISION,
    fields TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, id)
  )`,
  'CREATE TABLE meta (key TEXT COLLATE "C" PRIMARY KEY, value TEXT COLLATE "C" NOT NULL)',
  'CREATE INDEX records_by_dot ON records (origin, seq)',
  `CREATE INDEX orders_by_owner ON records (left(owner, ${INDEXED_CHARACTERS}), id)
    WHERE kind = 'order'`,
  `CREATE INDEX authorizations_by_owner ON records
    (left(owner, ${INDEXED_CHARACTERS}), left(name, ${INDEXED_CHARACTERS}), id)
    WHERE kind = 'authorization'`,
  `CREATE INDEX records_by_state ON records (kind, state, id) WHERE ${IS_INDEXED_STATE}`,
  `CREATE INDEX records_by_expiry ON records (kind, expires_ms, id)
    WHERE expires_ms IS NOT NULL`,
  // JSON has characters that jsonb cannot hold; the views show U+FFFD for them.
  `CREATE FUNCTION akamu_json(fields TEXT) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
      RETURN fields::jsonb;
    EXCEPTION WHEN others THEN
      BEGIN
        RETURN regexp_replace(fields, '\\\\u(0000|d[89a-f][0-9a-f]{2})', '\\\\ufffd', 'g')::jsonb;
      EXCEPTION WHEN others THEN
        RETURN NULL;
      END;
    END $$`,
];

const BYTEWISE = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin';

export const MARIADB_TABLES: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS records (
    kind VARCHAR(64) NOT NULL,
    id VARCHAR(512) NOT NULL,
    origin VARCHAR(256) NOT NULL,
    seq BIGINT NOT NULL,
    owner LONGTEXT,
    name LONGTEXT,
    state LONGTEXT,
    expires_ms DOUBLE,
    fields LONGTEXT NOT NULL,
    PRIMARY KEY (kind, id),
    KEY records_by_dot (origin, seq),
    KEY records_by_owner (kind, owner(${INDEXED_CHARACTERS}), name(${INDEXED_CHARACTERS})),
    KEY records_by_state (kind, state(${INDEXED_CHARACTERS})),
    KEY records_by_expiry (kind, expires_ms)
  ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC ${BYTEWISE}`,
  `CREATE TABLE IF NOT EXISTS meta (
    \`key\` VARCHAR(256) NOT NULL PRIMARY KEY,
    value LONGTEXT NOT NULL
  ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC ${BYTEWISE}`,
];
