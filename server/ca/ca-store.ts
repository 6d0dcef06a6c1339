// Opening the files of a CA: loaded and checked, or made on the first start.
// Invariant: what an interrupted start leaves is completed, reused or refused, never taken for
// another CA's. Never here: issuing.

import { equalBytes } from '../../core/bytes.ts';
import {
  belongsTogether,
  checkChain,
  checkIssuing,
  isSelfIssued,
  issuerOf,
  readCertFile,
  readKeyFile,
} from './ca-checks.ts';
import { type CaConfig, CaError, type CaPaths, caPaths } from './ca-config.ts';
import { type CaDoor, type CaFiles, createCa } from './ca-maker.ts';
import type { Certificate } from './certificate.ts';
import { pendingPath, readIfPresent, settle } from './durable-files.ts';
import { makeIssuer } from './issuer.ts';
import { readCaKey } from './keys.ts';
import { requireSame } from './lineage.ts';
import { fromPem } from './pem.ts';
import { attempt } from './refusal.ts';

const LOCK_WAIT_MS = 10_000;
const LOCK_POLL_MS = 25;
const COMPLETED = 'the rest of a CA that a start which was interrupted had begun';

/** Loads the CA, or makes it when neither key nor certificate file is there. Throws CaError. */
export function openCaFiles(config: CaConfig, door: CaDoor): CaFiles {
  const paths = caPaths(config);
  const reading = attempt('a certificate', () => openOrCreate(config, paths, door));
  if (reading.ok) return reading.value;
  throw new CaError(`${paths.cert}: ${reading.reason}`);
}

function openOrCreate(config: CaConfig, paths: CaPaths, door: CaDoor): CaFiles {
  const waitMs = door.lockWaitMs ?? LOCK_WAIT_MS;
  for (let waitedMs = 0; waitedMs <= waitMs; waitedMs += LOCK_POLL_MS) {
    const files = loadIfPresent(paths, door) ?? createCa(config, paths, door);
    if (files !== undefined) {
      const chain = [files.issuer.certificate, ...files.above];
      requireSame(door.lineage, config.id, paths, chain);
      return files;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
  }
  const pending = pendingPath(paths.key);
  throw new CaError(
    `${pending} is there: another process is making this CA, or was interrupted while it did; ` +
      `if none is running, delete ${pending} and start again`,
  );
}

function loadIfPresent(paths: CaPaths, door: CaDoor): CaFiles | undefined {
  const key = readIfPresent(paths.key);
  const settled = readIfPresent(paths.cert);
  const cert = settled ?? (key === undefined ? undefined : pendingCert(paths, key));
  if (key !== undefined && cert !== undefined) {
    const files = loadCa(paths, key, cert, door);
    return settled === undefined ? { ...files, made: COMPLETED } : files;
  }
  if (key !== undefined) {
    throw new CaError(
      `key_file ${paths.key} is there but cert_file ${paths.cert} is missing; bring back ` +
        'the certificate of that key, or move the key away to let a new CA be made',
    );
  }
  if (cert !== undefined) {
    throw new CaError(
      `cert_file ${paths.cert} is there but key_file ${paths.key} is missing; bring back ` +
        'the key of that certificate, or move the certificate away to let a new CA be made',
    );
  }
  return undefined;
}

/** A start that was interrupted before its last step left everything but the last name. */
function pendingCert(paths: CaPaths, keyPem: string): string | undefined {
  const pending = readIfPresent(pendingPath(paths.cert));
  // Gone: then the process that is making this CA has just finished.
  if (pending === undefined) return readIfPresent(paths.cert);
  const belongs = attempt('the certificate', () => {
    const [block] = fromPem(pending);
    const key = readCaKey(keyPem);
    return block !== undefined && key.ok && belongsTogether(makeIssuer(key.value, block.der));
  });
  if (!belongs.ok || !belongs.value) return undefined;
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
