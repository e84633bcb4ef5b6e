import { readFile } from 'node:fs/promises';
import { isAccessToken } from '@catalogue/client';
import type { ClientCredentials, Logger } from '@catalogue/service';

/** There is no token to send. The steps wait, as while command-api is away. */
export class TokenUnreadable extends Error {}

interface TokenSource {
  /** The file with the token. Another program replaces it when it renews the token. Empty without a file. */
  file: string;
  /** Gets tokens from an issuer, in place of a file. */
  client: ClientCredentials | undefined;
}

/**
 * The token for command-api. Logs when command-api begins to refuse commands, and when it accepts them again: otherwise
 * promotions would wait without a reason in the log.
 */
export class Credentials {
  readonly #source: TokenSource;
  readonly #log: Logger;
  #isRefused = false;

  constructor(source: TokenSource, log: Logger) {
    this.#source = source;
    this.#log = log;
  }

  /** The current token, which can differ at the next call. @throws {TokenUnreadable} without a token. */
  async token(): Promise<string> {
    const { file, client } = this.#source;
    try {
      if (client !== undefined) return (await client.token(this.#log)).value;
      const text = (await readFile(file, 'utf8')).trim();
      if (!isAccessToken(text)) throw new Error('The file contains no access token');
      return text;
    } catch (cause) {
      const what =
        client === undefined ? 'COMMAND_API_TOKEN_FILE cannot be read' : 'There is no access token for command-api';
      this.#refused(what, { err: cause });
      throw new TokenUnreadable('There is no access token for command-api', { cause });
    }
  }

  /** Records command-api's answer to a token. Outages and overload say nothing about the token. */
  answered(status: number, token: string): void {
    if (status === 401 || status === 403) {
      const { file, client } = this.#source;
      client?.refuse(token);
      const unset = 'set COMMAND_API_TOKEN_URL or COMMAND_API_TOKEN_FILE';
      const ofFile = file === '' ? unset : 'write a valid one to COMMAND_API_TOKEN_FILE';
      const hint = client === undefined ? ofFile : 'the client COMMAND_API_CLIENT_ID gets none';
      this.#refused(`command-api needs an access token with the scope catalogue:write: ${hint}`, { status });
    } else if (status < 500 && status !== 429) this.#admitted();
  }

  /** Records that command-api's certificate was refused: unlike an outage, this does not pass by itself. */
  unreached(error: unknown): void {
    const { code } = error as { code?: string };
    if (!/CERT|LEAF_SIGNATURE/.test(code ?? '')) return;
    const hint = 'NODE_EXTRA_CA_CERTS names the file of its authority, and COMMAND_API_URL a host in it';
    this.#refused(`The certificate of command-api cannot be verified: ${hint}`, { err: error });
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
