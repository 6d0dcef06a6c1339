// `akamu revoke`, `akamu account deactivate`, `akamu eab revoke`: what an operator wants of the CA.
// Invariant: what is wrong with the words is said before the server is asked; to say it again is no
// failure. Never here: what it does to records (core/acme/administer.ts).

import { REVOCATION_REASONS } from '../../core/acme/revocation-reason.ts';
import { nearest } from '../../core/suggest.ts';
import { AdminFailure, askAdmin } from './admin-client.ts';
import { EXIT, type ExitCode, type OptionValues, textOption, type World } from './command.ts';
import { withConfig } from './node.ts';

interface Revoked {
  readonly serial: string;
  readonly names: readonly string[];
  readonly reason: number;
  readonly revokedMs: number | null;
  readonly changed: boolean;
}

interface Deactivated {
  readonly account: string;
  readonly status: string;
  readonly changed: boolean;
}

interface Withdrawn {
  readonly kid: string;
  readonly usedBy: string | null;
  readonly changed: boolean;
}

const REASON_NAMES = Object.keys(REVOCATION_REASONS);
const MAX_SERIAL_OCTETS = 20;

/** Revokes a certificate. */
export async function revokeCertificate(values: OptionValues, world: World): Promise<ExitCode> {
  const serial = serialOf(textOption(values, 'SERIAL')!);
  const reason = reasonOf(textOption(values, 'reason') ?? 'unspecified');
  if (serial === undefined) {
    return misused(
      world,
      'akamu revoke: SERIAL is hexadecimal, at most 20 octets, as openssl x509 -serial or the view ' +
        'certificates has it',
    );
  }
  if (typeof reason === 'string') return misused(world, `akamu revoke: ${reason}`);
  return withConfig('akamu revoke', values, world, async (config) => {
    const answer = await askAdmin(config, 'POST', '/admin/revoke', { serial, reason });
    say(values, world, answer, revokedText(read<Revoked>(answer, 'serial')));
  });
}

/** Deactivates an account (RFC 8555 §7.3.6). */
export async function deactivateAccount(values: OptionValues, world: World): Promise<ExitCode> {
  const id = textOption(values, 'ID')!;
  return withConfig('akamu account deactivate', values, world, async (config) => {
    const path = `/admin/accounts/${encodeURIComponent(id)}/deactivate`;
    const answer = await askAdmin(config, 'POST', path, {});
    const { account, status, changed } = read<Deactivated>(answer, 'account');
    say(values, world, answer, `account ${account} is ${status}${already(changed)}`);
  });
}

/** Withdraws an external account key. */
export async function revokeKey(values: OptionValues, world: World): Promise<ExitCode> {
  const kid = textOption(values, 'KID')!;
  return withConfig('akamu eab revoke', values, world, async (config) => {
    const answer = await askAdmin(
      config,
      'POST',
      `/admin/eab/${encodeURIComponent(kid)}/revoke`,
      {},
    );
    const { usedBy, changed } = read<Withdrawn>(answer, 'kid');
    const user =
      usedBy === null
        ? 'no account has used it'
        : `account ${usedBy} has used it and stays; to end it: akamu account deactivate ${usedBy}`;
    say(values, world, answer, `key ${kid} is revoked${already(changed)}\n${user}`);
  });
}

/** As records have it: lower case, whole octets, no zeros in front; undefined when it is none. */
function serialOf(text: string): string | undefined {
  const digits = text
    .replace(/^serial=/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  if (!/^[0-9a-f]+$/.test(digits)) return undefined;
  const whole = digits.length % 2 === 0 ? digits : `0${digits}`;
  const serial = whole.replace(/^(?:00)+(?=..)/, '');
  return serial.length <= 2 * MAX_SERIAL_OCTETS ? serial : undefined;
}

/** The code of a reason by its name or number, or what is wrong with it. */
function reasonOf(text: string): number | string {
  const lower = text.toLowerCase();
  const found = Object.entries(REVOCATION_REASONS).find(([name, code]) => {
    return name.toLowerCase() === lower || String(code) === text;
  });
  if (found !== undefined) return found[1];
  const close = nearest(text, REASON_NAMES);
  const suggestion = close === undefined ? '' : `; did you mean ${close}?`;
  const known = REASON_NAMES.map((name, at) => `${Object.values(REVOCATION_REASONS)[at]} ${name}`);
  return `--reason is no reason of RFC 5280${suggestion}\nReasons: ${known.join(', ')}`;
}

function revokedText({ serial, names, reason, revokedMs, changed }: Revoked): string {
  const [name = reason] = REASON_NAMES.filter((each) => {
    return REVOCATION_REASONS[each as keyof typeof REVOCATION_REASONS] === reason;
  });
  const since = revokedMs === null ? '' : ` since ${new Date(revokedMs).toISOString()}`;
  return `${serial} (${names.join(', ')}) is revoked${since}, reason ${name}${already(changed)}`;
}

function already(changed: boolean): string {
  return changed ? '' : '; it was before, and nothing changed';
}

function say(values: OptionValues, world: World, answer: unknown, text: string): void {
  if (values.has('json')) world.print(`${JSON.stringify(answer)}\n`);
  else world.tell(`${text}\n`);
}

function misused(world: World, message: string): ExitCode {
  world.tell(`${message}\n`);
  return EXIT.usage;
}

function read<T>(json: unknown, member: string): T {
  if (typeof json === 'object' && json !== null && member in json) return json as T;
  throw new AdminFailure('the server answered something else; is it another version that runs?');
}
