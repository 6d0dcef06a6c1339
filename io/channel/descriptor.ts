// Reading the descriptor of a node that somebody hands us: over the wire, or an operator's file.
// Invariant: what comes out is bounded, well-formed and vouched for by the signing key it names.
// Never here: whether that node is a member.

import { fromBase64Url } from '../../core/bytes.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { KEM_PUBLIC_OCTETS } from './kem.ts';
import { nodeIdOf, readNodeCertificate, vouchesFor } from './node-certificate.ts';

export const NODE_ID: RegExp = /^[A-Za-z0-9_-]{27}$/;

const MAX_URL_LENGTH = 512;
const MAX_CERTIFICATE_LENGTH = 2_048;
/** The year 9999; times are whole seconds because the certificate's are. */
const MAX_MADE_MS = 253_402_300_799_000;
const MEMBERS = ['certificate', 'kem', 'madeMs', 'node', 'url'];

/** The descriptor, or in words why it is none. */
export function readDescriptor(json: unknown): NodeDescriptor | { readonly fault: string } {
  if (typeof json !== 'object' || json === null) return { fault: 'it is not a JSON object' };
  const found = json as { readonly [member: string]: unknown };
  const names = Object.keys(found).sort();
  if (names.join() !== MEMBERS.join()) {
    return { fault: `its members are not exactly ${MEMBERS.join(', ')}` };
  }
  const { node, url, kem, certificate, madeMs } = found;
  if (typeof node !== 'string' || !NODE_ID.test(node)) return { fault: '"node" is not a node id' };
  if (typeof url !== 'string' || !isBaseUrl(url)) {
    return { fault: '"url" is not an http or https base URL without a trailing slash' };
  }
  if (typeof madeMs !== 'number' || !isTime(madeMs)) {
    return { fault: '"madeMs" is not a time in whole seconds' };
  }
  const kemPublicKey = octets(kem, KEM_PUBLIC_OCTETS * 2);
  if (kemPublicKey?.length !== KEM_PUBLIC_OCTETS) {
    return { fault: `"kem" is not base64url of ${KEM_PUBLIC_OCTETS} octets` };
  }
  const der = octets(certificate, MAX_CERTIFICATE_LENGTH);
  if (der === undefined) return { fault: '"certificate" is not base64url of a certificate' };
  try {
    if (nodeIdOf(readNodeCertificate(der).spki) !== node) {
      return { fault: '"node" does not follow from the key of the certificate' };
    }
    if (!vouchesFor(der, { url, kemPublicKey, madeMs })) {
      return { fault: 'the certificate does not vouch for the descriptor' };
    }
  } catch (error) {
    return { fault: `"certificate" cannot be read: ${(error as Error).message}` };
  }
  const text = { kem: kem as string, certificate: certificate as string };
  return { node, url, ...text, madeMs };
}

/** True for `http(s)://host[:port][/path]`, written as URL parsers write it. */
export function isBaseUrl(text: string): boolean {
  if (text.length > MAX_URL_LENGTH || text.endsWith('/') || /[?#@]/.test(text)) return false;
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.href === (url.pathname === '/' ? `${text}/` : text);
}

function isTime(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= 0 && ms <= MAX_MADE_MS && ms % 1000 === 0;
}

function octets(text: unknown, mostCharacters: number): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length > mostCharacters) return undefined;
  return fromBase64Url(text);
}
