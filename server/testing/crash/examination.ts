// Examines a server that was just started again: does it still show what was acknowledged?
// Invariant: it asks as the clients would, over HTTP, and compares with the ledger; it changes
// nothing on the server. Never here: killing, the load.

import { Session, type SignedRequest, type Traffic } from '../acme/session.ts';
import type { SigningKey } from '../acme/signing-key.ts';
import type { Account, Certificate, Ledger } from './ledger.ts';
import type { Prng } from './prng.ts';
import { type RevocationList, readRevocationList } from './revocation-list.ts';

/** What is to be looked at. */
export interface Scope {
  /** Everything, or what was acknowledged since the last examination and a sample of the rest. */
  readonly everything: boolean;
  /** Requests the server has accepted at some time: their nonces are spent. */
  readonly spent: readonly SignedRequest[];
}

const SESSIONS = 4;
const SAMPLE = 120;
const REPLAYS = 6;

export class Examiner {
  readonly #baseUrl: string;
  readonly #connectTo: string | undefined;
  readonly #ledger: Ledger;
  readonly #prng: Prng;
  #list: RevocationList | undefined;
  #replays = 0;

  /** `connectTo`: one node of a cluster, which is behind the base URL with others. */
  constructor(baseUrl: string, ledger: Ledger, prng: Prng, connectTo?: string) {
    this.#baseUrl = baseUrl;
    this.#connectTo = connectTo;
    this.#ledger = ledger;
    this.#prng = prng;
  }

  /** Requests that were sent a second time. */
  get replays(): number {
    return this.#replays;
  }

  async examine({ everything, spent }: Scope): Promise<void> {
    const own: SignedRequest[] = [];
    const traffic: Traffic = {
      enter: async () => {},
      leave: () => {},
      accepted: (request) => own.push(request),
    };
    const open = () => new Session(`${this.#baseUrl}/acme/directory`, traffic, this.#connectTo);
    const sessions = Array.from({ length: SESSIONS }, open);
    try {
      const urls = this.#choose(everything);
      let next = 0;
      const work = async (session: Session): Promise<void> => {
        while (next < urls.length) await this.#look(session, urls[next++]!, everything);
      };
      await Promise.all(sessions.map(work));
      await this.#checkList(sessions[0]!);
      await this.#replay(sessions[0]!, [...spent, ...own.slice(-REPLAYS)]);
    } finally {
      for (const session of sessions) session.close();
    }
  }

  #choose(everything: boolean): string[] {
    const { accounts, resources, certificates, touched } = this.#ledger;
    const all = [...accounts.keys(), ...resources.keys(), ...certificates.keys()];
    const urls = new Set(everything ? all : touched);
    touched.clear();
    if (everything || all.length === 0) return [...urls];
    for (let i = 0; i < SAMPLE; i++) urls.add(all[this.#prng.between(0, all.length - 1)]!);
    return [...urls];
  }

  async #look(session: Session, url: string, everything: boolean): Promise<void> {
    const { accounts, resources, certificates } = this.#ledger;
    const account = accounts.get(url);
    if (account !== undefined) {
      await this.#lookAtAccount(session, account);
      if (everything || this.#prng.chance(10)) await this.#checkOrders(session, account);
      return;
    }
    const known = resources.get(url) ?? certificates.get(url);
    // Nobody can read what belongs to a deactivated account.
    if (known === undefined || known.account.status !== 'valid') return;
    const shown = await this.#read(session, known.account, url);
    if (shown === undefined) return;
    if ('kind' in known) this.#ledger.see(known.kind, url, known.account, shown);
    else this.#ledger.seeCertificate(url, known.account, shown, known.serial);
    this.#ledger.touched.delete(url);
  }

  async #lookAtAccount(session: Session, account: Account): Promise<void> {
    const { url, status } = account;
    const ledger = this.#ledger;
    if (status !== 'valid') {
      const { problem } = await session.post({ key: account.key, kid: url }, url);
      const isRefused = problem === 'unauthorized';
      ledger.check(isRefused || status !== 'deactivated', () => `${url} is active again`);
      return;
    }
    const text = await this.#read(session, account, url);
    if (text === undefined) return;
    const shown = JSON.parse(text) as { readonly status: string; readonly contact: unknown };
    ledger.check(shown.status === 'valid', () => `${url} is ${shown.status}`);
    const contacts = JSON.stringify(shown.contact);
    const possible = [account.contacts, ...account.askedContacts];
    ledger.check(possible.includes(contacts), () => `${url} shows ${contacts}, not ${possible}`);
    account.contacts = contacts;
    const retired: SigningKey | undefined = account.retiredKeys.at(-1);
    if (retired === undefined) return;
    const old = await session.post({ key: retired, kid: url }, url);
    ledger.check(old.status >= 400, () => `${url} accepts the key it had before`);
  }

  /** RFC 8555 §7.1.2.1: the list has every order that is not invalid. */
  async #checkOrders(session: Session, account: Account): Promise<void> {
    if (account.status !== 'valid') return;
    const text = await this.#read(session, account, `${account.url}/orders`);
    if (text === undefined) return;
    const { orders } = JSON.parse(text) as { readonly orders: readonly string[] };
    const listed = new Set(orders);
    for (const resource of this.#ledger.resources.values()) {
      if (resource.kind !== 'order' || resource.account !== account || resource.mayFail) continue;
      this.#ledger.check(listed.has(resource.url), () => `${account.url} lacks ${resource.url}`);
    }
  }

