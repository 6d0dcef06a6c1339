// The validator: proves control of identifiers over the network (RFC 8555 §8, RFC 8737, RFC 8738)
// and asks CAA for permission (RFC 8659). Invariant: every request ends in a ValidationResult
// within its overall time; nothing is thrown, and at most `concurrent` attempts run at once.
// Never here: protocols, which live in one file each.

import { canonicalIp } from '../../core/acme/ip-address.ts';
import type {
  ChallengeType,
  ValidationRequest,
  ValidationResult,
} from '../../core/acme/validation.ts';
import { refusalOf } from './address-policy.ts';
import { type Attempt, AttemptSet } from './attempt.ts';
import { checkCaa } from './caa.ts';
import { probeDns01 } from './dns-01.ts';
import { failed, ProbeFailure, reasonOf, refused } from './failure.ts';
import { type Http01Tools, probeHttp01 } from './http-01.ts';
import { type ValidationLimits, validationLimits } from './limits.ts';
import { ProbeGate } from './probe-gate.ts';
import { createResolver } from './resolver.ts';
import { probeTlsAlpn01, type TlsAlpn01Tools } from './tls-alpn-01.ts';

export interface ValidatorOptions {
  /** Where http-01 asks, and the only port an http redirect may lead to. Default 80. */
  readonly httpPort?: number;
  /** Where tls-alpn-01 connects. Default 443. */
  readonly tlsAlpnPort?: number;
  /** The only port an https redirect may lead to. Default: `tlsAlpnPort`. */
  readonly httpsPort?: number;
  /** Probe private, loopback and link-local addresses too, as networks of one's own need. */
  readonly allowPrivateIps: boolean;
  /** `address:port`; without any, the system's hosts file and DNS servers. */
  readonly dnsServers?: readonly string[];
  /** Times, retries and sizes that differ from VALIDATION_LIMITS. */
  readonly limits?: Partial<ValidationLimits>;
  /** The static host table, read when there are no `dnsServers`. Default: the system's. */
  readonly hostsFile?: string;
}

export interface Validator {
  /** Never rejects. The caller decides what is done with the same request asked twice. */
  validate(request: ValidationRequest): Promise<ValidationResult>;
  /** Ends everything under way with `serverInternal`, and refuses what comes later. */
  close(): void;
}

type Tools = Http01Tools & TlsAlpn01Tools;

const PROBES: Readonly<
  Record<
    ChallengeType,
    (tools: Tools, attempt: Attempt, request: ValidationRequest) => Promise<void>
  >
> = { 'http-01': probeHttp01, 'dns-01': probeDns01, 'tls-alpn-01': probeTlsAlpn01 };

/** Throws when a DNS server is not an address or the limits contradict each other. */
export function createValidator(options: ValidatorOptions): Validator {
  const limits = validationLimits(options.limits);
  const { httpPort = 80, tlsAlpnPort = 443, httpsPort = tlsAlpnPort, allowPrivateIps } = options;
  const { dnsServers, hostsFile } = options;
  const resolver = createResolver({
    limits,
    ...(dnsServers === undefined ? {} : { dnsServers }),
    ...(hostsFile === undefined ? {} : { hostsFile }),
  });
  const ports = { http: httpPort, https: httpsPort };
  const policy = (address: string) => refusalOf(address, allowPrivateIps);
  return new NetworkValidator({ resolver, refusalOf: policy, limits, ports, tlsAlpnPort });
}

