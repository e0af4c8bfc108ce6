// The moving part of the live picture: dots that go from the service to the hub where a device landed, and light up one
// of its berths. Only a part of what happens is drawn; its shape is true, and the counters beside it have the numbers.

export interface Point {
  x: number;
  y: number;
}

/** A hub's place on the picture: where dots arrive, and the grid of berths they light up. */
export interface Dock extends Point {
  grid: { x: number; y: number; columns: number; rows: number; size: number };
}

export interface Places {
  source: Point;
  docks: Map<string, Dock>;
}

export interface Colours {
  dot: string;
  berth: string;
  lit: string;
}

interface Dot {
  hub: string;
  start: number;
  bend: number;
}

const travel = 900;
const glow = 1_600;
const most = 320;
const perBatch = 36;
const spread = 250;

export class Particles {
  private dots: Dot[] = [];
  private readonly lit = new Map<string, Map<number, number>>();

  /** Some of those that landed are let go, in proportion, spread over the time until the next batch. */
  launch(hubs: Record<string, number>, now: number): void {
    const total = Object.values(hubs).reduce((sum, n) => sum + n, 0);
    const share = Math.min(1, perBatch / Math.max(1, total));
    for (const [hub, n] of Object.entries(hubs)) {
      const drawn = Math.floor(n * share + Math.random());
      for (let i = 0; i < drawn && this.dots.length < most; i++)
        this.dots.push({ hub, start: now + Math.random() * spread, bend: Math.random() - 0.5 });
    }
  }

  private land(hub: string, dock: Dock, now: number): void {
    const cells = this.lit.get(hub) ?? new Map<number, number>();
    cells.set(Math.floor(Math.random() * dock.grid.columns * dock.grid.rows), now);
    this.lit.set(hub, cells);
  }

  private drawBerths(c: CanvasRenderingContext2D, hub: string, dock: Dock, colours: Colours, now: number): void {
    const { x, y, columns, rows, size } = dock.grid;
    const cells = this.lit.get(hub);
    const side = size - 3;
    c.fillStyle = colours.berth;
    for (let i = 0; i < columns * rows; i++) c.fillRect(x + (i % columns) * size, y + Math.floor(i / columns) * size, side, side);
    c.fillStyle = colours.lit;
    for (const [i, at] of cells ?? []) {
      const rest = 1 - (now - at) / glow;
      if (rest <= 0) {
        cells?.delete(i);
        continue;
      }
      c.globalAlpha = rest;
      c.fillRect(x + (i % columns) * size, y + Math.floor(i / columns) * size, side, side);
    }
    c.globalAlpha = 1;
  }

  draw(c: CanvasRenderingContext2D, places: Places, colours: Colours, now: number): void {
    for (const [hub, dock] of places.docks) this.drawBerths(c, hub, dock, colours, now);
    c.fillStyle = colours.dot;
    const { source } = places;
    this.dots = this.dots.filter((dot) => {
      const dock = places.docks.get(dot.hub);
      const t = (now - dot.start) / travel;
      if (!dock) return false;
      if (t < 0) return true;
      if (t >= 1) {
        this.land(dot.hub, dock, now);
        return false;
      }
      const at = along(source, dock, ease(t), dot.bend);
      c.globalAlpha = Math.min(1, t * 6);
      c.beginPath();
      c.arc(at.x, at.y, 2.6, 0, 7);
      c.fill();
      return true;
    });
    c.globalAlpha = 1;
  }

  get isStill(): boolean {
    return this.dots.length === 0 && [...this.lit.values()].every((cells) => cells.size === 0);
  }
}

const ease = (t: number): number => (t < 0.5 ? 2 * t * t : 1 - (2 - 2 * t) ** 2 / 2);

/** Across, a curve that leaves and arrives level; down, along the edge and then in. */
export function along(from: Point, to: Point, t: number, bend: number): Point {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const across = Math.abs(dx) >= Math.abs(dy);
  const a = across ? { x: from.x + dx / 2, y: from.y + bend * 14 } : { x: from.x + bend * 8, y: to.y - dy / 4 };
  const b = across ? { x: from.x + dx / 2, y: to.y } : { x: from.x, y: to.y };
  const u = 1 - t;
  const mix = (p: number, q: number, r: number, s: number) => u * u * u * p + 3 * u * u * t * q + 3 * u * t * t * r + t * t * t * s;
  return { x: mix(from.x, a.x, b.x, to.x), y: mix(from.y, a.y, b.y, to.y) };
}
