import { type Api, CatalogueProblem } from './problem.ts';

/** Browsers hide the status of a redirect that is not followed. */
export function isRedirect({ type, status, headers }: Response): boolean {
  return type === 'opaqueredirect' || (status >= 300 && status < 400 && headers.has('location'));
}

/** The refusal of a redirect. Without the path and the query of the other address, which may contain secrets. */
export function redirected(api: Api, { status, headers }: Response, url: string): CatalogueProblem {
  const location = headers.get('location') ?? '';
  const base = URL.canParse(url) ? url : undefined;
  const to = location !== '' && URL.canParse(location, base) ? new URL(location, base).origin : 'another address';
  const detail = `${api} redirects to ${to}: give the client the address behind the redirect`;
  return new CatalogueProblem(api, status, { title: 'Redirected', detail });
}
