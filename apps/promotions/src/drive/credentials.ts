import { readFile } from 'node:fs/promises';
import { isAccessToken } from '@catalogue/client';
import type { Logger } from '@catalogue/service';

/** The file has no token that could be sent. The steps wait, as while command-api is away. */
export class TokenUnreadable extends Error {}

/** The token for command-api. Whether command-api admits it is logged when it changes: promotions wait in silence otherwise. */
export class Credentials {
  readonly #file: string;
  readonly #log: Logger;
  #isRefused = false;

  /** @param file has the token, and is rewritten when the token is renewed; empty if there is no file. */
  constructor(file: string, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  /** The token, read again: it is renewed while the service runs. */
  async token(): Promise<string> {
    try {
      const text = (await readFile(this.#file, 'utf8')).trim();
      if (!isAccessToken(text)) throw new Error('The file contains no access token');
      return text;
    } catch (cause) {
      this.#refused('COMMAND_API_TOKEN_FILE cannot be read', { err: cause });
      throw new TokenUnreadable('There is no access token for command-api', { cause });
    }
  }

  /** Notes how command-api answered. Outages and overload say nothing about the token. */
  answered(status: number): void {
    if (status === 401 || status === 403) {
      const hint = this.#file === '' ? 'set COMMAND_API_TOKEN_FILE' : 'write a valid one to COMMAND_API_TOKEN_FILE';
      this.#refused(`command-api needs an access token with the scope catalogue:write: ${hint}`, { status });
    } else if (status < 500 && status !== 429) this.#admitted();
  }

  #refused(message: string, details: object): void {
    if (!this.#isRefused) this.#log.warn(details, `${message}; promotions wait`);
    this.#isRefused = true;
  }

  #admitted(): void {
    if (this.#isRefused) this.#log.info('command-api accepts commands again');
    this.#isRefused = false;
  }
}
