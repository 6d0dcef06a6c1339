// PEM, the text form of keys and certificates (RFC 7468). Lines of 64 characters out; in, what
// stands between blocks is ignored (files often carry notes there).
// Invariant: a block's content is strict base64, or it is refused. Never here: files.

import { fromBase64 } from '../../core/bytes.ts';
import { refuse } from './refusal.ts';

export interface PemBlock {
  /** Such as `CERTIFICATE`. */
  readonly label: string;
  readonly der: Uint8Array;
  /** The block's own text, from BEGIN to END, with a newline at the end. */
  readonly text: string;
  /** True when RFC 1421 headers say that the content is encrypted. */
  readonly encrypted: boolean;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n([\s\S]*?)-----END \1-----/g;

/** One PEM block, newline at the end. */
export function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** All blocks in the order they stand in. Throws a Refusal when a block's content is no base64. */
export function fromPem(text: string): PemBlock[] {
  return [...text.matchAll(BLOCK)].map(([block, label, body]) => {
    const encrypted = label!.startsWith('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(body!);
    const base64 = body!.replace(/^[A-Za-z-]+:.*$/gm, '').replace(/\s/g, '');
    const der = fromBase64(base64);
    if (der === undefined) refuse(`the PEM block "${label}" does not hold base64`);
    return { label: label!, der, text: `${block}\n`, encrypted };
  });
}
