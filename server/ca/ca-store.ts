// The files of a CA: loaded and checked, or made on the first start.
// Invariant: the certificate file gets its name last, so a CA is there entirely or not; what an
// interrupted start leaves is completed, reused or refused, never taken for another CA's.
// Never here: issuing.

import { equalBytes } from '../../core/bytes.ts';
import { type CaConfig, CaError, type CaPaths, caPaths } from './ca-config.ts';
import { type Certificate, parseCertificate, signCertificate } from './certificate.ts';
import {
  dropPending,
  type NewFile,
  pendingPath,
  readIfPresent,
  settle,
  writePending,
} from './durable-files.ts';
import { findExtension, readBasicConstraints, readKeyUsage } from './extension-reader.ts';
import { KEY_USAGE } from './extensions.ts';
import { type Issuer, makeIssuer } from './issuer.ts';
import { type CaKey, generateCaKey, type RandomBytes, readCaKey } from './keys.ts';
import { encodeName } from './name.ts';
import { fromPem, toPem } from './pem.ts';
import {
  type CaPlanParts,
  DAY_MS,
  planIntermediate,
  planRoot,
  positiveSerial,
  wholeSecond,
} from './profile.ts';
import { readPublicKey } from './public-key.ts';
import { attempt } from './refusal.ts';
import { readSignatureAlgorithm, verifySignature } from './signature-algorithm.ts';

/** What comes in through the door: time and randomness. */
export interface CaDoor {
  /** Unix milliseconds. */
  readonly nowMs: number;
  readonly random: RandomBytes;
}

/** An issuer and the certificates above it, lowest first, as far as they are known. */
export interface CaFiles {
  readonly issuer: Issuer;
  readonly above: readonly Certificate[];
}

/** Nodes whose clocks are behind must be able to use a CA that was just made. */
const BACKDATE_MS = 3_600_000;
const DAYS_PER_YEAR = 365.25;

/** Loads the CA, or makes it when neither key nor certificate file is there. Throws CaError. */
export function openCaFiles(config: CaConfig, door: CaDoor): CaFiles {
  const paths = caPaths(config);
  const reading = attempt('a certificate', () => openOrCreate(config, paths, door));
  if (reading.ok) return reading.value;
  throw new CaError(`${paths.cert}: ${reading.reason}`);
}

function openOrCreate(config: CaConfig, paths: CaPaths, door: CaDoor): CaFiles {
  const key = readIfPresent(paths.key);
  const cert = readIfPresent(paths.cert) ?? (key === undefined ? undefined : pendingCert(paths));
  if (key !== undefined && cert !== undefined) return loadCa(paths, key, cert, door);
  if (key !== undefined) {
    throw new CaError(
      `key_file ${paths.key} is there but cert_file ${paths.cert} is missing; bring back the certificate of that key, or move the key away to let a new CA be made`,
    );
  }
  if (cert !== undefined) {
    throw new CaError(
      `cert_file ${paths.cert} is there but key_file ${paths.key} is missing; bring back the key of that certificate, or move the certificate away to let a new CA be made`,
    );
  }
  return createCa(config, paths, door);
}

/** A start that was interrupted before its last step left everything but the last name. */
function pendingCert(paths: CaPaths): string | undefined {
  const pending = readIfPresent(pendingPath(paths.cert));
  const key = readIfPresent(paths.key);
  if (pending === undefined || key === undefined) return undefined;
  const issuer = attempt('the certificate', () => {
    const [block] = fromPem(pending);
    const reading = readCaKey(key);
    return block && reading.ok ? makeIssuer(reading.value, block.der) : undefined;
  });
  if (!issuer.ok || issuer.value === undefined || !belongsTogether(issuer.value)) return undefined;
  settle(paths.cert);
  return pending;
}

function loadCa(paths: CaPaths, keyPem: string, certPem: string, door: CaDoor): CaFiles {
  const key = readKeyFile('key_file', paths.key, keyPem);
  const certificates = readCertFile('cert_file', paths.cert, certPem);
  const issuer = issuerOf(key, certificates[0]!.der, paths.key, paths.cert);
  checkIssuing(issuer.certificate, paths.cert, door.nowMs);
  const above = [...certificates.slice(1), ...rootBeside(paths, certificates.at(-1)!)];
  checkChain([issuer.certificate, ...above], paths.cert);
  return { issuer, above };
}

/** The root from its own file, when the certificate file stops short of it. */
function rootBeside(paths: CaPaths, last: Certificate): Certificate[] {
  if (isSelfIssued(last)) return [];
  const pem = readIfPresent(paths.rootCert);
  if (pem === undefined) return [];
  const [root] = readCertFile('root certificate file', paths.rootCert, pem);
  return equalBytes(root!.subject, last.issuer) ? [root!] : [];
}

