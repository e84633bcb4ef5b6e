import { type Ports, servicesOn } from './settings.ts';

/** The text that `npm start` prints when everything is ready: the addresses, and two commands to try. */
export function welcome(ports: Ports): string {
  const { commandApi, queryApi } = ports;
  const services = servicesOn(ports).map(({ name, port }) => {
    const isPage = port === queryApi.number;
    return `  ${name.padEnd(16)} http://localhost:${port}${isPage ? ', with the catalogue page' : ''}`;
  });
  const product = '{ "name": "Mouse ergonomico", "price": 39.90 }';
  return `
Ready; Ctrl-C stops everything.

${services.join('\n')}

Write a product, and read it back:

  curl -D /tmp/answer -X POST http://localhost:${commandApi.number}/products -H "Content-Type: application/json" -d '${product}'
  curl -H "$(grep -i ^consistency-token /tmp/answer | tr -d '\\r')" http://localhost:${queryApi.number}/products
`;
}
