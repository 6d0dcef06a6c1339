// A P-256 key as ACME clients have them: for accounts (JWS, RFC 7515) and for certificates (CSR).
// Invariant: JWS signatures are raw r‖s (RFC 7518 §3.4), those in a CSR are DER.
// Never here: requests, nonces of its own.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Identifier } from '../../../core/acme/identifier.ts';
import { type CsrContent, makeCsr } from '../../ca/make-csr.ts';
import { readPublicKey } from '../../ca/public-key.ts';
import { signatureAlgorithmOf } from '../../ca/signature-algorithm.ts';

/** What names the signer in a protected header: the key itself, or an account URL. */
export type Voice = { readonly jwk: unknown } | { readonly kid: string };

export class SigningKey {
  /** Required members only, in the order RFC 7638 hashes them. */
  readonly jwk: { readonly [member: string]: string };
  /** RFC 7638. */
  readonly thumbprint: string;
  readonly #private: KeyObject;
  readonly #spki: Uint8Array;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    this.jwk = { crv: 'P-256', kty: 'EC', x, y };
    this.thumbprint = createHash('sha256').update(JSON.stringify(this.jwk)).digest('base64url');
    this.#private = privateKey;
    this.#spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  }

  /** A flattened JWS. `payload` undefined is a POST-as-GET (RFC 8555 §6.3). */
  jws(voice: Voice, url: string, nonce: string | undefined, payload: object | undefined): object {
    const header = { alg: 'ES256', ...voice, ...(nonce !== undefined && { nonce }), url };
    const text = (value: unknown): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const protectedPart = text(header);
    const payloadPart = payload === undefined ? '' : text(payload);
    const input = Buffer.from(`${protectedPart}.${payloadPart}`, 'latin1');
    const signature = sign('sha256', input, { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return {
      protected: protectedPart,
      payload: payloadPart,
      signature: signature.toString('base64url'),
    };
  }

  /** A certificate request for these names, as finalize takes it. */
  csr(names: readonly Identifier[]): string {
    const publicKey = readPublicKey(this.#spki);
    if (!publicKey.ok) throw new Error(publicKey.reason);
    const key: CsrContent['key'] = {
      publicKey: publicKey.value,
      signatureAlgorithm: signatureAlgorithmOf(publicKey.value.kind).der,
      sign: (message) => new Uint8Array(sign('sha256', message, this.#private)),
    };
    return Buffer.from(makeCsr({ key, names })).toString('base64url');
  }
}