function createCa(config: CaConfig, paths: CaPaths, door: CaDoor): CaFiles {
  const key = generateCaKey(config.keyType, door.random);
  lock({ path: paths.key, content: key.toPem(), mode: 0o600 }, paths);
  try {
    // Another process may have finished between our look and our lock.
    if (readIfPresent(paths.key) !== undefined || readIfPresent(paths.cert) !== undefined) {
      dropPending(paths.key);
      return openCaFiles(config, door);
    }
    const { root, files: rootFiles } = openRoot(config, paths, door);
    const parts = caParts(config, door, config.commonName, key);
    const der = signCertificate(planIntermediate(parts, root), root.key);
    const content = toPem('CERTIFICATE', der) + toPem('CERTIFICATE', root.certificate.der);
    const certFile: NewFile = { path: paths.cert, content, mode: 0o644 };
    for (const file of [...rootFiles, certFile]) {
      dropPending(file.path);
      writePending(file);
    }
    for (const { path } of rootFiles) settle(path);
    settle(paths.key);
    settle(paths.cert);
    return { issuer: makeIssuer(key, der), above: [root.certificate] };
  } catch (error) {
    dropPending(paths.key);
    throw error;
  }
}

function lock(file: NewFile, paths: CaPaths): void {
  try {
    writePending(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const pending = pendingPath(paths.key);
    throw new CaError(
      `${pending} is there: another process is making this CA, or was interrupted while it did; if none is running, delete ${pending} and start again`,
    );
  }
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
      `a new issuing certificate is needed, but of the root only the certificate ${paths.rootCert} is there; bring back its key as ${paths.rootKey}, or move the certificate away to let a new root be made`,
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

function readKeyFile(label: string, path: string, pem: string): CaKey {
  const reading = readCaKey(pem);
  if (!reading.ok) throw new CaError(`${label} ${path}: ${reading.reason}`);
  return reading.value;
}

function readCertFile(label: string, path: string, pem: string): Certificate[] {
  const reading = attempt('the certificate', () =>
    fromPem(pem)
      .filter((block) => block.label === 'CERTIFICATE')
      .map((block) => parseCertificate(block.der)),
  );
  if (!reading.ok) throw new CaError(`${label} ${path}: ${reading.reason}`);
  if (reading.value.length > 0) return reading.value;
  throw new CaError(`${label} ${path}: there is no PEM block "CERTIFICATE" in it`);
}

function issuerOf(
  key: CaKey,
  certificateDer: Uint8Array,
  keyPath: string,
  certPath: string,
): Issuer {
  const issuer = makeIssuer(key, certificateDer);
  if (belongsTogether(issuer)) return issuer;
  throw new CaError(
    `the key in ${keyPath} is not the key of the first certificate in ${certPath}; put the issuing certificate first, or bring back the key that belongs to it`,
  );
}

function belongsTogether({ key, certificate }: Issuer): boolean {
  return equalBytes(key.publicKey.spki, certificate.spki);
}

function checkIssuing(certificate: Certificate, path: string, nowMs: number): void {
  const { extensions, notAfterMs } = certificate;
  const constraints = findExtension(extensions, 'basicConstraints');
  if (constraints === undefined || !readBasicConstraints(constraints.value).ca) {
    throw new CaError(`${path}: the certificate is not a CA's (basicConstraints must say CA:TRUE)`);
  }
  // Without the extension a key may do everything (RFC 5280 §6.1.4 (n)).
  const usage = findExtension(extensions, 'keyUsage');
  const bits = usage === undefined ? undefined : readKeyUsage(usage.value);
  for (const name of ['keyCertSign', 'crlSign'] as const) {
    if (bits?.includes(KEY_USAGE[name]) === false) {
      throw new CaError(
        `${path}: the certificate's keyUsage lacks ${name}; have it issued with it`,
      );
    }
  }
  if (notAfterMs > nowMs) return;
  throw new CaError(
    `${path}: the certificate expired at ${new Date(notAfterMs).toISOString()}; renew it, or move key and certificate away to let new ones be made (and check the clock of this machine)`,
  );
}

/** Each certificate is signed by the one that follows. */
function checkChain(chain: readonly Certificate[], path: string): void {
  for (const [index, upper] of chain.slice(1).entries()) {
    if (isSignedBy(chain[index]!, upper)) continue;
    throw new CaError(
      `${path}: certificate ${index + 1} is not signed by the one after it; put the issuing certificate first, then the one that signed it, and so on`,
    );
  }
}

function isSignedBy(lower: Certificate, upper: Certificate): boolean {
  if (!equalBytes(lower.issuer, upper.subject)) return false;
  const key = readPublicKey(upper.spki);
  const algorithm = attempt('it', () => readSignatureAlgorithm(lower.signatureAlgorithm, 'it'));
  return (
    key.ok &&
    algorithm.ok &&
    verifySignature(algorithm.value, key.value, lower.tbs, lower.signature)
  );
}

/** A root names itself as issuer. */
export function isSelfIssued(certificate: Certificate): boolean {
  return equalBytes(certificate.issuer, certificate.subject);
}
