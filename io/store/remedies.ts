// What an operator can do about an error of a database server or of the way to it.
// Invariant: the texts name the server without its password. Never here: errors of one request
// that no operator can mend.

import { isIP } from 'node:net';
import { type DatabaseServer, isSocket, labelOf } from '../config/database-url.ts';
import { ConnectionLost } from './session.ts';
import { StoreError } from './store.ts';

/** Codes of Node's sockets and TLS, the same for every database. */
const REMEDIES: { readonly [code: string]: string } = {
  ECONNREFUSED: 'start the server, or correct host and port in [database] url',
  ENOENT: 'start the server, or correct the path of its socket in [database] url',
  EACCES: 'let the user that runs Akamu use the socket',
  ENOTFOUND: 'correct the host in [database] url, or make its name resolve',
  EAI_AGAIN: 'the name of the host cannot be resolved now: look after the DNS resolver',
  ETIMEDOUT: 'look for a firewall between this host and the server',
  EHOSTUNREACH: 'make the server reachable from this host',
  ENETUNREACH: 'make the server reachable from this host',
  SELF_SIGNED_CERT_IN_CHAIN: 'name the CA of the server in the URL (sslrootcert, ssl-ca)',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'name the certificate of the server in the URL (sslrootcert, ssl-ca)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'name the CA of the server in the URL (sslrootcert, ssl-ca)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'name the CA of the server in the URL (sslrootcert, ssl-ca)',
  CERT_HAS_EXPIRED: 'renew the certificate of the server',
  ERR_TLS_CERT_ALTNAME_INVALID: 'use the host name that the certificate of the server has',
};

export interface ServerFailure {
  readonly code: string;
  readonly message: string;
  readonly isLost: boolean;
}

/** The error to raise: what happened where, and the remedy where there is one. */
export function explain(
  server: DatabaseServer,
  { code, message, isLost }: ServerFailure,
  remedies: { readonly [code: string]: string },
): StoreError {
  const known = Object.hasOwn(remedies, code) ? remedies[code] : undefined;
  const remedy = known ?? (Object.hasOwn(REMEDIES, code) ? REMEDIES[code] : undefined);
  const said = message.trim() === '' ? code : message.trim().replace(/\s*\n\s*/g, ' ');
  const detail = `${labelOf(server)}: ${said}${remedy === undefined ? '' : `; ${remedy}`}`;
  return isLost ? new ConnectionLost(detail) : new StoreError('failed', detail);
}

/** A request that cannot be met as the server is set up. */
export function unfit(server: DatabaseServer, why: string, remedy: string): StoreError {
  return new StoreError('failed', `${labelOf(server)}: ${why}; ${remedy}`);
}

export function lockedBy(server: DatabaseServer, holder: string): StoreError {
  const remedy = 'stop that process, or give this node its own [database] url';
  return new StoreError('locked', `${labelOf(server)} (${holder}); ${remedy}`);
}

export function newerThan(server: DatabaseServer, found: number, known: number): StoreError {
  const remedy = 'start that version again, or restore a backup from before the upgrade';
  const detail = `${labelOf(server)} has schema ${found}, known is ${known}; ${remedy}`;
  return new StoreError('newer', detail);
}

export function foreignTables(server: DatabaseServer, names: readonly string[]): StoreError {
  const remedy = 'give Akamu a database of its own';
  const detail = `${labelOf(server)} has ${names.join(', ')} of another program; ${remedy}`;
  return new StoreError('foreign', detail);
}

export function goneTables(server: DatabaseServer): StoreError {
  return new StoreError('failed', `${labelOf(server)} is empty, and it was not a moment ago`);
}

/** What Node's TLS is told for a mode; undefined for none. */
export function tlsOptions(
  server: DatabaseServer,
  read: (file: string) => string,
): TlsSettings | undefined {
  const { tlsMode, caFile, certFile, keyFile, host } = server;
  if (tlsMode === 'disable' || isSocket(host)) return undefined;
  // As libpq has it: a CA that is named is checked against.
  const isVerified = tlsMode === 'verify-ca' || tlsMode === 'verify-full' || caFile !== undefined;
  const isNameChecked = tlsMode === 'verify-full';
  return {
    rejectUnauthorized: isVerified,
    // Without it Node would compare an address with the certificate of "localhost".
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(isNameChecked ? {} : { checkServerIdentity: () => undefined }),
    ...(caFile !== undefined && { ca: read(caFile) }),
    ...(certFile !== undefined && { cert: read(certFile) }),
    ...(keyFile !== undefined && { key: read(keyFile) }),
  };
}

export interface TlsSettings {
  readonly rejectUnauthorized: boolean;
  readonly host: string;
  readonly servername?: string;
  readonly checkServerIdentity?: () => undefined;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}
