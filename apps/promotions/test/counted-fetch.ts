import { smallFetch as uncounted } from '../src/drive/small-fetch.ts';
import { boundary } from './boundaries.ts';

/** In place of `drive/small-fetch.ts`: each request has a boundary before and after it. */
export function smallFetch(): typeof globalThis.fetch {
  const fetch = uncounted();
  return async (url, init) => {
    boundary(`before: ${init?.method}`);
    const response = await fetch(url, init);
    boundary(`after: ${init?.method}`);
    return response;
  };
}
