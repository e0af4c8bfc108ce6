// Numbers over time, drawn. What is under the pointer is told, and the same numbers stand in a table.

import { useState, type PointerEvent } from 'react';
import { areaPath, linePath, roundUp } from '../lib/chart';
import { formatNumber, formatShort } from '../lib/format';
import { formatClock, formatMoment } from '../lib/time';
import styles from './TimeChart.module.css';

export interface Series {
  name: string;
  tone: 'brand' | 'bad' | 'warn';
  values: readonly number[];
}

interface TimeChartProps {
  label: string;
  from: Date;
  stepSeconds: number;
  series: Series[];
}

const width = 600;
const height = 140;

export function TimeChart({ label, from, stepSeconds, series }: TimeChartProps) {
  const [at, setAt] = useState<number>();
  const count = Math.max(0, ...series.map((one) => one.values.length));
  const top = roundUp(Math.max(0, ...series.flatMap((one) => one.values)));
  const timeOf = (i: number) => new Date(from.getTime() + i * stepSeconds * 1000);
  const point = (e: PointerEvent<HTMLDivElement>) => {
    const box = e.currentTarget.getBoundingClientRect();
    const i = Math.round(((e.clientX - box.left) / box.width) * (count - 1));
    setAt(Math.max(0, Math.min(count - 1, i)));
  };
  const left = at === undefined ? 0 : (at / Math.max(1, count - 1)) * 100;
  const sums = series.map((one) => `${one.name} ${formatNumber(one.values.reduce((a, b) => a + b, 0))}`);

  return (
    <figure className={styles.figure}>
      <figcaption className={styles.legend}>
        {series.map((one) => (
          <span key={one.name} data-tone={one.tone}>
            {one.name}
          </span>
        ))}
      </figcaption>
      <div className={styles.chart}>
        <span className={styles.top}>{formatShort(top)}</span>
        <span className={styles.zero}>0</span>
        <div className={styles.plot} onPointerMove={point} onPointerLeave={() => setAt(undefined)} role="img" aria-label={`${label}: ${sums.join(', ')}`}>
          <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
            <path d={`M0 0H${width}M0 ${height / 2}H${width}M0 ${height}H${width}`} className={styles.grid} />
            {series.map((one) => (
              <g key={one.name} data-tone={one.tone}>
                {one.tone === 'brand' && <path d={areaPath(one.values, width, height, top)} className={styles.area} />}
                <path d={linePath(one.values, width, height, top)} className={styles.line} />
              </g>
            ))}
          </svg>
          {at !== undefined && (
            <>
              <span className={styles.rule} style={{ left: `${left}%` }} />
              <span className={styles.tip} style={left > 50 ? { right: `${100 - left}%` } : { left: `${left}%` }}>
                <strong>{formatMoment(timeOf(at))}</strong>
                {series.map((one) => (
                  <span key={one.name}>
                    {one.name} {formatNumber(one.values[at] ?? 0)}
                  </span>
                ))}
              </span>
            </>
          )}
        </div>
        <div className={styles.times} aria-hidden="true">
          {[0, 0.25, 0.5, 0.75, 1].map((part) => (
            <span key={part}>{formatClock(timeOf(part * (count - 1)))}</span>
          ))}
        </div>
      </div>
      <details className={styles.details}>
        <summary>As a table</summary>
        <div className={styles.tableBox} tabIndex={0} role="group" aria-label={`${label} as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {series.map((one) => (
                  <th key={one.name} scope="col">
                    {one.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {Array.from({ length: count }, (_, i) => (
                <tr key={i}>
                  <th scope="row">{formatMoment(timeOf(i))}</th>
                  {series.map((one) => (
                    <td key={one.name}>{formatNumber(one.values[i] ?? 0)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
