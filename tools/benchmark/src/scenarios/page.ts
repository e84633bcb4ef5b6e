import { measureFirstRows } from '@catalogue/acceptance';
import { percentile } from '../percentile.ts';
import { few } from './reads.ts';
import type { Scenario } from './scenario.ts';

const openings = 21;

/** The catalogue page in a headless Chromium; not part of a whole run. */
export const firstRows: Scenario = {
  name: 'page-first-rows',
  title: `The catalogue page: its response until its first 100 rows are painted, ${openings} openings without a cache`,
  mode: 'write',
  onlyNamed: true,
  targets: [{ figure: 'p50', atMost: 300 }],
  measure: async (bed) => {
    const shop = await bed.shop(few);
    const times = await measureFirstRows(shop.api.url, openings);
    return { p50: percentile(times, 50), p90: percentile(times, 90), max: percentile(times, 100) };
  },
};
