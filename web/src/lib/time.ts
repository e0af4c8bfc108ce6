// Moments in the reader's time zone. The server writes "never" as year 1, and up to seven digits of a second.

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const short = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const clockSeconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Undefined for nothing, for what is no date, and for "never". A time without zone is UTC. */
export function readTime(text: string | null | undefined): Date | undefined {
  if (!text) return undefined;
  const bare = /^\d{4}-\d\d-\d\dT[\d:.]+$/.test(text);
  const at = new Date(bare ? `${text}Z` : text);
  return Number.isNaN(at.getTime()) || at.getUTCFullYear() <= 1 ? undefined : at;
}

const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity],
];

/** "2 minutes ago", "in 3 days". */
export function fromNow(at: Date, now: Date = new Date()): string {
  let amount = (at.getTime() - now.getTime()) / 1000;
  if (Math.abs(amount) < 5) return 'just now';
  for (const [unit, size] of steps) {
    if (Math.abs(amount) < size) return relative.format(Math.trunc(amount), unit);
    amount /= size;
  }
  return day.format(at);
}

export const formatFull = (at: Date): string => full.format(at);
export const formatMoment = (at: Date): string => short.format(at);
export const formatDay = (at: Date): string => day.format(at);
export const formatClock = (at: Date): string => clock.format(at);
export const formatClockSeconds = (at: Date): string => clockSeconds.format(at);

export const daysUntil = (at: Date, now: Date = new Date()): number => Math.floor((at.getTime() - now.getTime()) / 86_400_000);
