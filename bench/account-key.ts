// An ES256 account key and the JWS it signs (RFC 7515 flattened form, RFC 8555 §6.2).
// Invariant: the signature is raw r‖s (RFC 7518 §3.4), which node:crypto calls ieee-p1363.
// Never here: nonces and URLs of its own; the client brings them.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export class AccountKey {
  readonly jwk: string;
  /** RFC 7638. */
  readonly thumbprint: string;
  readonly #key: KeyObject;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x, y } = publicKey.export({ format: 'jwk' });
    this.jwk = `{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`;
    this.thumbprint = createHash('sha256').update(this.jwk).digest('base64url');
    this.#key = privateKey;
  }

  /** The JWS as text. `signer` is the `"jwk":…` or `"kid":…` member; `payload` is base64url. */
  sign(signer: string, url: string, nonce: string, payload: string): string {
    const header = `{"alg":"ES256",${signer},"nonce":"${nonce}","url":"${url}"}`;
    const protectedPart = Buffer.from(header, 'latin1').toString('base64url');
    const input = Buffer.from(`${protectedPart}.${payload}`, 'latin1');
    const signature = sign('sha256', input, { key: this.#key, dsaEncoding: 'ieee-p1363' });
    const text = signature.toString('base64url');
    return `{"protected":"${protectedPart}","payload":"${payload}","signature":"${text}"}`;
  }
}
