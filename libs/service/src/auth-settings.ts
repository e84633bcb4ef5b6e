import { choice, type Environment, parseSettings, type Setting, textOf } from './settings.ts';

/** Signature algorithms that may be allowed. All are asymmetric: a service that verifies tokens cannot make them. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const usualAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** Whose access tokens a service accepts; `off` if it accepts every request. */
export type AuthSettings = 'off' | TokenRules;

export interface TokenRules {
  /** The `iss` of tokens, and where the issuer is described; undefined if any issuer with a key of the key set will do. */
  issuer?: string;
  /** The key set; found by the issuer's description when absent. */
  jwksUrl?: string;
  /** The `aud` of tokens. */
  audience: string;
  algorithms: string[];
  /** The key that makes pseudonyms of subjects. When absent, subjects are stored and logged unchanged. */
  subjectKey?: string;
}

/** The client by whose id the catalogue page signs in at `AUTH_ISSUER`; empty if it does not. */
export const pageClientId: Setting<string> = {
  variable: 'AUTH_CLIENT_ID',
  example: 'catalogue-page',
  fallback: '',
  parse: (text, env = {}) => {
    if (textOf('AUTH_ISSUER', env) !== '') return text;
    throw new Error('is set, but AUTH_ISSUER is not: the page signs in there');
  },
};

/**
 * Whether requests need an access token. Without this setting a service does not start: to let every client do
 * everything, the operator has to set `off`.
 */
export const auth: Setting<AuthSettings> = {
  variable: 'AUTH',
  example: 'off',
  parse: (text, env = {}) => {
    const { mode } = parseSettings({ mode: choice('AUTH', 'on', ['on', 'off']) }, { AUTH: text });
    if (mode === 'on') return rulesOf(env);
    parseSettings(Object.fromEntries(ruleVariables.map((variable) => [variable, contradicting(variable)])), env);
    return 'off';
  },
  absent: (env) => rulesOf(env),
};

const ruleVariables = ['AUTH_ISSUER', 'AUTH_JWKS_URL', 'AUTH_AUDIENCE', 'AUTH_ALGORITHMS', 'SUBJECT_KEY'];

/** A rule beside `AUTH=off` is a mistake: its author believes that it protects the service. */
function contradicting(variable: string): Setting<string> {
  const parse = (): never => {
    throw new Error('is set, but AUTH is off: remove one of them');
  };
  return { variable, example: '', fallback: '', parse };
}

function rulesOf(env: Environment): TokenRules {
  const { issuer, jwksUrl } = parseSettings({ issuer: address('AUTH_ISSUER'), jwksUrl: address('AUTH_JWKS_URL') }, env);
  if (issuer === '' && jwksUrl === '') {
    throw new Error(
      'must be set in one of two ways: AUTH_ISSUER (or AUTH_JWKS_URL) and AUTH_AUDIENCE, so that every request needs an access ' +
        'token, or AUTH=off, so that whoever reaches the port may do everything',
    );
  }
  const { audience, allowed, key } = parseSettings(
    {
      audience: { variable: 'AUTH_AUDIENCE', example: 'https://catalogue.example', parse: (text: string) => text },
      allowed: allowList,
      key: subjectKey,
    },
    env,
  );
  return {
    ...(issuer === '' ? {} : { issuer }),
    ...(jwksUrl === '' ? {} : { jwksUrl }),
    audience,
    algorithms: allowed,
    ...(key === '' ? {} : { subjectKey: key }),
  };
}

/** A shorter key could be guessed, and with it the subjects of pseudonyms. */
const minKeyLength = 32;

/** Error messages never repeat the text. */
const subjectKey: Setting<string> = {
  variable: 'SUBJECT_KEY',
  example: '"$(openssl rand -base64 32)"',
  fallback: '',
  parse: (text) => {
    if (text.length < minKeyLength) throw new Error(`must have at least ${minKeyLength} characters`);
    return text;
  },
};

const allowList: Setting<string[]> = {
  variable: 'AUTH_ALGORITHMS',
  example: usualAlgorithms.join(','),
  fallback: usualAlgorithms,
  parse: (text) => {
    const names = text.split(',').map((name) => name.trim());
    const wrong = names.find((name) => !algorithms.includes(name));
    if (wrong !== undefined) throw new Error(`must be some of ${algorithms.join(', ')}, not "${wrong}"`);
    return names;
  },
};

/** An address of keys: over TLS, or on this machine, because anyone who can change the keys can make tokens. */
function address(variable: string): Setting<string> {
  return {
    variable,
    example: 'https://login.example',
    fallback: '',
    parse: (text) => {
      if (!isTrustworthy(text)) throw new Error('must be an https:// address without credentials, ? and #');
      return text;
    },
  };
}

export function isTrustworthy(text: string): boolean {
  const url = /^[^?#]+$/.test(text) ? URL.parse(text) : null;
  if (url?.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback.includes(url.hostname));
}

const loopback = ['localhost', '127.0.0.1', '[::1]'];
