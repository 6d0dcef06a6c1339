// The first start of a CA: a root, an issuing intermediate, and their four files.
// Invariant: the certificate file gets its name last, so a CA is there entirely or not. A root that
// is already there is used. Never here: opening what exists.

import { checkIssuing, issuerOf, readCertFile, readKeyFile } from './ca-checks.ts';
import { type CaConfig, CaError, type CaPaths } from './ca-config.ts';
import { type Certificate, signCertificate } from './certificate.ts';
import {
  dropPending,
  type NewFile,
  pendingPath,
  readIfPresent,
  settle,
  writePending,
} from './durable-files.ts';
import { type Issuer, makeIssuer } from './issuer.ts';
import { type CaKey, generateCaKey, type RandomBytes } from './keys.ts';
import { type Lineage, requireUnused } from './lineage.ts';
import { encodeName } from './name.ts';
import { toPem } from './pem.ts';
import {
  type CaPlanParts,
  DAY_MS,
  planIntermediate,
  planRoot,
  positiveSerial,
  wholeSecond,
} from './profile.ts';

/** What comes in through the door: time and randomness. */
export interface CaDoor {
  /** Unix milliseconds. */
  readonly nowMs: number;
  readonly random: RandomBytes;
  /** How long to wait for another process that is making the same CA. Default 10 s. */
  readonly lockWaitMs?: number;
  /** Given: the CA that is opened is this one, or none. */
  readonly lineage?: Lineage;
}

/** An issuer and the certificates above it, lowest first, as far as they are known. */
export interface CaFiles {
  readonly issuer: Issuer;
  readonly above: readonly Certificate[];
  /** What of it was not there before, in words. */
  readonly made?: string;
}

/** Nodes whose clocks are behind must be able to use a CA that was just made. */
const BACKDATE_MS = 3_600_000;
/** What was made, by how many files of the root were. */
const MADE = [
  'a new issuing CA under the root that was there',
  'a new root certificate for the root key that was there, and an issuing CA',
  'a new root and issuing CA',
] as const;
const DAYS_PER_YEAR = 365.25;

/**
 * Makes the CA. The pending key file is the lock: undefined when another process holds it, or was
 * faster. Throws CaError when the root that is there cannot be used, or another CA was here before.
 */
export function createCa(config: CaConfig, paths: CaPaths, door: CaDoor): CaFiles | undefined {
  const rootPem = readIfPresent(paths.rootCert);
  const root = rootPem && readCertFile('root certificate file', paths.rootCert, rootPem)[0];
  requireUnused(door.lineage, config.id, paths, root || undefined);
  if (readIfPresent(pendingPath(paths.key)) !== undefined) return undefined;
  const key = generateCaKey(config.keyType, door.random);
  if (!lock({ path: paths.key, content: key.toPem(), mode: 0o600 })) return undefined;
  try {
    if (readIfPresent(paths.key) === undefined && readIfPresent(paths.cert) === undefined) {
      return writeCa(config, paths, door, key);
    }
    dropPending(paths.key);
    return undefined;
  } catch (error) {
    dropPending(paths.key);
    throw error;
  }
}

function lock(file: NewFile): boolean {
  try {
    writePending(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function writeCa(config: CaConfig, paths: CaPaths, door: CaDoor, key: CaKey): CaFiles {
  const { root, files: rootFiles } = openRoot(config, paths, door);
  const parts = caParts(config, door, config.commonName, key);
  const der = signCertificate(planIntermediate(parts, root), root.key);
  const content = toPem('CERTIFICATE', der) + toPem('CERTIFICATE', root.certificate.der);
  for (const file of [...rootFiles, { path: paths.cert, content, mode: 0o644 }]) {
    dropPending(file.path);
    writePending(file);
  }
  for (const { path } of rootFiles) settle(path);
  settle(paths.key);
  settle(paths.cert);
  return { issuer: makeIssuer(key, der), above: [root.certificate], made: MADE[rootFiles.length]! };
}

/** The root that is there, or a new one with the files it wants written (key first). */
function openRoot(
  config: CaConfig,
  paths: CaPaths,
  door: CaDoor,
): { root: Issuer; files: readonly NewFile[] } {
  const keyPem = readIfPresent(paths.rootKey);
  const certPem = readIfPresent(paths.rootCert);
  if (keyPem !== undefined && certPem !== undefined) {
    const rootKey = readKeyFile('root key file', paths.rootKey, keyPem);
    const [certificate] = readCertFile('root certificate file', paths.rootCert, certPem);
    const root = issuerOf(rootKey, certificate!.der, paths.rootKey, paths.rootCert);
    checkIssuing(root.certificate, paths.rootCert, door.nowMs);
    return { root, files: [] };
  }
  if (certPem !== undefined) {
    throw new CaError(
      `a new issuing certificate is needed, but of the root only the certificate ` +
        `${paths.rootCert} is there; bring back its key as ${paths.rootKey}, ` +
        'or move the certificate away to let a new root be made',
    );
  }
  const key =
    keyPem === undefined
      ? generateCaKey(config.keyType, door.random)
      : readKeyFile('root key file', paths.rootKey, keyPem);
  const der = signCertificate(
    planRoot(caParts(config, door, `${config.commonName} Root`, key)),
    key,
  );
  const keyFile: NewFile = { path: paths.rootKey, content: key.toPem(), mode: 0o600 };
  const certFile = { path: paths.rootCert, content: toPem('CERTIFICATE', der), mode: 0o644 };
  const files = keyPem === undefined ? [keyFile, certFile] : [certFile];
  return { root: makeIssuer(key, der), files };
}

function caParts(config: CaConfig, door: CaDoor, commonName: string, key: CaKey): CaPlanParts {
  const { organization } = config;
  const notBeforeMs = wholeSecond(door.nowMs - BACKDATE_MS);
  const days = Math.round(config.caValidityYears * DAYS_PER_YEAR);
  return {
    serial: positiveSerial(door.random(16)),
    subject: encodeName({
      ...(organization !== undefined && organization !== '' && { organization }),
      commonName,
    }),
    notBeforeMs,
    notAfterMs: notBeforeMs + days * DAY_MS - 1000,
    publicKey: key.publicKey,
  };
}
