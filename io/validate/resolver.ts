// DNS for the validators (RFC 1035): addresses, TXT and CAA records, straight from the configured
// servers. Invariant: nothing is cached, because a validation must see what is published now, and
// names are always absolute: no search list ever turns one name into another.
// Without configured servers the system's are used (/etc/resolv.conf), and its hosts file comes
// first for addresses. Not getaddrinfo: that applies search lists, cannot be cancelled and blocks
// threads the rest of the process needs. Never here: what the records mean.

import { promises as dns } from 'node:dns';
import { canonicalIp } from '../../core/acme/ip-address.ts';
import { cleaned, errorCode, failed, type ProbeFailure } from './failure.ts';
import { FileStamp, HOSTS_FILE, HostsFile } from './hosts-file.ts';
import type { ValidationLimits } from './limits.ts';

/** One CAA property (RFC 8659 §4.1); the tag is in lower case. */
export interface CaaProperty {
  readonly critical: boolean;
  readonly tag: string;
  readonly value: string;
}

/** All methods reject with a ProbeFailure of problem `dns`. */
export interface Resolver {
  /** IPv6 addresses, then IPv4, in RFC 5952 form; at least one. */
  addresses(name: string): Promise<readonly string[]>;
  /** The TXT records at `name` or where its CNAMEs lead, the strings of each joined; at least one. */
  texts(name: string): Promise<readonly string[]>;
  /** The CAA record set at `name`; empty when there is none or no such name. */
  caa(name: string): Promise<readonly CaaProperty[]>;
  /** Fails what is under way. */
  cancel(): void;
}

export interface ResolverOptions {
  /** `address`, `address:port` or `[address]:port`; absent or empty: the system's resolver. */
  readonly dnsServers?: readonly string[];
  readonly limits: ValidationLimits;
  readonly hostsFile?: string;
}

const RESOLV_CONF = '/etc/resolv.conf';

/** Codes of c-ares as sentences. */
const DNS_ERRORS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name does not exist (NXDOMAIN)',
  ENODATA: 'there is no such record',
  ESERVFAIL: 'the DNS server failed (SERVFAIL)',
  EREFUSED: 'the DNS server refused (REFUSED)',
  EFORMERR: 'the DNS server did not understand the question (FORMERR)',
  ENOTIMP: 'the DNS server does not support such questions (NOTIMP)',
  EBADRESP: 'the DNS answer is malformed',
  EBADNAME: 'the name cannot be asked for',
  ETIMEOUT: 'no DNS server answered in time',
  ECONNREFUSED: 'no DNS server could be reached',
  ECANCELLED: 'the lookup was cancelled',
};

/** Throws a RangeError when a server is not an IP address with an optional port. */
export function createResolver(options: ResolverOptions): Resolver {
  return new CaresResolver(options);
}

class CaresResolver implements Resolver {
  readonly #limits: ValidationLimits;
  readonly #configured: boolean;
  readonly #hosts: HostsFile;
  readonly #resolvConf = new FileStamp(RESOLV_CONF);
  #channel: dns.Resolver;

