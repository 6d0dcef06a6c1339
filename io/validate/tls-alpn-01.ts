// The tls-alpn-01 challenge (RFC 8737; for IP addresses RFC 8738 §6). Invariant: control is shown
// only on a connection that negotiated exactly "acme-tls/1", by a self-signed certificate that
// names the identifier and nothing else. Never here: reading DER, chain verification.

import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Identifier } from '../../core/acme/identifier.ts';
import { ipToBytes } from '../../core/acme/ip-address.ts';
import type { ValidationRequest } from '../../core/acme/validation.ts';
import { equalBytes, toHex } from '../../core/bytes.ts';
import {
  type ChallengeCertificate,
  type GeneralName,
  readChallengeCertificate,
} from './acme-identifier.ts';
import type { Attempt } from './attempt.ts';
import { connectWithTls, type ProbeTools } from './connect.ts';
import { failed, quoted, reasonOf } from './failure.ts';

export interface TlsAlpn01Tools extends ProbeTools {
  readonly tlsAlpnPort: number;
}

const PROTOCOL = 'acme-tls/1';
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const LISTED_NAMES = 3;

/** Resolves when the client has shown control; rejects with a ProbeFailure otherwise. */
export async function probeTlsAlpn01(
  tools: TlsAlpn01Tools,
  attempt: Attempt,
  { identifier, keyAuthorization }: ValidationRequest,
): Promise<void> {
  const serverName = serverNameOf(identifier);
  const wishes = { serverName, protocol: PROTOCOL };
  const { value } = identifier;
  const { socket, peer } = await connectWithTls(tools, attempt, value, tools.tlsAlpnPort, wishes);
  const place = `${serverName} [${peer}]`;
  if (socket.alpnProtocol !== PROTOCOL) {
    throw failed('tls', `${place}: the server did not negotiate ALPN protocol "${PROTOCOL}"`);
  }
  const flaw = flawOf(readPeer(socket, place), identifier, keyAuthorization);
  if (flaw !== undefined) throw failed('incorrectResponse', `${place}: the certificate ${flaw}`);
}

/** The name to indicate: RFC 8738 §6 puts the reverse-mapping name where there is no other. */
export function serverNameOf({ type, value }: Identifier): string {
  if (type === 'dns') return value;
  const octets = ipToBytes(value)!;
  if (octets.length === 4) return `${[...octets].reverse().join('.')}.in-addr.arpa`;
  return `${[...toHex(octets)].reverse().join('.')}.ip6.arpa`;
}

function readPeer(socket: TLSSocket, place: string): ChallengeCertificate & { signed: boolean } {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw failed('tls', `${place}: the server sent no certificate`);
  try {
    const { raw } = certificate;
    return { ...readChallengeCertificate(raw), signed: signsItself(certificate) };
  } catch (error) {
    const why = quoted(reasonOf(error));
    throw failed('incorrectResponse', `${place}: the certificate cannot be read (${why})`);
  }
}

function signsItself(certificate: X509Certificate): boolean {
  return certificate.verify(certificate.publicKey);
}

/** What RFC 8737 §3 asks for and the certificate lacks, to follow "the certificate". */
function flawOf(
  certificate: ChallengeCertificate & { readonly signed: boolean },
  identifier: Identifier,
  keyAuthorization: string,
): string | undefined {
  const { selfIssued, signed, names, acmeIdentifier } = certificate;
  if (!selfIssued || !signed) return 'is not self-signed';
  if (names === undefined) return 'has no subject alternative name';
  if (names.length !== 1 || !isNameOf(names[0]!, identifier)) {
    const found = names.slice(0, LISTED_NAMES).map(describeName).join(', ');
    return `must name ${quoted(identifier.value)} only; it has ${names.length} names: ${found}`;
  }
  if (acmeIdentifier === undefined) return 'has no acmeIdentifier extension';
  if (!acmeIdentifier.critical) return 'has an acmeIdentifier extension that is not critical';
  const expected = createHash('sha256').update(keyAuthorization).digest();
  if (equalBytes(acmeIdentifier.digest, expected)) return undefined;
  const got = toHex(acmeIdentifier.digest.subarray(0, 32));
  return `has acmeIdentifier ${got} where ${toHex(expected)} is expected`;
}

function isNameOf({ tag, value }: GeneralName, identifier: Identifier): boolean {
  if (identifier.type === 'ip') {
    return tag === IP_ADDRESS && equalBytes(value, ipToBytes(identifier.value)!);
  }
  return (
    tag === DNS_NAME && Buffer.from(value).toString('latin1').toLowerCase() === identifier.value
  );
}

function describeName({ tag, value }: GeneralName): string {
  return tag === DNS_NAME ? quoted(value) : `type ${tag & 0x1f} ${toHex(value.subarray(0, 16))}`;
}
