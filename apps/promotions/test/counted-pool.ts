import type { Sql } from '@catalogue/postgres';
import { openMachine as open } from '../src/machine-pool.ts';
import { counted } from './boundaries.ts';

/** In place of `src/machine-pool.ts`. */
export function openMachine(dsn: string): Sql {
  return counted(open(dsn));
}
