// What the clients of a crash test have been told: the state of every resource as it was last
// acknowledged. What is shown later is compared with it: nothing acknowledged may be lost, change
// what cannot change, or go back (RFC 8555 §7.1.6).
// Invariant: a resource is only ever moved forward here; what contradicts it becomes a violation.
// Never here: requests.

import type { SigningKey } from '../acme/signing-key.ts';
import { isSameCertificate } from './same-certificate.ts';

export interface Account {
  readonly url: string;
  key: SigningKey;
  /** A key change was asked for and is not acknowledged. */
  nextKey: SigningKey | undefined;
  readonly retiredKeys: SigningKey[];
  /** Contacts as JSON: acknowledged last, and those asked for since. */
  contacts: string;
  askedContacts: string[];
  status: 'valid' | 'deactivation asked' | 'deactivated';
}

/** Which states may follow which; equal states always may. */
export const LADDERS = {
  order: {
    pending: ['ready', 'processing', 'valid', 'invalid'],
    ready: ['processing', 'valid', 'invalid'],
    processing: ['valid', 'invalid'],
    valid: [],
    invalid: [],
  },
  authorization: {
    pending: ['valid', 'invalid', 'deactivated'],
    valid: ['deactivated'],
    invalid: [],
    deactivated: [],
  },
  challenge: {
    pending: ['processing', 'valid', 'invalid'],
    processing: ['valid', 'invalid'],
    valid: [],
    invalid: [],
  },
} as const;

export type LadderName = keyof typeof LADDERS;

export interface Resource {
  readonly kind: 'order' | 'authorization';
  readonly url: string;
  readonly account: Account;
  status: string;
  /** What never changes, by name, as JSON. A name that appears later is added. */
  readonly fixed: Map<string, string>;
  readonly challenges: Map<string, string>;
  /** Its client did something that makes `invalid` or `deactivated` right. */
  mayFail: boolean;
}

export interface Certificate {
  readonly url: string;
  readonly account: Account;
  readonly pem: string;
  /** As in the CRL: upper-case hexadecimal. */
  readonly serial: string;
  revocation: 'none' | 'asked' | 'acknowledged';
}

export class Ledger {
  readonly accounts = new Map<string, Account>();
  readonly resources = new Map<string, Resource>();
  readonly certificates = new Map<string, Certificate>();
  readonly violations: string[] = [];
  /** Told about since this was last emptied: URLs of resources, certificates and accounts. */
  readonly touched = new Set<string>();
  readonly #orderOfCertificate = new Map<string, string>();
  /**
   * While parts of a cluster cannot speak with each other a client may be shown what is behind, or
   * nothing; what counts then is only what it was told. Such sights are counted and excused.
   */
  isExcusing = false;
  #excused = 0;
  #checks = 0;
  readonly #isCluster: boolean;
  readonly #signedTwice = new Set<string>();

  /** `isCluster`: two nodes may have signed one certificate. */
  constructor({ isCluster = false }: { readonly isCluster?: boolean } = {}) {
    this.#isCluster = isCluster;
  }

  /** Certificates that were seen with two signatures. */
  get signedTwice(): number {
    return this.#signedTwice.size;
  }

  /** How many comparisons were made. */
  get checks(): number {
    return this.#checks;
  }

  /** Sights that would have been violations had the nodes been able to speak. */
  get excused(): number {
    return this.#excused;
  }

  /** One comparison; what it found to be wrong is kept. */
  check(isRight: boolean, what: () => string): void {
    this.#checks++;
    if (isRight) return;
    if (this.isExcusing) this.#excused++;
    else this.violations.push(what());
  }

