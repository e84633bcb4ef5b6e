import { readFile } from 'node:fs/promises';

const parameter = 'address_file';

/**
 * Takes the parameter `address_file` from an address: a file with the address as it is now. `password` reads its
 * password for a new connection, so that a service goes on when the password is changed in PostgreSQL and in the file.
 * A file that cannot be read, or contains no password, leaves the password as it was: PostgreSQL then accepts it or
 * says why not. An address without a password has no `password` either: the client then uses `PGPASSWORD`.
 */
export function passwordOf(dsn: string): { dsn: string; password?: () => Promise<string> } {
  const url = URL.parse(dsn);
  const file = url?.searchParams.get(parameter);
  if (url === null || file === null || file === undefined) return { dsn };
  url.searchParams.delete(parameter);
  if (url.password === '') return { dsn: url.href };
  let last = decodeURIComponent(url.password);
  const password = async () => {
    const now = await readFile(file, 'utf8').then(passwordIn, () => undefined);
    last = now ?? last;
    return last;
  };
  return { dsn: url.href, password };
}

/** Undefined if the text is no address with a password, as while it is being written. */
function passwordIn(text: string): string | undefined {
  try {
    const { password } = new URL(text.trim());
    return password === '' ? undefined : decodeURIComponent(password);
  } catch {
    return undefined;
  }
}
