// Moments as text without the host's calendar: RFC 3339 in and out, proleptic Gregorian, UTC.
// The day arithmetic is Howard Hinnant's "chrono-compatible low-level date algorithms".
// Invariant: parse(format(ms)) is ms rounded down to the second. Never here: what time it is.

/** What the door hands in with every input: two clocks that need not agree with anybody's. */
export interface Now {
  /** Unix time, milliseconds. May jump either way. */
  readonly wallMs: number;
  /** Milliseconds since some start. Never goes back. */
  readonly monoMs: number;
}

const DAY_MS = 86_400_000;
const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** RFC 3339 text in UTC with whole seconds, as RFC 8555 examples have it. */
export function formatTime(unixMs: number): string {
  const days = Math.floor(unixMs / DAY_MS);
  const [year, month, day] = civilFromDays(days);
  const second = Math.floor((unixMs - days * DAY_MS) / 1000);
  const clock = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60];
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  return `${date}T${clock.map((part) => pad(part, 2)).join(':')}Z`;
}

/** Unix milliseconds of RFC 3339 text (fractions dropped), or undefined when it is none. */
export function parseTime(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as Civil;
  const days = daysFromCivil(year, month, day);
  const [, realMonth, realDay] = civilFromDays(days);
  if (realMonth !== month || realDay !== day) return undefined;
  const [offsetHour, offsetMinute] = [Number(match[8] ?? 0), Number(match[9] ?? 0)];
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  if (offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = offsetHour * 60 + offsetMinute;
  const utcMinutes = hour * 60 + minute - (match[7] === '-' ? -offset : offset);
  return days * DAY_MS + (utcMinutes * 60 + second) * 1000;
}

type Civil = [number, number, number, number, number, number];

function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilFromDays(days: number): [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9);
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
