// Certification Authority Authorization (RFC 8659, with the parameters of RFC 8657). Invariant:
// every doubt refuses: a lookup that failed, a critical property we do not know, a value that
// does not parse. Never here: DNS transport, which names are asked for a certificate.

import type { ChallengeType, ValidationRequest } from '../../core/acme/validation.ts';
import type { Attempt } from './attempt.ts';
import { quoted, refused } from './failure.ts';
import type { ValidationLimits } from './limits.ts';
import type { CaaProperty, Resolver } from './resolver.ts';

export interface CaaQuestion {
  readonly wildcard: boolean;
  readonly type: ChallengeType;
  readonly accountUrl: string;
  readonly caaIdentities: readonly string[];
}

/** Properties that need not stop us when critical: those that restrict, and those that cannot. */
const KNOWN_TAGS: ReadonlySet<string> = new Set([
  'issue',
  'issuewild',
  'iodef',
  'issuemail',
  'issuevmc',
  'contactemail',
  'contactphone',
]);

interface IssueValue {
  /** In lower case; empty when nobody may issue. */
  readonly issuer: string;
  readonly parameters: readonly (readonly [tag: string, value: string])[];
}

/** Resolves when CAA does not stand against issuing; rejects with problem `caa` or `dns`. */
export async function checkCaa(
  { resolver, limits }: { readonly resolver: Resolver; readonly limits: ValidationLimits },
  attempt: Attempt,
  request: ValidationRequest,
): Promise<void> {
  if (request.caaIdentities.length === 0 || request.identifier.type !== 'dns') return;
  attempt.begin('dns', `looking up CAA for ${request.identifier.value}`);
  const found = await relevantSet(resolver, request.identifier.value, limits.caaLookups);
  if (found === undefined) return;
  const reason = caaRefusal(found.properties, request);
  if (reason !== undefined) throw refused('caa', `CAA at ${found.name}: ${reason}`);
}

/** Why this record set forbids issuing (RFC 8659 §4), or undefined when it does not. */
export function caaRefusal(
  properties: readonly CaaProperty[],
  question: CaaQuestion,
): string | undefined {
  const unknown = properties.find(({ critical, tag }) => critical && !KNOWN_TAGS.has(tag));
  if (unknown !== undefined) return `unknown critical property ${quoted(unknown.tag)}`;
  const wild = properties.filter(({ tag }) => tag === 'issuewild');
  const plain = properties.filter(({ tag }) => tag === 'issue');
  // RFC 8659 §4.3: issuewild speaks for wildcards only, and there replaces issue.
  const relevant = question.wildcard && wild.length > 0 ? wild : plain;
  if (relevant.length === 0) return undefined;
  const refusals = relevant.map(({ value }) => valueRefusal(value, question));
  return refusals.includes(undefined) ? undefined : [...new Set(refusals)].slice(0, 4).join('; ');
}

/** RFC 8659 §3: the first record set on the way from the name towards the root. */
async function relevantSet(
  resolver: Resolver,
  name: string,
  atOnce: number,
): Promise<{ name: string; properties: readonly CaaProperty[] } | undefined> {
  const labels = name.split('.');
  const climb = labels.map((_, index) => labels.slice(index).join('.'));
  for (let start = 0; start < climb.length; start += atOnce) {
    const step = climb.slice(start, start + atOnce);
    const sets = await Promise.allSettled(step.map((ancestor) => resolver.caa(ancestor)));
    for (const [index, set] of sets.entries()) {
      if (set.status === 'rejected') throw set.reason;
      if (set.value.length > 0) return { name: step[index]!, properties: set.value };
    }
  }
  return undefined;
}

function valueRefusal(text: string, question: CaaQuestion): string | undefined {
  const value = parseIssueValue(text);
  if (value === undefined) return `malformed value ${quoted(text)}`;
  const { issuer, parameters } = value;
  if (issuer === '') return 'nobody may issue';
  if (!question.caaIdentities.some((identity) => identity.toLowerCase() === issuer)) {
    return `only ${quoted(issuer)} may issue`;
  }
  // RFC 8657 §3, §4: a parameter given twice can be satisfied by nobody.
  const accounts = valuesOf(parameters, 'accounturi');
  if (accounts.length > 1 || accounts.some((account) => account !== question.accountUrl)) {
    return `only account ${quoted(accounts.join(' and '))} may issue`;
  }
  const methods = valuesOf(parameters, 'validationmethods');
  if (methods.length > 1 || methods.some((list) => !list.split(',').includes(question.type))) {
    return `only validation methods ${quoted(methods.join(' and '))} may be used`;
  }
  return undefined;
}

function valuesOf(parameters: IssueValue['parameters'], wanted: string): readonly string[] {
  return parameters.filter(([tag]) => tag === wanted).map(([, value]) => value);
}

/** `[issuer-domain-name] [";" parameters]` (RFC 8659 §4.2). */
function parseIssueValue(text: string): IssueValue | undefined {
  const [issuer = '', ...rest] = text.split(';').map(trimBlanks);
  if (issuer !== '' && !/^[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*$/i.test(issuer))
    return undefined;
  // The grammar allows nothing after the semicolon, and real zones end their lists with one.
  const parts = rest.filter((part, index) => part !== '' || index < rest.length - 1);
  const parameters: [string, string][] = [];
  for (const part of parts) {
    const match = /^([a-z0-9]+(?:-+[a-z0-9]+)*)[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)$/i.exec(part);
    if (match === null) return undefined;
    parameters.push([match[1]!.toLowerCase(), match[2]!]);
  }
  return { issuer: issuer.toLowerCase(), parameters };
}

function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '');
}
