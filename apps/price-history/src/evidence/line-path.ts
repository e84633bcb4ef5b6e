import { isAfter, type Period } from '../line/period.ts';

/** The coordinates of instants and prices. */
export interface Axes {
  from: number;
  to: number;
  x: (at: number) => number;
  y: (cents: number) => number;
}

/**
 * A price line as the path of an SVG: steps, with a gap where the product was not offered. Of several prices within a
 * pixel only the extremes and the last are drawn, so the path of 100 000 changes is no longer than that of 2 000.
 */
export function linePath(periods: readonly Period[], { from, to, x, y }: Axes): string {
  const pen = new Pen();
  let end: number | undefined;
  for (const period of periods) {
    if (period.from >= to || !isAfter(period.to, from)) continue;
    const start = Math.max(period.from, from);
    if (end !== start && end !== undefined) pen.lift(x(end));
    pen.moveTo(x(start), y(period.cents));
    end = Math.min(period.to ?? to, to);
  }
  if (end !== undefined) pen.lift(x(end));
  return pen.path;
}

/** Draws steps from left to right. */
class Pen {
  path = '';
  #x = 0;
  /** Where the pen is; undefined while it is lifted. */
  #y: number | undefined;
  /** The heights to draw at this x. */
  #heights: number[] = [];

  /** Draws on at the same height to `x`, and then to `y`. */
  moveTo(x: number, y: number): void {
    if (this.#y === undefined) {
      this.path += `M${x} ${y}`;
      this.#x = x;
      this.#y = y;
    } else if (Math.round(x) > Math.round(this.#x)) {
      this.#draw();
      this.path += `H${x}`;
      this.#x = x;
    }
    this.#heights.push(y);
  }

  lift(x: number): void {
    this.#draw();
    if (x > this.#x || this.path.endsWith(`M${this.#x} ${this.#y}`)) this.path += `H${x}`;
    this.#y = undefined;
  }

  #draw(): void {
    const heights = this.#heights;
    this.#heights = [];
    const drawn = heights.length > 3 ? [...extremes(heights), heights.at(-1) ?? 0] : heights;
    for (const y of drawn) {
      if (y !== this.#y) this.path += `V${y}`;
      this.#y = y;
    }
  }
}

function extremes(numbers: readonly number[]): [number, number] {
  return numbers.reduce<[number, number]>(
    ([lowest, highest], each) => [Math.min(lowest, each), Math.max(highest, each)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}
