import { CatalogueProblem, CatalogueUnreachable } from '@catalogue/client';
import { wordsOf } from './rights.ts';
import { SignedOut } from './signed-out.ts';

/** The faults that the user sees: one for each field, and one for the whole form. */
export interface Refusal {
  name: string;
  price: string;
  whole: string;
}

export function refusalOf(error: unknown): Refusal {
  const nothing = { name: '', price: '', whole: '' };
  if (error instanceof CatalogueUnreachable) {
    return { ...nothing, whole: 'No answer: it may have been saved or not. Saving again is safe.' };
  }
  if (error instanceof SignedOut) return { ...nothing, whole: signedOut };
  if (!(error instanceof CatalogueProblem)) throw error;
  if (error.type !== 'invalid-request') return { ...nothing, whole: sentenceFor(error) };
  const faultOf = (pointer: string) => error.errors.find((fault) => fault.pointer === pointer)?.message ?? '';
  const [name, price] = [faultOf('/name'), faultOf('/price')];
  return { name, price, whole: name === '' && price === '' ? error.detail : '' };
}

/** What was typed stays until the dialog is closed. */
export const signedOut = 'Nothing was saved: your sign-in has ended. Close this, and sign in again.';

function sentenceFor({ type, status, detail }: CatalogueProblem): string {
  if (type === 'product-discontinued') return 'Somebody has discontinued this product meanwhile.';
  if (type === 'not-found') return 'This product takes no commands here: it is kept by an older system.';
  if (type === 'forbidden') return `Nothing was saved: ${wordsOf({ type, detail })}.`;
  if (status === 503) return `Writing does not work at the moment (${detail}). Nothing was saved; try again.`;
  return detail;
}
