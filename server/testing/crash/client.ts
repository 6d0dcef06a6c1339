// One client of a crash test: does whatever ACME clients do, over and over, while the server is
// killed under it, and notes in the ledger what it was told.
// Invariant: what it is about to ask for is noted before it asks, what it was told after; so an
// answer that never came leaves both outcomes open, and an answer that came leaves one.
// Never here: killing, judging what a restarted server shows.

import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Session } from '../acme/session.ts';
import { SigningKey } from '../acme/signing-key.ts';
import { Ended, type Gate } from './gate.ts';
import type { Account, Certificate, ChallengeBody, Ledger, Resource } from './ledger.ts';
import type { Prng } from './prng.ts';

export interface Surroundings {
  readonly directoryUrl: string;
  readonly gate: Gate;
  readonly ledger: Ledger;
  /** What the web server of all names answers: key authorization by token. */
  readonly keyAuthorizations: Map<string, string>;
}

interface Made {
  readonly certificate: Certificate;
  readonly key: SigningKey;
}

/** The server refused what it should have done, or never finished it. */
class Broken extends Error {}

type Names = readonly { readonly type: 'dns'; readonly value: string }[];

/** Orders of one account are listed on one page (RFC 8555 §7.1.2.1). */
const ORDERS_PER_ACCOUNT = 60;
const STUCK_MS = 15_000;
const POLL_MS = 10;
const REVOCATION_REASONS = 6;

export class CrashClient {
  readonly #world: Surroundings;
  readonly #prng: Prng;
  readonly #name: string;
  readonly #session: Session;
  #account: Account | undefined;
  #orders = 0;
  #namesMade = 0;
  #lastNames: Names | undefined;
  #flows = 0;

  constructor(world: Surroundings, prng: Prng, name: string) {
    this.#world = world;
    this.#prng = prng;
    this.#name = name;
    this.#session = new Session(world.directoryUrl, world.gate);
  }

  /** Things done from beginning to end. */
  get flows(): number {
    return this.#flows;
  }

  /** Goes on until the gate ends it. */
  async run(): Promise<void> {
    for (;;) {
      try {
        await this.#doSomething();
        this.#flows++;
      } catch (error) {
        if (error instanceof Ended) return;
        this.#world.ledger.check(false, () => `client ${this.#name}: ${(error as Error).message}`);
        // Whatever this account was in the middle of, the next one starts afresh.
        this.#account = undefined;
        if (!(error instanceof Broken)) throw error;
      }
    }
  }

  close(): void {
    this.#session.close();
  }

