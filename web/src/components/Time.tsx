import { useEffect, useState } from 'react';
import { formatFull, formatMoment, fromNow, readTime } from '../lib/time';

/** A moment: told from now, or as date and time; the whole of it, with its zone, on hovering. */
export function Time({ value, as = 'relative', never = 'never' }: { value: string | null | undefined; as?: 'relative' | 'moment'; never?: string }) {
  const at = readTime(value);
  const [, tick] = useState(0);
  useEffect(() => {
    if (as !== 'relative') return;
    const timer = setInterval(() => tick((n) => n + 1), 20_000);
    return () => clearInterval(timer);
  }, [as]);
  if (!at) return <span>{never}</span>;
  return (
    <time dateTime={at.toISOString()} title={formatFull(at)}>
      {as === 'relative' ? fromNow(at) : formatMoment(at)}
    </time>
  );
}
