import { isTrustworthy } from './auth-settings.ts';
import { ClientCredentials } from './client-credentials.ts';
import { parseSettings, type Setting, textOf } from './settings.ts';

/** The address of an issuer's tokens: over TLS, because it is sent a secret, or on this machine. */
export function tokenAddress(variable: string): Setting<string> {
  return {
    variable,
    example: 'https://login.example/token',
    parse: (text) => {
      if (!isTrustworthy(text)) throw new Error('must be an https:// address without credentials, ? and #');
      return text;
    },
  };
}

/** Scopes to ask for, separated by spaces (RFC 6749, 3.3). */
export function tokenScope(variable: string, fallback: string): Setting<string> {
  return {
    variable,
    example: fallback || 'kafka',
    fallback,
    parse: (text) => {
      if (!/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(text))
        throw new Error('must be scopes, separated by one space');
      return text;
    },
  };
}

/** The API that a token is for, as issuers that know several want it: the parameter `resource` of RFC 8707. */
export function tokenResource(variable: string): Setting<string> {
  return {
    variable,
    example: 'https://catalogue.example',
    fallback: '',
    parse: (text) => {
      if (!/^[a-z][a-z\d+.-]*:[\x21-\x7e]+$/i.test(text) || text.includes('#') || !URL.canParse(text))
        throw new Error('must be an absolute URI without #');
      return text;
    },
  };
}

/**
 * A client of an issuer, from `<prefix>_TOKEN_URL`, `<prefix>_CLIENT_ID` and `<prefix>_CLIENT_SECRET`; undefined
 * without the first. It asks for `<prefix>_TOKEN_SCOPE`, or for `scope` when that is absent, and for
 * `<prefix>_TOKEN_RESOURCE`. Excludes `<prefix>_TOKEN_FILE`.
 */
export function clientCredentials(prefix: string, scope: string): Setting<ClientCredentials | undefined> {
  const address = tokenAddress(`${prefix}_TOKEN_URL`);
  const [file, idVariable, secretVariable] = [`${prefix}_TOKEN_FILE`, `${prefix}_CLIENT_ID`, `${prefix}_CLIENT_SECRET`];
  return {
    variable: address.variable,
    example: address.example,
    parse: (text, env = {}) => {
      const tokenUrl = address.parse(text);
      if ((env[file] ?? '') !== '') throw new Error(`is set, and ${file} as well: set one of them`);
      const parse = (value: string) => value;
      const asked = parseSettings(
        {
          clientId: { variable: idVariable, example: 'promotions', parse },
          secret: { variable: secretVariable, example: 'secret', parse },
          scope: tokenScope(`${prefix}_TOKEN_SCOPE`, scope),
          resource: tokenResource(`${prefix}_TOKEN_RESOURCE`),
        },
        env,
      );
      return new ClientCredentials({
        tokenUrl,
        clientId: asked.clientId,
        clientSecret: () => textOf(secretVariable, env),
        scope: asked.scope,
        resource: asked.resource,
      });
    },
    absent: (env) => {
      const names = [idVariable, secretVariable, `${prefix}_TOKEN_SCOPE`, `${prefix}_TOKEN_RESOURCE`];
      const given = names.find((name) => textOf(name, env) !== '');
      if (given !== undefined) throw new Error(`is missing, and ${given} is set: set both or neither`);
      return undefined;
    },
  };
}
