// The entry of `@catalogue/page` in development: bundles the page from its source, without a build.
export { bundlePage as loadPage } from './bundle.ts';
export type { Page, PageFile } from './page.ts';
