/**
 * The address of an API, without trailing slashes. In a browser it may be a path, or empty for the page’s own host.
 * @throws {TypeError} if no request can be sent to the address: a retry does not fix a mistake in the program.
 */
export function addressOf(option: string, given: string): string {
  const address = typeof given === 'string' ? given.trim() : undefined;
  const base = (globalThis as { location?: { href?: string } }).location?.href;
  if (address !== undefined && isUsable(address, base)) return withoutSlashes(address);
  throw new TypeError(
    `${option} must be an address like https://example.com, without credentials, ? and #; it is ${JSON.stringify(given)}`,
  );
}

/** Removes trailing slashes. `/\/+$/` takes quadratic time. */
function withoutSlashes(address: string): string {
  let end = address.length;
  while (address[end - 1] === '/') end -= 1;
  return address.slice(0, end);
}

function isUsable(address: string, base: string | undefined): boolean {
  if (/[?#]/.test(address) || !URL.canParse(address, base)) return false;
  // The base of a relative address may have credentials.
  const absolute = URL.canParse(address) ? new URL(address) : undefined;
  return /^https?:$/.test(new URL(address, base).protocol) && !absolute?.username && !absolute?.password;
}
