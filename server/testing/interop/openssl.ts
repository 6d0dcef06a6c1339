// What OpenSSL thinks of what the server issued: chains (RFC 5280 §6), names, and revocation lists.
// Invariant: every judgement is a run of the openssl program, not ours; only plain facts of a
// certificate (names, serial, key) are read with Node, which is OpenSSL too.
// Never here: how certificates are obtained.

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AkamuProcess } from '../akamu-process.ts';
import { fail, succeed } from './program.ts';

/** An end-entity certificate on disk, as a client stored it. */
export interface Issued {
  /** PEM: the leaf, then its intermediates. */
  readonly chainFile: string;
  readonly akamu: AkamuProcess;
}

/** The first certificate of a PEM file. */
export function leafOf({ chainFile }: Issued): X509Certificate {
  return new X509Certificate(readFileSync(chainFile));
}

/** A chain, strictly checked, for a TLS server of each of these names or addresses. */
export async function verifyChain(issued: Issued, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const isAddress = /^[\d.]+$|:/.test(name);
    const host = name.startsWith('*.') ? `any${name.slice(1)}` : name;
    await succeed('openssl', [
      ...verifyArguments(issued),
      ...['-x509_strict', '-purpose', 'sslserver'],
      ...[isAddress ? '-verify_ip' : '-verify_hostname', host],
      issued.chainFile,
    ]);
  }
  const found = (leafOf(issued).subjectAltName ?? '').split(', ').sort();
  const expected = names.map((name) => {
    return /^[\d.]+$|:/.test(name) ? `IP Address:${name}` : `DNS:${name}`;
  });
  if (found.join() !== expected.sort().join()) {
    throw new Error(`the names are ${found.join()} instead of ${expected.join()}`);
  }
}

/** The current list, downloaded as relying parties do, accepts `good` and refuses `revoked`. */
export async function verifyRevocation(
  akamu: AkamuProcess,
  { good, revoked }: { readonly good: readonly Issued[]; readonly revoked: readonly Issued[] },
): Promise<void> {
  const listFile = await downloadList(akamu);
  const check = ['-crl_check', '-CRLfile', listFile];
  for (const issued of good) {
    await succeed('openssl', [...verifyArguments(issued), ...check, issued.chainFile]);
  }
  for (const issued of revoked) {
    const args = [...verifyArguments(issued), ...check, issued.chainFile];
    await fail(/certificate revoked/, 'openssl', args);
  }
}

/** The reason the current list gives for a certificate, in OpenSSL's words. */
export async function revocationReason(issued: Issued): Promise<string | undefined> {
  const listFile = await downloadList(issued.akamu);
  const text = await succeed('openssl', ['crl', '-in', listFile, '-noout', '-text']);
  const entries = text.split(/^ {4}Serial Number: /m).slice(1);
  const serial = leafOf(issued).serialNumber.replace(/^0+/, '');
  const entry = entries.find((one) => one.split('\n')[0]!.replace(/^0+/, '') === serial);
  if (entry === undefined) throw new Error(`serial ${serial} is not on the list:\n${text}`);
  return /CRL Reason Code: *\n *(.+)/.exec(entry)?.[1];
}

/** Downloads the list over HTTPS, has its signature verified, and stores it as PEM. */
async function downloadList(akamu: AkamuProcess): Promise<string> {
  const { baseUrl, issuerFile, rootFile, directory } = akamu;
  const derFile = join(directory, 'list.crl');
  const pemFile = join(directory, 'list.pem');
  await succeed('curl', ['-fsS', '--cacert', rootFile, '-o', derFile, `${baseUrl}/ca/crl`]);
  const convert = ['crl', '-inform', 'DER', '-in', derFile, '-out', pemFile];
  const said = await succeed('openssl', [...convert, '-CAfile', issuerFile]);
  if (!said.includes('verify OK')) throw new Error(`the list's signature: ${said}`);
  return pemFile;
}

function verifyArguments({ chainFile, akamu }: Issued): string[] {
  return ['verify', '-CAfile', akamu.rootFile, '-untrusted', chainFile];
}
