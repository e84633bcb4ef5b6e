/** Where a partition goes on; `stop` says why it cannot. */
export interface StartingPoint {
  next: number;
  stop?: string;
}

/** The offset to fetch from. Nothing is fetched of a partition that is not consumed: it waits at its end. */
export function fetchFrom(point: StartingPoint | undefined): number {
  return point === undefined || point.stop !== undefined ? offsetEnd : point.next;
}

const offsetEnd = -1;