  constructor({ dnsServers = [], limits, hostsFile = HOSTS_FILE }: ResolverOptions) {
    this.#limits = limits;
    this.#configured = dnsServers.length > 0;
    this.#hosts = new HostsFile(hostsFile, limits.hostsFileBytes);
    this.#resolvConf.changed();
    this.#channel = this.#open();
    if (this.#configured) this.#channel.setServers(dnsServers.map(checkedServer));
  }

  async addresses(name: string): Promise<readonly string[]> {
    const fixed = this.#configured ? [] : this.#hosts.addresses(name);
    if (fixed.length > 0) return fixed.filter(isIpv6).concat(fixed.filter((a) => !isIpv6(a)));
    const channel = this.#current();
    const [ipv6, ipv4] = await Promise.all([
      channel.resolve6(name).catch(asError),
      channel.resolve4(name).catch(asError),
    ]);
    const found = [ipv6, ipv4].flatMap((answer) => (answer instanceof Error ? [] : answer));
    if (found.length > 0) return found.map((text) => canonicalIp(text) ?? text);
    throw noAddress(name, ipv6, ipv4);
  }

  async texts(name: string): Promise<readonly string[]> {
    let owner = name;
    for (let followed = 0; followed <= this.#limits.cnames; followed++) {
      try {
        const records = await this.#current().resolveTxt(owner);
        if (records.length > 0) return records.map((strings) => strings.join(''));
      } catch (error) {
        if (errorCode(error) !== 'ENODATA') throw lookupFailure('TXT', owner, error);
      }
      const alias = await this.#cname(owner);
      if (alias === undefined) throw failed('dns', `there is no TXT record at ${owner}`);
      owner = alias;
    }
    throw failed('dns', `looking up TXT for ${name}: more than ${this.#limits.cnames} CNAMEs`);
  }

  async caa(name: string): Promise<readonly CaaProperty[]> {
    try {
      return (await this.#current().resolveCaa(name)).flatMap(readCaaRecord);
    } catch (error) {
      if (isAbsence(error)) return [];
      throw lookupFailure('CAA', name, error);
    }
  }

  cancel(): void {
    this.#channel.cancel();
  }

  /** A resolver that answers TXT with a bare CNAME leaves the following to us. */
  async #cname(name: string): Promise<string | undefined> {
    try {
      return (await this.#current().resolveCname(name))[0];
    } catch {
      return undefined;
    }
  }

  #current(): dns.Resolver {
    if (!this.#configured && this.#resolvConf.changed()) this.#channel = this.#open();
    return this.#channel;
  }

  #open(): dns.Resolver {
    return new dns.Resolver({ timeout: this.#limits.dnsTimeoutMs, tries: this.#limits.dnsTries });
  }
}

/** Node gives `{critical: flags, [tag]: value}`; a tag it cannot show counts as unknown. */
function readCaaRecord(record: object): readonly CaaProperty[] {
  const { critical: flags, ...properties } = record as Record<string, unknown>;
  // RFC 8659 §4.1: bit 0 is the most significant one. A property named "critical" hides the flags.
  const critical = typeof flags !== 'number' || (flags & 0x80) !== 0;
  const [tag, value] = Object.entries(properties)[0] ?? ['', ''];
  return [{ critical, tag: tag.toLowerCase(), value: String(value) }];
}

function noAddress(name: string, ipv6: unknown, ipv4: unknown): ProbeFailure {
  // A server that failed says more than one that has no such record.
  const errors = [ipv4, ipv6].filter((answer) => answer instanceof Error);
  const telling = errors.find((error) => !isAbsence(error));
  if (telling !== undefined) return lookupFailure('A and AAAA', name, telling);
  const missing = errors.find((error) => errorCode(error) === 'ENOTFOUND');
  if (missing !== undefined) return lookupFailure('A and AAAA', name, missing);
  return failed('dns', `${name} has neither an A nor an AAAA record`);
}

function lookupFailure(types: string, name: string, error: unknown): ProbeFailure {
  const code = errorCode(error) ?? 'unknown';
  const reason = DNS_ERRORS[code] ?? `the lookup failed (${cleaned(code, 40)})`;
  return failed('dns', `looking up ${types} for ${name}: ${reason}`);
}

function isAbsence(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function isIpv6(address: string): boolean {
  return address.includes(':');
}

function checkedServer(server: string): string {
  const match = /^(?:\[([^\]]+)\](?::(\d{1,5}))?|([^:]+)(?::(\d{1,5}))?)$/.exec(server);
  const address = canonicalIp(match?.[1] ?? match?.[3] ?? server);
  const port = Number(match?.[2] ?? match?.[4] ?? 53);
  if (address === undefined || port < 1 || port > 65535) {
    throw new RangeError(`DNS server "${server}" is not an IP address with an optional port`);
  }
  return isIpv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