  /** The body of what must be there; undefined, and a violation, when it is not. */
  async #read(session: Session, account: Account, url: string): Promise<string | undefined> {
    const { key, nextKey } = account;
    let answer = await session.post({ key, kid: account.url }, url);
    if (answer.status !== 200 && nextKey !== undefined) {
      answer = await session.post({ key: nextKey, kid: account.url }, url);
    }
    const { status, body } = answer;
    this.#ledger.check(status === 200, () => `${url}: HTTP ${status} ${body.slice(0, 200)}`);
    return status === 200 ? body : undefined;
  }

  /** Every acknowledged revocation is listed, none that nobody asked for, and no entry changes. */
  async #checkList(session: Session): Promise<void> {
    const reply = await session.get(`${this.#baseUrl}/ca/crl`);
    const list = readRevocationList(Buffer.from(reply.body, 'latin1'));
    const before = this.#list;
    this.#list = list;
    const asked = new Map<string, Certificate>();
    for (const certificate of this.#ledger.certificates.values()) {
      if (certificate.revocation === 'none') continue;
      asked.set(certificate.serial, certificate);
      const isListed = list.entries.has(certificate.serial);
      const mustBe = certificate.revocation === 'acknowledged';
      this.#ledger.check(isListed || !mustBe, () => `${certificate.serial} is not revoked now`);
    }
    for (const serial of list.entries.keys()) {
      this.#ledger.check(asked.has(serial), () => `nobody asked to revoke ${serial}`);
    }
    if (before === undefined) return;
    const { number, entries } = list;
    const isNext = number > before.number;
    const isSame = number === before.number && entries.size === before.entries.size;
    this.#ledger.check(isNext || isSame, () => `CRL ${number} came after ${before.number}`);
    for (const [serial, entry] of before.entries) {
      const now = list.entries.get(serial);
      this.#ledger.check(now === entry, () => `the entry of ${serial} was ${entry}, is ${now}`);
    }
  }

  /** RFC 8555 §6.5: a nonce is accepted once, whatever happened in between. */
  async #replay(session: Session, requests: readonly SignedRequest[]): Promise<void> {
    for (const request of requests.slice(-2 * REPLAYS)) {
      const reply = await session.send(request);
      this.#replays++;
      const isRefused = reply?.status === 400 && reply.body.includes(':badNonce"');
      this.#ledger.check(isRefused, () => {
        const text = JSON.stringify(reply?.body.slice(0, 100));
        return `a replayed request got HTTP ${reply?.status} ${text}`;
      });
    }
  }
}
