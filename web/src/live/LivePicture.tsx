import { useEffect, useRef, type RefObject } from 'react';
import { formatNumber, formatRate, formatShare } from '../lib/format';
import { useIsDark } from '../app/appearance';
import { Particles, type Colours, type Dock, type Places } from './particles';
import type { Rates } from './reduce';
import styles from './LivePicture.module.css';

interface LivePictureProps {
  from: string;
  hubs: string[];
  counts: Record<string, number>;
  rates: Rates;
  particles: Particles;
}

const cell = 9;
/** Where hubs stand below the service, dots go down beside them. */
const rail = 9;

function placesOf(frame: HTMLElement): Places {
  const origin = frame.getBoundingClientRect();
  const boxOf = (element: Element) => {
    const box = element.getBoundingClientRect();
    return { left: box.left - origin.left, top: box.top - origin.top, width: box.width, height: box.height };
  };
  const docks = new Map<string, Dock>();
  for (const element of frame.querySelectorAll<HTMLElement>('[data-hub]')) {
    const box = boxOf(element);
    const columns = Math.max(1, Math.floor(box.width / cell));
    const rows = Math.max(1, Math.floor(box.height / cell));
    docks.set(element.dataset['hub'] ?? '', { x: box.left, y: box.top + box.height / 2, grid: { x: box.left, y: box.top, columns, rows, size: cell } });
  }
  const source = frame.querySelector('[data-source]');
  const box = source ? boxOf(source) : { left: 0, top: 0, width: 0, height: 0 };
  const beside = [...docks.values()].some((dock) => dock.x > box.left + box.width);
  return {
    source: beside ? { x: box.left + box.width, y: box.top + box.height / 2 } : { x: box.left + rail, y: box.top + box.height },
    docks,
  };
}

function coloursOf(frame: HTMLElement): Colours {
  const style = getComputedStyle(frame);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return { dot: of('--colorCompoundBrandBackground'), berth: of('--colorNeutralBackground5'), lit: of('--colorCompoundBrandBackground') };
}

/** Draws on the canvas as long as the picture is there; its places are measured again when they may have moved. */
function usePainting(frame: RefObject<HTMLElement>, canvas: RefObject<HTMLCanvasElement>, particles: Particles, layout: string): void {
  const isDark = useIsDark();
  useEffect(() => {
    const box = frame.current;
    const paper = canvas.current;
    const c = paper?.getContext('2d');
    if (!box || !paper || !c) return;
    let places = placesOf(box);
    let colours = coloursOf(box);
    let request = 0;
    let painted = false; // as it is when nothing moves
    const measure = () => {
      const scale = globalThis.devicePixelRatio || 1;
      paper.width = box.clientWidth * scale;
      paper.height = box.clientHeight * scale;
      c.setTransform(scale, 0, 0, scale, 0, 0);
      places = placesOf(box);
      colours = coloursOf(box);
      painted = false;
    };
    const paint = (now: number) => {
      request = requestAnimationFrame(paint);
      const still = particles.isStill;
      if (still && painted) return;
      c.clearRect(0, 0, box.clientWidth, box.clientHeight);
      particles.draw(c, places, colours, now);
      painted = still;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    measure();
    request = requestAnimationFrame(paint);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(request);
    };
  }, [frame, canvas, particles, layout, isDark]);
}

/** The hubs, and devices on their way to them. What moves is decoration: every number stands beside it. */
export function LivePicture({ from, hubs, counts, rates, particles }: LivePictureProps) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  usePainting(frame, canvas, particles, hubs.join());
  const total = hubs.reduce((sum, hub) => sum + (counts[hub] ?? 0), 0);
  return (
    <div ref={frame} className={styles.frame}>
      <canvas ref={canvas} className={styles.canvas} aria-hidden="true" />
      <div className={styles.source} data-source>
        <img src="/berth.svg" alt="" width="28" height="28" />
        <strong>{from}</strong>
        <span>{formatRate(rates.assigned)} per second</span>
      </div>
      <ul className={styles.hubs} aria-label="Hubs">
        {hubs.map((hub) => (
          <li key={hub} className={styles.hub}>
            <span className={styles.name}>{hub}</span>
            <span className={styles.dock} data-hub={hub} aria-hidden="true" />
            <span className={styles.numbers}>
              <strong>{formatNumber(counts[hub] ?? 0)}</strong>
              <span>
                {formatRate(rates.hubs[hub] ?? 0)} per second{total > 0 && ` · ${formatShare((counts[hub] ?? 0) / total)}`}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
