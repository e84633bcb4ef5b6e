import type { CatalogueProblem } from '@catalogue/client';
import { setText } from './elements.ts';

const write = 'catalogue:write';

/** Says what right a token lacks, if an API refused it for that; otherwise what the API says. */
export function wordsOf({ type, detail }: Pick<CatalogueProblem, 'type' | 'detail'>): string {
  const [, right] = type === 'forbidden' ? (/scope (\S+)$/.exec(detail) ?? []) : [];
  return right === undefined ? detail : `your account lacks the right ${right}`;
}

/**
 * Disables the controls that change something, and says why beside them, if a token cannot. Inputs can still be read.
 * Nobody signed in: the page says that elsewhere.
 */
export function showRights(scopes: ReadonlySet<string>, isSignedIn: boolean): void {
  const lacks = !scopes.has(write);
  const reason =
    lacks && isSignedIn ? `You can look, but not change anything: your account lacks the right ${write}.` : '';
  for (const control of document.querySelectorAll('[data-writes]')) {
    if (control instanceof HTMLButtonElement) control.disabled = lacks;
    else if (control instanceof HTMLInputElement) control.readOnly = lacks;
  }
  for (const place of document.querySelectorAll('.lacking')) setText(place, reason);
}
