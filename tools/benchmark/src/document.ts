const begin = '<!-- Written by npm run bench -- --write; changes are lost. -->';
const end = '<!-- Until here. -->';

/**
 * The document with its recorded part replaced.
 * @throws when its markers are missing.
 */
export function withRecord(document: string, record: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`The document lacks the markers "${begin}" and "${end}"`);
  return `${document.slice(0, from)}${begin}\n\n${record}\n\n${document.slice(to)}`;
}
