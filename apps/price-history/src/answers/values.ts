/** RFC 3339, in UTC. */
export function instant(at: number): string {
  return new Date(at).toISOString();
}

/** Cents as a price: the nearest double prints as the same decimal. */
export function price(cents: number | null): number | null {
  return cents === null ? null : cents / 100;
}
