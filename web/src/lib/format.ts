// Numbers and spans of time as a person reads them, in the reader's language.

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const fraction = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

export const formatNumber = (n: number): string => whole.format(n);

/** From ten thousand on, three digits and a letter: 1.2M. */
export const formatShort = (n: number): string => (Math.abs(n) < 10_000 ? whole.format(n) : short.format(n));

export const formatShare = (part: number): string => percent.format(part);

/** A rate keeps a digit after the point while it is small. */
export const formatRate = (perSecond: number): string =>
  perSecond >= 10 ? whole.format(Math.round(perSecond)) : fraction.format(perSecond);

export const formatMilliseconds = (ms: number): string => (ms < 10 ? `${fraction.format(ms)} ms` : `${whole.format(Math.round(ms))} ms`);

export const plural = (n: number, one: string, many = `${one}s`): string => `${formatNumber(n)} ${n === 1 ? one : many}`;

/** 1536 is "1.5 KB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return plural(bytes, 'byte');
  if (bytes < 1024 * 1024) return `${fraction.format(bytes / 1024)} KB`;
  return `${fraction.format(bytes / 1024 / 1024)} MB`;
}