  async #doSomething(): Promise<void> {
    const account = await this.#currentAccount();
    const choice = this.#prng.between(0, 99);
    if (choice < 45) await this.#issue(account);
    else if (choice < 70) await this.#revoke(account, await this.#issue(account));
    else if (choice < 78) await this.#order(account, this.#names());
    else if (choice < 84) await this.#giveUpAuthorization(account);
    else if (choice < 91) await this.#changeContacts(account);
    else if (choice < 96) await this.#changeKey(account);
    else await this.#deactivate(await this.#register());
  }

  async #currentAccount(): Promise<Account> {
    if (this.#account === undefined || this.#orders >= ORDERS_PER_ACCOUNT) {
      this.#account = await this.#register();
      this.#orders = 0;
      this.#lastNames = undefined;
    }
    return this.#account;
  }

  async #register(): Promise<Account> {
    const { newAccount } = await this.#session.directory();
    const key = new SigningKey();
    const contact = [`mailto:${this.#name}@example.test`];
    const payload = { termsOfServiceAgreed: true, contact };
    const answer = await this.#session.post({ key }, newAccount, payload);
    // A second try finds the account the first one made.
    this.#require(answer, answer.isFirstTry ? [201] : [201, 200], 'new-account');
    const account: Account = {
      url: answer.location,
      key,
      nextKey: undefined,
      retiredKeys: [],
      contacts: JSON.stringify(contact),
      askedContacts: [],
      status: 'valid',
    };
    const { ledger } = this.#world;
    ledger.accounts.set(account.url, account);
    ledger.touched.add(account.url);
    return account;
  }

  /** From new-order to the download; the certificate and its key. */
  async #issue(account: Account): Promise<Made> {
    const reused = this.#prng.chance(15) ? this.#lastNames : undefined;
    const names = reused ?? this.#names();
    const order = await this.#order(account, names);
    for (const url of fixed<string[]>(order, 'authorizations')) {
      await this.#prove(account, order, url);
    }
    const key = new SigningKey();
    const finalize = fixed<string>(order, 'finalize');
    const answer = await this.#post(account, finalize, { csr: key.csr(names) });
    this.#require(answer, [200], 'finalize');
    this.#world.ledger.see('order', order.url, account, answer.body);
    await this.#until(account, order, ['valid']);
    this.#lastNames = names;
    const url = fixed<string>(order, 'certificate');
    const download = await this.#post(account, url);
    this.#require(download, [200], 'certificate');
    const { serialNumber } = new X509Certificate(download.body);
    const { ledger } = this.#world;
    return { certificate: ledger.seeCertificate(url, account, download.body, serialNumber), key };
  }

  async #order(account: Account, names: Names): Promise<Resource> {
    const { newOrder } = await this.#session.directory();
    const answer = await this.#post(account, newOrder, { identifiers: names });
    this.#require(answer, [201], 'new-order');
    this.#orders++;
    return this.#world.ledger.see('order', answer.location, account, answer.body);
  }

  async #prove(account: Account, order: Resource, url: string): Promise<void> {
    const authorization = await this.#read(account, 'authorization', url);
    if (authorization.status === 'valid') return;
    const token = fixed<string>(authorization, 'http-01 token');
    const { keyAuthorizations, ledger } = this.#world;
    // RFC 8555 §8.1, with the key the account has now.
    keyAuthorizations.set(token, `${token}.${account.key.thumbprint}`);
    try {
      const answer = await this.#post(account, fixed<string>(authorization, 'http-01 url'), {});
      this.#require(answer, [200], 'challenge');
      ledger.seeChallenge(authorization, JSON.parse(answer.body) as ChallengeBody);
      await this.#until(account, authorization, ['valid']);
    } catch (error) {
      // Whoever probes from now on finds nothing.
      order.mayFail = true;
      authorization.mayFail = true;
      throw error;
    } finally {
      keyAuthorizations.delete(token);
    }
  }

  async #revoke(account: Account, { certificate, key }: Made): Promise<void> {
    const { revokeCert } = await this.#session.directory();
    const payload = {
      certificate: new X509Certificate(certificate.pem).raw.toString('base64url'),
      reason: this.#prng.between(0, REVOCATION_REASONS - 1),
    };
    certificate.revocation = 'asked';
    const byItself = this.#prng.chance(50);
    const answer = byItself
      ? await this.#session.post({ key }, revokeCert, payload)
      : await this.#post(account, revokeCert, payload);
    const wasDone = answer.problem === 'alreadyRevoked' && !answer.isFirstTry;
    if (!wasDone) this.#require(answer, [200], 'revoke-cert');
    certificate.revocation = 'acknowledged';
    this.#world.ledger.touched.add(certificate.url);
  }

  /** Deactivates an authorization of a new order, before or after it is valid. */
  async #giveUpAuthorization(account: Account): Promise<void> {
    const order = await this.#order(account, this.#names());
    const [url = ''] = fixed<string[]>(order, 'authorizations');
    if (this.#prng.chance(50)) await this.#prove(account, order, url);
    const authorization = await this.#read(account, 'authorization', url);
    authorization.mayFail = true;
    order.mayFail = true;
    const answer = await this.#post(account, url, { status: 'deactivated' });
    this.#require(answer, [200], 'deactivation of an authorization');
    this.#world.ledger.see('authorization', url, account, answer.body);
    await this.#until(account, order, ['invalid']);
  }

  async #changeContacts(account: Account): Promise<void> {
    const contact = [`mailto:${this.#name}-${this.#prng.between(1, 1_000_000)}@example.test`];
    const contacts = JSON.stringify(contact);
    account.askedContacts.push(contacts);
    const answer = await this.#post(account, account.url, { contact });
    this.#require(answer, [200], 'change of contacts');
    const shown = JSON.stringify((JSON.parse(answer.body) as { contact: unknown }).contact);
    const { ledger } = this.#world;
    ledger.check(shown === contacts, () => `${account.url} took ${contacts} and shows ${shown}`);
    account.contacts = contacts;
    account.askedContacts = [];
    ledger.touched.add(account.url);
  }

  async #changeKey(account: Account): Promise<void> {
    const { keyChange } = await this.#session.directory();
    const next = new SigningKey();
    const payload = { account: account.url, oldKey: account.key.jwk };
    const inner = next.jws({ jwk: next.jwk }, keyChange, undefined, payload);
    account.nextKey = next;
    const answer = await this.#post(account, keyChange, inner);
    if (answer.status !== 200 && !answer.isFirstTry) {
      // The first try may have been carried out, and then the old key is refused: the new one tells.
      const look = await this.#session.post({ key: next, kid: account.url }, account.url);
      this.#require(look, [200], 'look with the new key');
    } else this.#require(answer, [200], 'key-change');
    account.retiredKeys.push(account.key);
    account.key = next;
    account.nextKey = undefined;
    // Its authorizations were proven with the old key; they are its own all the same.
    this.#world.ledger.touched.add(account.url);
  }

  async #deactivate(account: Account): Promise<void> {
    account.status = 'deactivation asked';
    const answer = await this.#post(account, account.url, { status: 'deactivated' });
    const wasDone = answer.problem === 'unauthorized' && !answer.isFirstTry;
    if (!wasDone) this.#require(answer, [200], 'deactivation of an account');
    account.status = 'deactivated';
    this.#world.ledger.touched.add(account.url);
  }

  async #until(account: Account, resource: Resource, wanted: readonly string[]): Promise<void> {
    const deadlineMs = performance.now() + STUCK_MS;
    while (!wanted.includes(resource.status)) {
      if (performance.now() > deadlineMs) {
        throw new Broken(`${resource.url} is ${resource.status} after ${STUCK_MS} ms`);
      }
      await sleep(POLL_MS);
      await this.#read(account, resource.kind, resource.url);
      const isOver = resource.status === 'invalid' || resource.status === 'deactivated';
      if (isOver && !wanted.includes(resource.status)) {
        throw new Broken(`${resource.url} became ${resource.status}`);
      }
    }
  }

  async #read(account: Account, kind: Resource['kind'], url: string): Promise<Resource> {
    const answer = await this.#post(account, url);
    this.#require(answer, [200], kind);
    return this.#world.ledger.see(kind, url, account, answer.body);
  }

  #post(account: Account, url: string, payload?: object): Promise<Answer> {
    return this.#session.post({ key: account.key, kid: account.url }, url, payload);
  }

  #require({ status, body }: Answer, expected: readonly number[], what: string): void {
    if (expected.includes(status)) return;
    throw new Broken(`${what}: HTTP ${status} ${body.slice(0, 300)}`);
  }

  #names(): Names {
    const count = this.#prng.chance(20) ? 3 : 1;
    return Array.from({ length: count }, () => {
      const value = `${this.#name}-${++this.#namesMade}.crash.test`;
      return { type: 'dns' as const, value };
    });
  }
}

function fixed<T>(resource: Resource, name: string): T {
  const text = resource.fixed.get(name);
  if (text === undefined) throw new Broken(`${resource.url} has no ${name}`);
  return JSON.parse(text) as T;
}
