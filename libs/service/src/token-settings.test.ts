import { audience, clientSecret, startIssuer } from '@catalogue/testing';
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { ClientCredentials } from './client-credentials.ts';
import { parseSettings } from './settings.ts';
import { clientCredentials } from './token-settings.ts';

const read = (env: Record<string, string>) =>
  parseSettings({ client: clientCredentials('COMMAND_API', 'catalogue:write') }, env).client;
const client = {
  COMMAND_API_TOKEN_URL: 'https://login.example/token',
  COMMAND_API_CLIENT_ID: 'promotions',
  COMMAND_API_CLIENT_SECRET: 'known-to-two',
};

test('a client of an issuer has an address, a name and a secret; without an address it is undefined', () => {
  expect(read(client)).toBeInstanceOf(ClientCredentials);
  expect(read({})).toBeUndefined();
});

test('a part of a client without an address is a mistake: commands would be sent without a token', () => {
  expect(() => read({ COMMAND_API_CLIENT_SECRET: 'known-to-two' })).toThrow(
    'COMMAND_API_TOKEN_URL is missing, and COMMAND_API_CLIENT_SECRET is set: set both or neither',
  );
});

test('the client asks for the scope catalogue:write, or for another, and for a resource', async () => {
  await using issuer = await startIssuer(['promotions']);
  const known = { ...client, COMMAND_API_TOKEN_URL: `${issuer.url}/token`, COMMAND_API_CLIENT_SECRET: clientSecret };
  const claims = async (more: Record<string, string>) => {
    const { value } = (await read({ ...known, ...more })?.token()) ?? { value: '' };
    return value.includes('.') ? decodeJwt(value) : undefined;
  };
  expect(await claims({})).toMatchObject({ aud: audience, scope: 'catalogue:write' });
  const both = 'catalogue:read catalogue:write';
  expect(await claims({ COMMAND_API_TOKEN_SCOPE: both })).toMatchObject({ scope: both });
  issuer.requireResource();
  expect(await claims({})).toBeUndefined();
  expect(await claims({ COMMAND_API_TOKEN_RESOURCE: audience })).toMatchObject({ aud: audience });
});

test('a scope can be a URI', () => {
  expect(read({ ...client, COMMAND_API_TOKEN_SCOPE: 'api://catalogue/.default' })).toBeInstanceOf(ClientCredentials);
});

test.each(['urn:catalogue:commands', 'api://catalogue', 'https://catalogue.example/api?v=1'])(
  'a resource can be %s',
  (resource) => {
    expect(() => read({ ...client, COMMAND_API_TOKEN_RESOURCE: resource })).not.toThrow();
  },
);

test.each([
  [{ ...client, COMMAND_API_CLIENT_SECRET: '' }, 'COMMAND_API_CLIENT_SECRET is missing'],
  [{ ...client, COMMAND_API_TOKEN_URL: 'http://login.example' }, 'COMMAND_API_TOKEN_URL must be an https:// address'],
  [{ ...client, COMMAND_API_TOKEN_SCOPE: 'a  b' }, 'COMMAND_API_TOKEN_SCOPE must be scopes, separated by one space'],
  [{ ...client, COMMAND_API_TOKEN_SCOPE: 'a"b' }, 'COMMAND_API_TOKEN_SCOPE must be scopes, separated by one space'],
  [{ ...client, COMMAND_API_TOKEN_SCOPE: 'a\nb' }, 'COMMAND_API_TOKEN_SCOPE must be scopes, separated by one space'],
  [{ ...client, COMMAND_API_TOKEN_RESOURCE: 'catalogue' }, 'COMMAND_API_TOKEN_RESOURCE must be an absolute URI'],
  [{ ...client, COMMAND_API_TOKEN_RESOURCE: 'https://a.example/#b' }, 'COMMAND_API_TOKEN_RESOURCE must be an absolute'],
  [{ ...client, COMMAND_API_TOKEN_RESOURCE: 'https://a b' }, 'COMMAND_API_TOKEN_RESOURCE must be an absolute URI'],
  [{ ...client, COMMAND_API_TOKEN_FILE: '/token' }, 'COMMAND_API_TOKEN_URL is set, and COMMAND_API_TOKEN_FILE as well'],
])('half a client, or two sources of a token, are refused: %o', (env, message) => {
  expect(() => read(env)).toThrow(message);
  expect(() => read(env)).not.toThrow('known-to-two');
});
