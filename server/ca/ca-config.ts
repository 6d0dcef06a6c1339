// What an operator configures of one CA, and what goes wrong with its files.
// Invariant: every CaError names the file and the fix. Never here: parsing of the configuration.

import { dirname, join } from 'node:path';
import { OperatorError } from '../../io/operator-error.ts';
import type { CaKeyType } from './keys.ts';

/** One `[[ca]]` entry. */
export interface CaConfig {
  readonly id: string;
  /** PEM of the issuing key. */
  readonly keyFile: string;
  /** PEM of the issuing certificate, followed by those above it. */
  readonly certFile: string;
  /** Default: `root-key.pem` beside `keyFile`. Read only to make a new issuing certificate. */
  readonly rootKeyFile?: string;
  /** Default: `root.pem` beside `certFile`. */
  readonly rootCertFile?: string;
  /** For keys that are made; a key that is there may be of any supported type. */
  readonly keyType: CaKeyType;
  readonly validityDays: number;
  readonly caValidityYears: number;
  readonly commonName: string;
  readonly organization?: string;
  readonly crlUrl?: string;
  readonly ocspUrl?: string;
  /** Where clients can fetch the issuing certificate. */
  readonly issuerUrl?: string;
}

export interface CaPaths {
  readonly key: string;
  readonly cert: string;
  readonly rootKey: string;
  readonly rootCert: string;
}

/** The CA cannot be opened; the message is for the operator. */
export class CaError extends OperatorError {
  override readonly name = 'CaError';
}

export function caPaths(config: CaConfig): CaPaths {
  return {
    key: config.keyFile,
    cert: config.certFile,
    rootKey: config.rootKeyFile ?? join(dirname(config.keyFile), 'root-key.pem'),
    rootCert: config.rootCertFile ?? join(dirname(config.certFile), 'root.pem'),
  };
}
