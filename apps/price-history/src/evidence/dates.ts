import { dayMs, localDay } from '../rules/zone.ts';

/** The local date, as `2026-06-01`. */
export function dateIn(zone: string, at: number): string {
  return new Date(localDay(at, zone) * dayMs).toISOString().slice(0, 10);
}
