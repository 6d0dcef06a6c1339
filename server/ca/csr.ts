// Certificate requests (PKCS#10, RFC 2986): what a client asks for at finalization.
// Invariant: a request that reads is signed by the key it names, that key may stand in a
// certificate, and its names are canonical. Only names and key are taken from a request; every
// other attribute and extension is ignored. Never here: whether the names are the order's.

import { hash } from 'node:crypto';
import {
  type Identifier,
  readDnsName,
  readIpAddress,
  sortIdentifiers,
} from '../../core/acme/identifier.ts';
import { canonicalIp } from '../../core/acme/ip-address.ts';
import { contextTag, TAG } from '../../core/der.ts';
import {
  childrenOf,
  DerReader,
  type DerValue,
  objectIdentifierOf,
  readDer,
  smallIntegerOf,
  wholeBitsOf,
} from '../../core/der-reader.ts';
import type { CsrFacts, Reading } from '../../core/primitives.ts';
import { findExtension, readAltNames, readExtensions } from './extension-reader.ts';
import { commonNamesOf } from './name.ts';
import { OID } from './oids.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';
import { attempt, demand, refuse } from './refusal.ts';
import { readSignatureAlgorithm, verifySignature } from './signature-algorithm.ts';

/** What building a certificate needs of a request. */
export interface Csr extends CsrFacts {
  readonly publicKey: PublicKey;
  /** The first CN, canonical, if there is one. */
  readonly commonName: string | undefined;
}

const MAX_CSR_BYTES = 65_536;
/** A request is read when the client sends it and, the next moment, to issue: remember a few. */
const MAX_REMEMBERED = 32;
const remembered = new Map<string, Csr>();

/** Reads a DER request: structure, names, key, signature. Reasons are whole sentences. */
export function readCsr(der: Uint8Array): Reading<CsrFacts> {
  const reading = readFullCsr(der);
  if (!reading.ok) return reading;
  const { names, spkiHash } = reading.value;
  return { ok: true, value: { names, spkiHash } };
}

/** As `readCsr`, with the key and the common name. */
export function readFullCsr(der: Uint8Array): Reading<Csr> {
  if (der.length > MAX_CSR_BYTES) {
    return { ok: false, reason: `the CSR is longer than ${MAX_CSR_BYTES} octets` };
  }
  const key = hash('sha256', der, 'base64url');
  const known = remembered.get(key);
  if (known !== undefined) return { ok: true, value: known };
  // A copy, because what is remembered must not change when the caller reuses its buffer.
  const reading = attempt('the CSR', () => parseCsr(der.slice()));
  if (reading.ok) remember(key, reading.value);
  return reading;
}

function remember(key: string, csr: Csr): void {
  if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
  remembered.set(key, csr);
}

function parseCsr(der: Uint8Array): Csr {
  const outer = new DerReader(readDer(der, TAG.sequence, 'it').content, 'it');
  const info = outer.next(TAG.sequence, 'the signed part');
  const algorithm = outer.next(TAG.sequence, 'the signature algorithm').bytes;
  const signature = wholeBitsOf(outer.next(TAG.bitString, 'the signature'), 'the signature');
  outer.end();
  const { subject, spki, attributes } = parseInfo(info.content);
  const scheme = readSignatureAlgorithm(algorithm, 'the CSR');
  const commonNames = commonNamesOf(subject, 'the subject of the CSR')
    .filter((text) => text !== '')
    .map(readCommonName);
  const names = sortIdentifiers([...commonNames, ...readRequestedNames(attributes)]);
  if (names.length === 0) refuse('the CSR names nothing; put the names into its subjectAltName');
  const publicKey = demand(readPublicKey(spki));
  if (!verifySignature(scheme, publicKey, info.bytes, signature)) {
    refuse('the signature of the CSR does not verify with the key in it; sign it with that key');
  }
  const commonName = commonNames[0]?.value;
  return { names, spkiHash: publicKey.spkiHash, publicKey, commonName };
}

function parseInfo(content: Uint8Array): {
  subject: Uint8Array;
  spki: Uint8Array;
  attributes: DerValue[];
} {
  const fields = new DerReader(content, 'the signed part');
  const version = smallIntegerOf(fields.next(TAG.integer, 'the version'), 'the version');
  if (version !== 0) refuse(`the CSR is of version ${version + 1}; only version 1 exists`);
  const subject = fields.next(TAG.sequence, 'the subject').bytes;
  const spki = fields.next(TAG.sequence, 'the public key').bytes;
  const attributes = fields.next(contextTag(0, 'constructed'), 'the attributes');
  fields.end();
  return { subject, spki, attributes: childrenOf(attributes, 'the attributes') };
}

function readCommonName(text: string): Identifier {
  const reading = canonicalIp(text) === undefined ? readDnsName(text) : readIpAddress(text);
  if (reading.ok) return reading.value;
  return refuse(
    `the CN of the CSR is neither a DNS name nor an IP address: ${reading.reason}; ` +
      'leave the CN out',
  );
}

/** Names of the subjectAltName in the extensionRequest attribute (RFC 2985 §5.4.2). */
function readRequestedNames(attributes: readonly DerValue[]): Identifier[] {
  const requests = attributes.flatMap((attribute) => extensionRequestOf(attribute));
  if (requests.length > 1) refuse('the CSR has more than one extensionRequest; put all into one');
  const [request] = requests;
  if (request === undefined) return [];
  const altName = findExtension(readExtensions(request, 'the CSR'), 'subjectAltName');
  return altName === undefined ? [] : readAltNames(altName.value, 'the CSR');
}

function extensionRequestOf(attribute: DerValue): Uint8Array[] {
  const what = 'an attribute of the CSR';
  const fields = new DerReader(readDer(attribute.bytes, TAG.sequence, what).content, what);
  const type = objectIdentifierOf(fields.next(TAG.objectIdentifier, 'its type'), what);
  const values = fields.next(TAG.set, 'its values');
  fields.end();
  if (type !== OID.extensionRequest) return [];
  return childrenOf(values, 'extensionRequest').map((value) => value.bytes);
}
