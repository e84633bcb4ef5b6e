/**
 * A searched text with a space for what any of JavaScript, ICU and PostgreSQL takes for white space. They disagree about
 * control characters and line separators, and PostgreSQL also by the locale of a database. In PostgreSQL’s functions a
 * line break next to a sign is a part of the sign.
 */
export function searchedText(text: string): string {
  return text.replace(whiteSpace, ' ');
}

// oxlint-disable-next-line no-control-regex -- those that ICU counts as white space
const whiteSpace = /[\s\u001c-\u001f\u0085]+/g;
