/** The offset from which a partition is consumed. If `stop` is set, it is not consumed, and `stop` says why. */
export interface StartingPoint {
  next: number;
  stop?: string;
}

/** Returns the offset to fetch from. A partition that is not consumed is assigned at its end, where nothing is fetched. */
export function fetchFrom(point: StartingPoint | undefined): number {
  return point === undefined || point.stop !== undefined ? offsetEnd : point.next;
}

const offsetEnd = -1;
