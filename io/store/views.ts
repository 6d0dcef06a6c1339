// Views for operators: the records as plain tables, so that "what expires this week" is one SELECT
// against any node's database. Times come twice: as UTC text that compares with datetime('now'),
// and as Unix milliseconds, which the index on expiry serves.
// Invariant: read-only conveniences; the program never reads them. Never here: tables.

const CERTIFICATES = `CREATE VIEW certificates AS SELECT
    id AS serial,
    name AS names,
    owner AS account,
    fields ->> '$.made.value.order' AS order_id,
    fields ->> '$.made.value.ca' AS ca,
    state AS status,
    ${utc("fields ->> '$.made.value.notBeforeMs'")} AS not_before,
    ${utc('expires_ms')} AS not_after,
    fields ->> '$.made.value.notBeforeMs' AS not_before_ms,
    expires_ms AS not_after_ms,
    ${utc("fields ->> '$.revocation.value.atMs'")} AS revoked_at,
    fields ->> '$.revocation.value.atMs' AS revoked_at_ms,
    fields ->> '$.revocation.value.reason' AS revocation_reason,
    fields ->> '$.made.value.spkiHash' AS spki_hash,
    fields ->> '$.made.value.der' AS der
  FROM records WHERE kind = 'certificate'`;

const ORDERS = `CREATE VIEW orders AS SELECT
    id,
    name AS names,
    owner AS account,
    state AS status,
    fields ->> '$.made.value.ca' AS ca,
    fields ->> '$.made.value.authorizations' AS authorizations,
    fields ->> '$.certificate.value.serial' AS certificate_serial,
    ${utc("fields ->> '$.made.value.createdMs'")} AS created,
    ${utc("fields ->> '$.csr.value.atMs'")} AS finalized,
    ${utc('expires_ms')} AS expires,
    fields ->> '$.made.value.createdMs' AS created_ms,
    fields ->> '$.csr.value.atMs' AS finalized_ms,
    expires_ms
  FROM records WHERE kind = 'order'`;

const ACCOUNTS = `CREATE VIEW accounts AS SELECT
    id,
    state AS status,
    name AS thumbprint,
    fields ->> '$.contact.value' AS contact,
    ${utc("fields ->> '$.made.value.createdMs'")} AS created,
    fields ->> '$.made.value.createdMs' AS created_ms
  FROM records WHERE kind = 'account'`;

const AUTHORIZATIONS = `CREATE VIEW authorizations AS SELECT
    id,
    name,
    owner AS account,
    state AS status,
    fields ->> '$.made.value.wildcard' AS wildcard,
    fields ->> '$."http-01"' AS http_01,
    fields ->> '$."dns-01"' AS dns_01,
    fields ->> '$."tls-alpn-01"' AS tls_alpn_01,
    fields ->> '$.validated.value.type' AS validated_by,
    ${utc("fields ->> '$.validated.value.atMs'")} AS validated,
    ${utc("fields ->> '$.made.value.createdMs'")} AS created,
    ${utc('expires_ms')} AS expires,
    fields ->> '$.validated.value.atMs' AS validated_ms,
    fields ->> '$.made.value.createdMs' AS created_ms,
    expires_ms
  FROM records WHERE kind = 'authorization'`;

export const SQLITE_VIEWS: readonly string[] = [CERTIFICATES, ORDERS, ACCOUNTS, AUTHORIZATIONS];

/** Unix milliseconds as `YYYY-MM-DD HH:MM:SS` in UTC, the format SQLite's own dates have. */
function utc(ms: string): string {
  return `datetime((${ms}) / 1000, 'unixepoch')`;
}
