import type { ShownPage } from '@catalogue/reading';
import { present } from '../product/product.ts';
import type { Page } from './list-reader.ts';
import { linkOf, type ListRequest } from './list-request.ts';

/** Formats a page as it is sent. */
export function showPage(list: ListRequest, { rows, next, from }: Page): ShownPage {
  return { link: linkOf(list, next), body: JSON.stringify(rows.map(present)), from };
}