class NetworkValidator implements Validator {
  readonly #tools: Tools;
  readonly #gate: ProbeGate;
  readonly #attempts = new AttemptSet();
  readonly #pauses = new Map<NodeJS.Timeout, () => void>();
  #closed = false;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#gate = new ProbeGate(tools.limits.concurrent, tools.limits.queued);
  }

  async validate(request: ValidationRequest): Promise<ValidationResult> {
    try {
      checkRequest(request);
      await this.#prove(request);
      return { ok: true };
    } catch (error) {
      const failure =
        error instanceof ProbeFailure ? error : refused('serverInternal', reasonOf(error));
      return { ok: false, problem: failure.problem, detail: failure.message };
    }
  }

  close(): void {
    this.#closed = true;
    this.#gate.close();
    this.#attempts.cancel(shuttingDown());
    this.#tools.resolver.cancel();
    for (const [timer, wake] of this.#pauses) {
      clearTimeout(timer);
      wake();
    }
    this.#pauses.clear();
  }

  /** Attempt after attempt, until one succeeds, one is final, or tries or time run out. */
  async #prove(request: ValidationRequest): Promise<void> {
    const { limits } = this.#tools;
    const end = performance.now() + limits.overallMs;
    for (let attempts = 1; ; attempts++) {
      try {
        await this.#tryOnce(request, end);
        return;
      } catch (error) {
        const delayMs = limits.retryDelaysMs[attempts - 1];
        const mayRetry = error instanceof ProbeFailure && !error.final && delayMs !== undefined;
        const hasTime = delayMs !== undefined && performance.now() + delayMs < end;
        if (!mayRetry || !hasTime) throw withTries(error, attempts);
        await this.#pause(delayMs);
      }
    }
  }

  /** A place is held during an attempt only, so that slow failures do not crowd out the others. */
  async #tryOnce(request: ValidationRequest, end: number): Promise<void> {
    const admission = await this.#gate.enter(Math.max(1, end - performance.now()));
    if (admission === 'closed') throw shuttingDown();
    if (admission !== 'entered') {
      throw refused('serverInternal', 'too many validations are under way; try again later');
    }
    const timeoutMs = Math.min(this.#tools.limits.attemptMs, Math.max(1, end - performance.now()));
    try {
      await this.#attempts.run(timeoutMs, (attempt) => this.#probe(attempt, request));
    } finally {
      this.#gate.leave();
    }
  }

  async #probe(attempt: Attempt, request: ValidationRequest): Promise<void> {
    // Asked at the same time, told in this order: a client first wants to know its own mistake.
    const caa = checkCaa(this.#tools, attempt, request);
    caa.catch(() => undefined);
    await PROBES[request.type](this.#tools, attempt, request);
    attempt.begin('dns', `looking up CAA for ${request.identifier.value}`);
    await caa;
  }

  async #pause(delayMs: number): Promise<void> {
    if (this.#closed) throw shuttingDown();
    await new Promise<void>((wake) => {
      const timer = setTimeout(() => {
        this.#pauses.delete(timer);
        wake();
      }, delayMs);
      this.#pauses.set(timer, wake);
    });
  }
}

/** Guards what goes into a request line or a DNS question; the core never asks for less. */
function checkRequest({ type, identifier, wildcard, token }: ValidationRequest): void {
  if (!Object.hasOwn(PROBES, type)) throw refused('serverInternal', 'unknown challenge type');
  const { type: kind, value } = identifier;
  const known = kind === 'ip' ? canonicalIp(value) === value : /^[a-z0-9_.-]{1,253}$/.test(value);
  if (!known) throw refused('serverInternal', 'the identifier is not in canonical form');
  if (!/^[A-Za-z0-9_-]{1,256}$/.test(token)) {
    throw refused('serverInternal', 'the token is not base64url');
  }
  // RFC 8555 §8.3, RFC 8737 §3: one host says nothing about all names below it.
  if (wildcard && type !== 'dns-01') {
    throw refused('rejectedIdentifier', `${type} cannot show control of a wildcard name`);
  }
}

function withTries(error: unknown, attempts: number): unknown {
  if (attempts === 1 || !(error instanceof ProbeFailure)) return error;
  return failed(error.problem, `${error.message} (${attempts} attempts)`);
}

function shuttingDown(): ProbeFailure {
  return refused('serverInternal', 'the server is shutting down');
}
