// Certificate revocation lists, version 2 (RFC 5280 §5).
// Invariant: time and memory are linear in the entries, so a CRL of a hundred thousand is a matter
// of a tenth of a second. Never here: which certificates are revoked, when a new list is due.

import { REVOCATION_REASONS } from '../../core/acme/revocation-reason.ts';
import { assert } from '../../core/assert.ts';
import {
  bitString,
  encode,
  explicit,
  integer,
  sequence,
  TAG,
  time,
  unsignedInteger,
} from '../../core/der.ts';
import { authorityKeyIdentifier, extension } from './extensions.ts';
import type { Issuer } from './issuer.ts';

export interface RevokedEntry {
  /** Hexadecimal, as `CertificateFacts.serial`. */
  readonly serial: string;
  readonly atMs: number;
  /** A value of REVOCATION_REASONS; 0 is written by leaving the reason out (RFC 5280 §5.3.1). */
  readonly reason: number;
}

export interface CrlContent {
  /** Grows with every list (RFC 5280 §5.2.3), below 2^159. */
  readonly number: bigint | number;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Each serial number once. */
  readonly revoked: Iterable<RevokedEntry>;
}

/** A signed CRL as DER. */
export function buildCrl(content: CrlContent & { readonly issuer: Issuer }): Uint8Array {
  const { issuer, number } = content;
  assert(content.thisUpdateMs < content.nextUpdateMs, 'a CRL is valid for a while');
  const entries = encodeEntries(content.revoked);
  const tbs = sequence(
    integer(1),
    issuer.key.signatureAlgorithm,
    issuer.certificate.subject,
    time(content.thisUpdateMs),
    time(content.nextUpdateMs),
    // An empty list must be absent (RFC 5280 §5.1.2.6).
    ...(entries.length === 0 ? [] : [encode(TAG.sequence, entries)]),
    explicit(
      0,
      sequence(
        authorityKeyIdentifier(issuer.keyId),
        extension('crlNumber', 'not critical', integer(number)),
      ),
    ),
  );
  return sequence(tbs, issuer.key.signatureAlgorithm, bitString(issuer.key.sign(tbs)));
}

/** All entries one after the other, in a buffer that doubles. */
function encodeEntries(revoked: Iterable<RevokedEntry>): Uint8Array {
  let buffer = new Uint8Array(4096);
  let length = 0;
  const timeOfSecond = rememberLast(time);
  for (const { serial, atMs, reason } of revoked) {
    // Buffer stops at the first character that is not hexadecimal.
    const magnitude = Buffer.from(serial, 'hex');
    assert(
      magnitude.length > 0 && 2 * magnitude.length === serial.length,
      'serials are hexadecimal',
    );
    const entry = sequence(
      unsignedInteger(magnitude),
      timeOfSecond(atMs),
      reasonExtensions(reason),
    );
    if (length + entry.length > buffer.length) {
      const larger = new Uint8Array(2 * (length + entry.length));
      larger.set(buffer.subarray(0, length));
      buffer = larger;
    }
    buffer.set(entry, length);
    length += entry.length;
  }
  return buffer.subarray(0, length);
}

const REASON_EXTENSIONS: ReadonlyMap<number, Uint8Array> = new Map(
  Object.values(REVOCATION_REASONS).map((reason) => {
    const value = encode(TAG.enumerated, Uint8Array.of(reason));
    return [
      reason,
      reason === 0 ? new Uint8Array() : sequence(extension('reasonCode', 'not critical', value)),
    ];
  }),
);

function reasonExtensions(reason: number): Uint8Array {
  const extensions = REASON_EXTENSIONS.get(reason);
  assert(extensions !== undefined, `a CRL entry cannot have reason ${reason}`);
  return extensions;
}

/** Revocations come in bursts: the neighbour's encoding is often the same. */
function rememberLast(encodeTime: (ms: number) => Uint8Array): (ms: number) => Uint8Array {
  let lastMs: number | undefined;
  let last: Uint8Array = new Uint8Array();
  return (ms) => {
    if (ms !== lastMs) [lastMs, last] = [ms, encodeTime(ms)];
    return last;
  };
}
