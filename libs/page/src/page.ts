/** A file that the page loads. Its name changes with its content. */
export interface PageFile {
  name: string;
  type: string;
  content: Uint8Array;
}

/** The page as query-api serves it. */
export interface Page {
  /**
   * The document. `{{command-api}}`, `{{prices}}` and `{{promotions}}` in it are to be replaced by the addresses of
   * these services, and `{{sign-in}}` by where the page signs in, as JSON; by nothing if it does not.
   */
  document: string;
  files: PageFile[];
}

const types: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The media type of a file by its name. */
export function typeOf(name: string): string {
  const type = types[name.slice(name.lastIndexOf('.') + 1)];
  if (type === undefined) throw new Error(`The page has no files like ${name}`);
  return type;
}
