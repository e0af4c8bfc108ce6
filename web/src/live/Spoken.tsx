import { useEffect, useRef, useState } from 'react';
import { formatNumber, formatRate, plural } from '../lib/format';

interface SpokenProps {
  assigned: number;
  rate: number;
  refused: number;
}

const every = 15_000;

/** What the picture shows, for those who listen: one sentence now and then, not four a second. */
export function Spoken(now: SpokenProps) {
  const latest = useRef(now);
  latest.current = now;
  const [sentence, setSentence] = useState('');
  useEffect(() => {
    const timer = setInterval(() => {
      const { assigned, rate, refused } = latest.current;
      setSentence(
        `${plural(assigned, 'device')} landed since this page opened, ${formatRate(rate)} per second now, ${formatNumber(refused)} refused.`,
      );
    }, every);
    return () => clearInterval(timer);
  }, []);
  return (
    <p className="unseen" role="status">
      {sentence}
    </p>
  );
}
