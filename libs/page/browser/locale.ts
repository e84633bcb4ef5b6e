/**
 * The first of the browser’s languages in which it can format numbers and times. A Chromium that was started in the C locale
 * reports `en-US@posix`, which is not a language tag.
 */
export function usableLocale(languages: readonly string[]): string {
  const tags = languages.map((language) => language.split(/[@.]/, 1).join('').replaceAll('_', '-'));
  return tags.find(isTag) ?? 'en';
}

function isTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}