  /** An acknowledged sight of an order or an authorization. */
  see(kind: Resource['kind'], url: string, account: Account, text: string): Resource {
    const body = JSON.parse(text) as Body;
    const known = this.resources.get(url);
    const resource = known ?? this.#meet(kind, url, account, body);
    if (!this.#advance(kind, resource.status, body.status, url) && this.isExcusing) return resource;
    resource.status = body.status;
    const isFailed = body.status === 'invalid' || body.status === 'deactivated';
    this.check(!isFailed || resource.mayFail, () => `${url} is ${body.status} for no reason`);
    for (const name of FIXED[kind]) this.#compareFixed(resource, name, body[name]);
    for (const challenge of body.challenges ?? []) this.seeChallenge(resource, challenge);
    if (kind === 'order') this.#seeOrder(resource, body);
    this.touched.add(url);
    return resource;
  }

  /** A sight of one challenge of an authorization. */
  seeChallenge(resource: Resource, { type, url, token, status }: ChallengeBody): void {
    this.#compareFixed(resource, `${type} url`, url);
    this.#compareFixed(resource, `${type} token`, token);
    const known = resource.challenges.get(type) ?? status;
    const isForward = this.#advance('challenge', known, status, url);
    resource.challenges.set(type, isForward || !this.isExcusing ? status : known);
    this.touched.add(resource.url);
  }

  /** A download. */
  seeCertificate(url: string, account: Account, pem: string, serial: string): Certificate {
    const known = this.certificates.get(url);
    const isSame = known === undefined || known.pem === pem || this.#isSigned(known.pem, pem);
    this.check(isSame, () => `${url} has other bytes now`);
    if (known !== undefined) return known;
    const certificate: Certificate = { url, account, pem, serial, revocation: 'none' };
    this.certificates.set(url, certificate);
    this.touched.add(url);
    return certificate;
  }

  /** Whether two nodes have signed one certificate; one of the signatures stays. */
  #isSigned(one: string, other: string): boolean {
    if (!this.#isCluster || !isSameCertificate(one, other)) return false;
    this.#signedTwice.add(one);
    return true;
  }

  #meet(kind: Resource['kind'], url: string, account: Account, { status }: Body): Resource {
    const [fixed, challenges] = [new Map<string, string>(), new Map<string, string>()];
    const resource = { kind, url, account, status, fixed, challenges, mayFail: false };
    this.resources.set(url, resource);
    return resource;
  }

  /** One order, one certificate: an order keeps its own, and no other order has it. */
  #seeOrder({ url, status }: Resource, { certificate }: Body): void {
    this.check((status === 'valid') === (certificate !== undefined), () => {
      return `${url} is ${status} and its certificate is ${certificate}`;
    });
    if (certificate === undefined) return;
    const owner = this.#orderOfCertificate.get(certificate) ?? url;
    this.check(owner === url, () => `${url} and ${owner} have one certificate, ${certificate}`);
    this.#orderOfCertificate.set(certificate, url);
  }

  #advance(ladder: LadderName, from: string, to: string, url: string): boolean {
    const next: Readonly<Record<string, readonly string[]>> = LADDERS[ladder];
    const isForward = to in next && (from === to || (next[from]?.includes(to) ?? false));
    this.check(isForward, () => `${url} went from ${from} to ${to}`);
    return isForward;
  }

  #compareFixed(resource: Resource, name: string, value: unknown): void {
    if (value === undefined) {
      const known = resource.fixed.get(name);
      this.check(known === undefined, () => `${resource.url} has lost ${name}: ${known}`);
      return;
    }
    const text = JSON.stringify(value);
    const known = resource.fixed.get(name) ?? text;
    this.check(known === text, () => `${resource.url}: ${name} was ${known}, is ${text}`);
    resource.fixed.set(name, known);
  }
}

export interface ChallengeBody {
  readonly type: string;
  readonly url: string;
  readonly token: string;
  readonly status: string;
}

interface Body {
  readonly status: string;
  readonly certificate?: string;
  readonly challenges?: readonly ChallengeBody[];
  readonly [name: string]: unknown;
}

/** Members that are the same for ever, once they are there. */
const FIXED = {
  order: ['identifiers', 'authorizations', 'finalize', 'expires', 'certificate'],
  authorization: ['identifier', 'expires', 'wildcard'],
} as const;
