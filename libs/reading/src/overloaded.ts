import { Problem } from '@catalogue/service';

/** The refusal when the database cannot keep up with the requests that wait already. */
export function overloaded(): Problem {
  return new Problem('overloaded', 'The read model answers slowly, and too many requests wait', {
    headers: { 'retry-after': '1' },
  });
}
