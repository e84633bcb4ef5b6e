// What `@catalogue/page` is while developing: the page as its source is now, without a build.
export { bundlePage as loadPage } from './bundle.ts';
export type { Page, PageFile } from './page.ts';
