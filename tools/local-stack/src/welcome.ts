import { type Ports, type Scheme, servicesOn } from './settings.ts';

/**
 * The text that `npm start` prints when everything is ready: the addresses, and two commands to try. `authority` is the
 * file with the certificate that vouches for those of the services, unless the system trusts them.
 */
export function welcome(ports: Ports, scheme: Scheme, authority = ''): string {
  const { commandApi, queryApi } = ports;
  const services = servicesOn(ports, scheme).map(({ name, port }) => {
    const isPage = port === queryApi.number;
    return `  ${name.padEnd(16)} ${scheme}://localhost:${port}${isPage ? ', with the catalogue page' : ''}`;
  });
  const curl = authority === '' || scheme === 'http' ? 'curl' : `curl --cacert "${authority}"`;
  const product = '{ "name": "Mouse ergonomico", "price": 39.90 }';
  return `
Ready; Ctrl-C stops everything.

${services.join('\n')}

Write a product, and read it back:

  ${curl} -D /tmp/answer -X POST ${scheme}://localhost:${commandApi.number}/products -H "Content-Type: application/json" -d '${product}'
  ${curl} -H "$(grep -i ^consistency-token /tmp/answer | tr -d '\\r')" ${scheme}://localhost:${queryApi.number}/products
`;
}
