/** Round values of an axis: steps of 1, 2 or 5 times a power of ten, about `count` of them, that enclose lowest and highest. */
export function ticks(lowest: number, highest: number, count: number): number[] {
  const rough = Math.max(highest - lowest, 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(Math.ceil([1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough), 1);
  const first = Math.floor(lowest / step) * step;
  const last = Math.ceil(highest / step) * step;
  return Array.from({ length: Math.round((last - first) / step) + 1 }, (_, index) => first + index * step);
}

/** A linear scale, rounded to tenths: no picture needs more. */
export function scale([from, to]: readonly [number, number], [start, end]: readonly [number, number]) {
  return (value: number) => Math.round((start + ((value - from) / Math.max(to - from, 1)) * (end - start)) * 10) / 10;
}
