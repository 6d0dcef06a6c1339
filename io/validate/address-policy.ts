// Which addresses a probe may be sent to (server-side request forgery). Invariant: the first row
// that covers an address decides, and the last row of each family covers everything, so there is
// an answer for every address. Never here: names; a name is judged by the address connected to.

import { ipToBytes } from '../../core/acme/ip-address.ts';
import { assert } from '../../core/assert.ts';

/**
 * `public`: always probed. `private`: probed when the operator allows private addresses.
 * `never`: no host can answer there, or it means another host than the one asked for.
 * A number: the offset of an embedded IPv4 address, which decides.
 */
type Verdict = 'public' | 'private' | 'never' | number;

export interface Refusal {
  /** What kind of address it is, to follow "a". */
  readonly label: string;
  /** True when the operator could allow it. */
  readonly optional: boolean;
}

interface Row {
  readonly prefix: Uint8Array;
  readonly bits: number;
  readonly verdict: Verdict;
  readonly label: string;
}

/** From the IANA special-purpose registries (RFC 6890, RFC 8190), as of 2025. */
const ROWS = [
  ['0.0.0.0/8', 'never', 'unspecified address'],
  ['10.0.0.0/8', 'private', 'private address'],
  ['100.64.0.0/10', 'private', 'carrier-grade NAT address'],
  ['127.0.0.0/8', 'private', 'loopback address'],
  ['169.254.0.0/16', 'private', 'link-local address'],
  ['172.16.0.0/12', 'private', 'private address'],
  ['192.0.0.0/24', 'private', 'protocol assignment address'],
  ['192.0.2.0/24', 'private', 'documentation address'],
  ['192.88.99.0/24', 'private', 'deprecated 6to4 relay address'],
  ['192.168.0.0/16', 'private', 'private address'],
  ['198.18.0.0/15', 'private', 'benchmarking address'],
  ['198.51.100.0/24', 'private', 'documentation address'],
  ['203.0.113.0/24', 'private', 'documentation address'],
  ['224.0.0.0/4', 'never', 'multicast address'],
  ['240.0.0.0/4', 'never', 'reserved or broadcast address'],
  ['0.0.0.0/0', 'public', 'public address'],
  ['::/128', 'never', 'unspecified address'],
  ['::1/128', 'private', 'loopback address'],
  ['::/96', 12, 'IPv4-compatible address'],
  ['::ffff:0:0/96', 12, 'IPv4-mapped address'],
  ['64:ff9b::/96', 12, 'NAT64 address'],
  ['64:ff9b:1::/48', 'private', 'local NAT64 address'],
  ['100::/64', 'never', 'discard-only address'],
  ['2001::/32', 'private', 'Teredo address'],
  ['2001:2::/48', 'private', 'benchmarking address'],
  ['2001:10::/28', 'private', 'ORCHID address'],
  ['2001:20::/28', 'private', 'ORCHIDv2 address'],
  ['2001::/23', 'private', 'protocol assignment address'],
  ['2001:db8::/32', 'private', 'documentation address'],
  ['2002::/16', 2, '6to4 address'],
  ['3fff::/20', 'private', 'documentation address'],
  ['2000::/3', 'public', 'public address'],
  ['fc00::/7', 'private', 'unique local address'],
  ['fe80::/10', 'private', 'link-local address'],
  ['fec0::/10', 'private', 'site-local address'],
  ['ff00::/8', 'never', 'multicast address'],
  ['::/0', 'never', 'address outside global unicast space'],
] as const satisfies readonly (readonly [cidr: string, verdict: Verdict, label: string])[];

const TABLE: readonly Row[] = ROWS.map(([cidr, verdict, label]) => row(cidr, verdict, label));

/** Why `address` (any textual form) must not be connected to, or undefined when it may be. */
export function refusalOf(address: string, allowPrivate: boolean): Refusal | undefined {
  const octets = ipToBytes(address);
  if (octets === undefined) return { label: 'malformed address', optional: false };
  return judge(octets, allowPrivate);
}

function judge(octets: Uint8Array, allowPrivate: boolean): Refusal | undefined {
  const found = TABLE.find((candidate) => covers(candidate, octets));
  assert(found !== undefined, 'the last row of each family covers every address');
  const { verdict, label } = found;
  if (typeof verdict === 'number') {
    const inner = judge(octets.subarray(verdict, verdict + 4), allowPrivate);
    return inner === undefined ? undefined : { ...inner, label: `${label} of a ${inner.label}` };
  }
  if (verdict === 'public' || (verdict === 'private' && allowPrivate)) return undefined;
  return { label, optional: verdict === 'private' };
}

function covers({ prefix, bits }: Row, octets: Uint8Array): boolean {
  if (prefix.length !== octets.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (prefix[i] !== octets[i]) return false;
  const mask = (0xff00 >> (bits & 7)) & 0xff;
  return mask === 0 || (prefix[whole]! & mask) === (octets[whole]! & mask);
}

function row(cidr: string, verdict: Verdict, label: string): Row {
  const [base, bits] = cidr.split('/');
  const prefix = ipToBytes(base!);
  assert(prefix !== undefined, `${cidr} is an address block`);
  return { prefix, bits: Number(bits), verdict, label };
}
