// Numbers over time as the path of a line, and an axis with round numbers.

/** The smallest 1, 2, 2.5 or 5 times a power of ten that is no smaller. */
export function roundUp(n: number): number {
  if (n <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  const step = [1, 2, 2.5, 5, 10].find((s) => s * power >= n) ?? 10;
  return step * power;
}

const fixed = (n: number): string => String(Math.round(n * 100) / 100);

export function linePath(values: readonly number[], width: number, height: number, top: number): string {
  if (values.length === 0) return '';
  const dx = width / Math.max(1, values.length - 1);
  return values.map((v, i) => `${i === 0 ? 'M' : 'L'}${fixed(i * dx)} ${fixed(height - (Math.min(v, top) / top) * height)}`).join('');
}

export const areaPath = (values: readonly number[], width: number, height: number, top: number): string =>
  values.length === 0 ? '' : `${linePath(values, width, height, top)}L${fixed(width)} ${fixed(height)}L0 ${fixed(height)}Z`;
