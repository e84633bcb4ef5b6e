import { Problem } from '@catalogue/service';

/** The refusal of whoever would only wait longer: the database does not keep up with those who wait already. */
export function overloaded(): Problem {
  return new Problem('overloaded', 'The read model answers slowly, and too many requests wait', {
    headers: { 'retry-after': '1' },
  });
}
